import { bundleProgram } from '../scripts/bundle.mjs';
import { chunks } from './compare.js';
import { OURS } from './names.js';
import { MODES } from './options.js';
import { type Rule, withoutRule } from './rules.js';
import type { Tally, Task } from './task.js';
import { textTable } from './text-table.js';
import { newWorkers } from './workers.js';

/** Takes every rule out of the code, one at a time, and looks for the first run that breaks a promise. */
export async function necessity(
  rules: readonly Rule[],
  seeds: number,
  onDone: (line: string) => void = () => {},
): Promise<{ text: string; unbroken: readonly string[] }> {
  const rows: string[][] = [];
  const unbroken: string[] = [];
  for (const [index, rule] of rules.entries()) {
    const found = await firstBroken(rule, index, seeds);
    if (found === undefined) unbroken.push(rule.name);
    onDone(`${rule.name}: ${found ? `${found.seed} ${found.mode}` : 'none'}`);
    rows.push([
      rule.name,
      found ? String(found.seed) : 'none',
      found?.mode ?? '',
      found ? `${found.violation.promise}: ${found.violation.text}` : '',
    ]);
  }
  return { text: textTable(['without the rule', 'seed', 'mode', 'what happens'], rows), unbroken };
}

async function firstBroken(rule: Rule, index: number, seeds: number) {
  const program = await bundleProgram('proof/worker.ts', {
    variant: `-without-${index}`,
    plugins: [withoutRule(rule)],
  });
  const workers = newWorkers<Task, Tally>(program);
  let first: (NonNullable<Tally['first']> & { mode: string; position: number }) | undefined;
  const tasks = chunks(seeds).flatMap((chunk) =>
    MODES.map((mode) => ({ system: rule.system ?? OURS, mode, seeds: chunk })),
  );
  await workers.all(
    tasks,
    (task, tally) => {
      const position = tasks.indexOf(task); // what was begun before it is done before the work ends
      if (tally.first && position < (first?.position ?? tasks.length)) {
        first = { ...tally.first, mode: task.mode, position };
      }
    },
    () => first !== undefined,
  );
  await workers.close();
  return first;
}

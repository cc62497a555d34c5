import { bundleProgram } from '../scripts/bundle.mjs';
import { chunks } from './compare.js';
import { MODES } from './options.js';
import { RULES, type Rule, withoutRule } from './rules.js';
import { OURS } from './systems.js';
import type { Tally } from './task.js';
import { textTable } from './text-table.js';
import { newWorkers } from './workers.js';

/** Takes every rule out of the code, one at a time, and looks for the first run that breaks a promise. */
export async function necessity(seeds: number): Promise<{ text: string; unbroken: readonly string[] }> {
  const rows: string[][] = [];
  const unbroken: string[] = [];
  for (const [index, rule] of RULES.entries()) {
    const found = await firstBroken(rule, index, seeds);
    if (found === undefined) unbroken.push(rule.name);
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
  const workers = newWorkers(program);
  let first: (NonNullable<Tally['first']> & { mode: string }) | undefined;
  const tasks = chunks(seeds).flatMap((chunk) => MODES.map((mode) => ({ system: OURS, mode, seeds: chunk })));
  await workers.all(
    tasks,
    ({ mode }, tally) => {
      if (tally.first && (first === undefined || tally.first.seed < first.seed))
        first = { ...tally.first, mode };
    },
    () => first !== undefined,
  );
  await workers.close();
  return first;
}

import { PROMISING } from './names.js';
import { MODES } from './options.js';
import { SYSTEMS } from './systems.js';
import { add, NOTHING, type Tally, type Task } from './task.js';
import { textTable } from './text-table.js';
import type { Workers } from './workers.js';

const CHUNK = 100;

/** Runs every system over the seeds, ours in each mode and on each kind of cache, and returns what came of it, also as a table. */
export async function compare(
  workers: Workers<Task, Tally>,
  seeds: number,
): Promise<{ text: string; tallies: ReadonlyMap<string, Tally> }> {
  const tallies = new Map<string, Tally>();
  const nameOf = ({ system, mode }: Pick<Task, 'system' | 'mode'>) =>
    PROMISING.includes(system) ? `${system}, mode ${mode}` : system;
  const subjects = [
    ...PROMISING.flatMap((system) => MODES.map((mode) => ({ system, mode }))),
    // The modes are ours; the others do the same in each.
    ...Object.keys(SYSTEMS)
      .slice(PROMISING.length)
      .map((system) => ({ system, mode: 'write' as const })),
  ];
  const tasks = subjects.flatMap((subject) => {
    const runs = PROMISING.includes(subject.system) ? seeds : Math.ceil(seeds / 5); // the others are soon seen to break
    return chunks(runs).map((chunk) => ({ ...subject, seeds: chunk }));
  });
  await workers.all(tasks, (task, tally) => {
    const name = nameOf(task);
    tallies.set(name, add(tallies.get(name) ?? NOTHING, tally));
  });

  const text = textTable(
    [
      'system',
      'runs',
      'with a step back',
      'never converged',
      'changed by replays',
      'own write unseen',
      'longest stale',
      'hit rate',
      'items read per 1,000 asked',
    ],
    subjects.map((subject) => row(nameOf(subject), tallies.get(nameOf(subject)) ?? NOTHING)),
  );
  return { text, tallies };
}

export function chunks(seeds: number): { from: number; to: number }[] {
  const starts = Array.from({ length: Math.ceil(seeds / CHUNK) }, (_, index) => 1 + index * CHUNK);
  return starts.map((from) => ({ from, to: Math.min(from + CHUNK, seeds + 1) }));
}

function row(name: string, { runs, broken, hits, misses, itemsRead, longestStalenessMs }: Tally): string[] {
  const asked = Math.max(1, hits + misses);
  const count = (number = 0) => number.toLocaleString('en');
  return [
    name,
    count(runs),
    count(broken['no step back']),
    count(broken.convergence),
    count(broken['replay-proof']),
    count(broken['read your writes']),
    `${(longestStalenessMs / 1000).toFixed(0)} s`,
    `${((100 * hits) / asked).toFixed(0)} %`,
    ((1000 * itemsRead) / asked).toFixed(0),
  ];
}

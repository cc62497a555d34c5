import type { Outcome } from './simulation/run.js';
import type { Violation } from './simulation/watch.js';
import type { Mode } from './simulation/weather.js';

/** Runs of one system in one mode, for a worker. */
export interface Task {
  readonly system: string;
  readonly mode: Mode;
  readonly seeds: { readonly from: number; readonly to: number };
}

/** What came of many runs. */
export interface Tally {
  readonly runs: number;
  /** Runs with at least one violation of a promise. */
  readonly broken: Readonly<Partial<Record<Violation['promise'], number>>>;
  readonly longestStalenessMs: number;
  readonly hits: number;
  readonly misses: number;
  readonly itemsRead: number;
  /** The run with the lowest seed that broke a promise. */
  readonly first?: { readonly seed: number; readonly violation: Violation } | undefined;
}

export const NOTHING: Tally = {
  runs: 0,
  broken: {},
  longestStalenessMs: 0,
  hits: 0,
  misses: 0,
  itemsRead: 0,
};

export function tallyOf({ seed, violations, ...counts }: Outcome): Tally {
  const [violation] = violations;
  return {
    ...counts,
    runs: 1,
    broken: Object.fromEntries(violations.map(({ promise }) => [promise, 1])),
    first: violation && { seed, violation },
  };
}

export function add(a: Tally, b: Tally): Tally {
  const broken = { ...a.broken };
  for (const [promise, count] of Object.entries(b.broken) as [Violation['promise'], number][]) {
    broken[promise] = (broken[promise] ?? 0) + count;
  }
  return {
    runs: a.runs + b.runs,
    broken,
    longestStalenessMs: Math.max(a.longestStalenessMs, b.longestStalenessMs),
    hits: a.hits + b.hits,
    misses: a.misses + b.misses,
    itemsRead: a.itemsRead + b.itemsRead,
    first: earlier(a.first, b.first),
  };
}

function earlier(a: Tally['first'], b: Tally['first']): Tally['first'] {
  if (a === undefined || b === undefined) return a ?? b;
  return a.seed <= b.seed ? a : b;
}

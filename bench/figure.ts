import { textTable } from '../proof/text-table.js';

/** One line of the table: what was compared with what, and what came of it. */
export interface Figure {
  /** Its number in the list of aims: S1 to S14. */
  readonly id: string;
  readonly what: string;
  readonly ours: string;
  /** What it is compared with, and that one's value. */
  readonly baseline: string;
  /** Ours by the baseline's; absent where the value itself is the figure. */
  readonly ratio?: number | undefined;
  readonly aim: Aim;
}

export interface Aim {
  readonly text: string;
  readonly isMet: boolean | undefined;
}

export function atLeast(least: number, value: number): Aim {
  return { text: `≥ ${least}`, isMet: value >= least };
}

export function atMost(most: number, value: number): Aim {
  return { text: `≤ ${most}`, isMet: value <= most };
}

/** A figure that is looked at, without an aim. */
export const CONTEXT: Aim = { text: '–', isMet: undefined };

/** A Markdown table. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ id, what, ours, baseline, ratio, aim }) => [
    id,
    what,
    ours,
    baseline,
    ratio === undefined ? '' : twoDigits(ratio),
    aim.text,
    aim.isMet === undefined ? '' : aim.isMet ? 'yes' : '**no**',
  ]);
  return textTable(['', 'what', 'ours', 'compared with', 'ratio', 'aim', 'met'], rows);
}

export function twoDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

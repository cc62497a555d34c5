import type { RecordOutcome } from '../report.js';
import type { Style } from './terminal.js';

/** What each outcome says to whoever sees it for the first time, in the order of the closing list. */
export const MEANING: Readonly<Record<RecordOutcome, string>> = {
  written: 'the new image is in the cache',
  deleted: 'the key is not in the cache: the next reader fetches the item',
  superseded: 'a newer record of the same item in the same batch was applied instead',
  unchanged: 'only cached keys are refreshed, and this one was not cached',
  stale: 'a newer change of the item was applied before, so nothing was done',
  included: 'what a reader had stored held this change already, so nothing was done',
  late: 'older than lateAfterSeconds, so the key was deleted instead of written',
  disordered: 'its number and its time disagree with what was applied before, so the key was deleted',
  overlapping: 'may be older or newer than what a reader stored, so the key was deleted',
  same: 'may be older or newer than what a reader stored, but is equal to it, so it stays',
  full: 'the cache takes no more, so the key was deleted instead of written',
  skipped: 'there is no key for it: the key function gave none, or none that can be',
  failed: 'the cache did not confirm it: Lambda delivers it again',
};

/** The rest is plain. */
export const STYLE: Readonly<Partial<Record<RecordOutcome, Style>>> = {
  written: 'green',
  superseded: 'dim',
  stale: 'yellow',
  late: 'yellow',
  disordered: 'yellow',
  overlapping: 'yellow',
  full: 'red',
  failed: 'red',
};

/** How many records had which outcome, in the order of {@link MEANING}. */
export function countOutcomes(
  records: readonly { readonly outcome: RecordOutcome }[],
): [RecordOutcome, number][] {
  const counts = new Map<RecordOutcome, number>();
  for (const { outcome } of records) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return (Object.keys(MEANING) as RecordOutcome[]).flatMap((outcome) => {
    const times = counts.get(outcome);
    return times === undefined ? [] : [[outcome, times]];
  });
}

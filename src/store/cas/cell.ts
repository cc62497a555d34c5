import type { Guard, Moment } from '../../coherence.js';
import type { Cell } from '../steps.js';
import { decodeEntry, encodeEntry, NOTHING } from './entry.js';

/** An entry that was read, while steps are taken on it. */
export interface OpenCell extends Cell {
  /** Whether a step has changed it. */
  readonly isChanged: boolean;
  /** Takes the guard away, for what needs none. */
  unguard(): void;
  /** What it has become, and for how long it is to live, in milliseconds. */
  result(): { readonly text: string; readonly ttlMs: number };
}

/** For how long a guard lives on that a step has left as it was: nobody knows how long it still had. */
const UNTOUCHED_MS = 3_600_000;
/** For how long what stood behind a damaged guard is held to be unsettled. */
const DAMAGED_MS = 300_000;
/** What is empty may go. */
const EMPTY_MS = 1_000;

export function openCell(text: string | undefined, { now, token }: Moment): OpenCell {
  const read = text === undefined ? NOTHING : decodeEntry(text, now);
  let isChanged = read === 'damaged';
  let { value, endsAt, guard } = read === 'damaged' ? { ...NOTHING, guard: damagedGuard(now, token) } : read;
  let guardMs = read === 'damaged' ? DAMAGED_MS : UNTOUCHED_MS;

  return {
    get value() {
      return value;
    },
    get guard() {
      return guard;
    },
    get isChanged() {
      return isChanged;
    },
    store(stored, ttlMs) {
      isChanged = true;
      value = stored;
      endsAt = now + ttlMs;
    },
    drop() {
      isChanged ||= value !== undefined;
      value = undefined;
      endsAt = undefined;
    },
    keep(kept, ms) {
      isChanged = true;
      guard = kept;
      guardMs = ms;
    },
    unguard() {
      guard = undefined;
    },
    result() {
      const leastMs = guard === undefined ? EMPTY_MS : guardMs;
      const ttlMs = endsAt === undefined ? leastMs : Math.max(endsAt - now, leastMs);
      return { text: encodeEntry({ value, endsAt, guard }), ttlMs };
    },
  };
}

/** A guard that cannot be read may have been anything: as after a local write, which settles for as long as any may take to. */
function damagedGuard(now: number, token: string): Guard {
  return { generation: token, settled: now + DAMAGED_MS, asOf: now, until: now };
}

import type { Guard, Moment } from '../../coherence.js';
import type { Cell } from '../steps.js';
import { decodeEntry, encodeEntry, NOTHING } from './entry.js';

/** For how long a guard lives on that a step has left as it was: nobody knows how long it still had. */
const UNTOUCHED_MS = 3_600_000;
/** For how long what stood behind a damaged guard is held to be unsettled. */
const DAMAGED_MS = 300_000;
/** What is empty may go. */
const EMPTY_MS = 1_000;

/** An entry that was read, while steps are taken on it. A class, since thousands are made for a batch. */
export class OpenCell implements Cell {
  value: string | undefined;
  guard: Guard | undefined;
  /** Whether a step has changed it. */
  isChanged = false;
  readonly #now: number;
  #endsAt: number | undefined;
  #guardMs = UNTOUCHED_MS;

  constructor(text: string | undefined, { now, token }: Moment) {
    this.#now = now;
    const read = text === undefined ? NOTHING : decodeEntry(text, now);
    if (read === 'damaged') {
      this.keep(damagedGuard(now, token), DAMAGED_MS);
    } else {
      this.value = read.value;
      this.guard = read.guard;
      this.#endsAt = read.endsAt;
    }
  }

  store(value: string, ttlMs: number): void {
    this.isChanged = true;
    this.value = value;
    this.#endsAt = this.#now + ttlMs;
  }

  drop(): void {
    this.isChanged ||= this.value !== undefined;
    this.value = undefined;
    this.#endsAt = undefined;
  }

  keep(guard: Guard, guardMs: number): void {
    this.isChanged = true;
    this.guard = guard;
    this.#guardMs = guardMs;
  }

  /** Takes the guard away, for what needs none. */
  unguard(): void {
    this.guard = undefined;
  }

  /** What it has become, and for how long it is to live, in milliseconds. */
  result(): { readonly text: string; readonly ttlMs: number } {
    const endsAt = this.#endsAt;
    const leastMs = this.guard === undefined ? EMPTY_MS : this.#guardMs;
    const ttlMs = endsAt === undefined ? leastMs : Math.max(endsAt - this.#now, leastMs);
    return { text: encodeEntry({ value: this.value, endsAt, guard: this.guard }), ttlMs };
  }
}

/** A guard that cannot be read may have been anything: as after a local write, which settles for as long as any may take to. */
function damagedGuard(now: number, token: string): Guard {
  return { generation: token, settled: now + DAMAGED_MS, asOf: now, until: now };
}

import type { Guard } from '../../coherence.js';

/** What an entry holds: a value until its time is over, and a guard. */
export interface Entry {
  readonly value: string | undefined;
  /** When the value ends, in milliseconds since the epoch. Absent for a value without a guard: it lives as long as its entry. */
  readonly endsAt: number | undefined;
  readonly guard: Guard | undefined;
}

export const NOTHING: Entry = { value: undefined, endsAt: undefined, guard: undefined };

const ABSENT = '-';
const BOTH_ABSENT = '- -';
/** Begins the line of the guard, the last of an entry. JSON, of which values are made, has no line breaks. */
const MARK = '\n~';

/** "endsAt version at generation settled asOf until", and behind it " leased" while there is one: the words of redis/guard.lua. */
const GUARD =
  /^(-|\d{1,15}) (?:- -|(\d\S*) (\d{1,15})) (\S+) (\d{1,15}) (?:- -|(-?\d{1,15}) (-?\d{1,15}))(?: (\d{1,15}))?$/;

/** No clock and no settleMs explains a time so far ahead. */
const AHEAD_MS = 3_600_000;

/**
 * The text of an entry: the value, and behind it a line for the guard. Readers in other languages take the first line; an
 * empty one is none.
 */
export function encodeEntry({ value, endsAt, guard }: Entry): string {
  if (guard === undefined) return value ?? '';
  const { version, at, generation, settled, asOf, until, leased } = guard;
  const end = endsAt === undefined ? ABSENT : Math.round(endsAt);
  const stream = version === undefined ? BOTH_ABSENT : `${version} ${at}`;
  const known = asOf === undefined ? BOTH_ABSENT : `${Math.round(asOf)} ${Math.round(until ?? asOf)}`;
  const lease = leased === undefined ? '' : ` ${Math.round(leased)}`;
  return `${value ?? ''}${MARK}${end} ${stream} ${generation} ${Math.round(settled)} ${known}${lease}`;
}

/**
 * What a text holds; `damaged` when the line of its guard cannot be read.
 *
 * @param now milliseconds since the epoch
 */
export function decodeEntry(text: string, now: number): Entry | 'damaged' {
  const end = text.lastIndexOf(MARK);
  if (end < 0) return text === '' ? NOTHING : { ...NOTHING, value: text };

  const match = GUARD.exec(text.slice(end + MARK.length));
  if (match === null) return 'damaged';
  const [, ends, version, at, generation = '', settled, asOf, until, leased] = match;
  const guard: Guard = {
    version,
    at: numberIn(at),
    generation,
    settled: Number(settled),
    asOf: numberIn(asOf),
    until: numberIn(until),
    leased: numberIn(leased),
  };
  if (latestIn(guard) > now + AHEAD_MS) return 'damaged';

  const isOver = ends === ABSENT || Number(ends) <= now;
  return isOver
    ? { value: undefined, endsAt: undefined, guard }
    : { value: text.slice(0, end), endsAt: Number(ends), guard };
}

function latestIn({ at = 0, settled, asOf = 0, until = 0, leased = 0 }: Guard): number {
  return Math.max(at, settled, asOf, until, leased);
}

function numberIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

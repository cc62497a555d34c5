/**
 * The rules that keep the cache true, as pure functions of an item's guard, one step and the cache server's clock.
 * `store/steps.ts` runs them as they stand; `store/redis/*.lua` says the same in Lua, and a differential test holds
 * the two together. Times are milliseconds of the cache server's clock unless they say otherwise.
 */

/** How far the cache server's clock and DynamoDB's may be apart. */
export const SLACK_MS = 2000;

/** `ApproximateCreationDateTime` is rounded down: the record was made within this long after it. */
const ROUNDING_MS = 1000;

/** How long things are held to be recent. See the options of the same names. */
export interface Rules {
  /** A change older than this is not written: the next reader fetches the item instead. */
  readonly lateAfterMs: number;
  /** How long a guard outlives the last step on its item. */
  readonly guardMs: number;
  /** For how long after a change a fill must come from a strongly consistent read. */
  readonly settleMs: number;
  /** For how long a reader that missed may keep others waiting for what it reads. Default 0: nobody waits. */
  readonly leaseMs?: number | undefined;
}

/** What is remembered of an item around recent activity. */
export interface Guard {
  /** The newest stream version applied; see `versionOf`. Absent until the stream has written. */
  readonly version?: string | undefined;
  /** When that version was made: `ApproximateCreationDateTime`, DynamoDB's clock. */
  readonly at?: number | undefined;
  /** Unique, new at every change. A fill must present it. */
  readonly generation: string;
  /** Until then, a read for a fill must be strongly consistent. */
  readonly settled: number;
  /** What is stored is at least as fresh as this, as a fill or local write knew. Absent when the stream wrote last. */
  readonly asOf?: number | undefined;
  /** ... and was formed by then. */
  readonly until?: number | undefined;
  /**
   * Until then a reader is held to be reading the item for all; 0: nobody waits, what one read could not be stored. Every
   * change and every fill ends it.
   */
  readonly leased?: number | undefined;
}

/** The cache server's time, and a token that no other step gets. */
export interface Moment {
  readonly now: number;
  readonly token: string;
}

/**
 * What becomes of one stream change:
 * - `write`: it is news; the caller stores or deletes by mode
 * - `stale`: a newer version was applied before
 * - `included`: a reader stored an item that already held this change
 * - `late`: too old to be worth writing
 * - `disordered`: its version and its time disagree with what was applied; neither is trusted
 * - `overlapping`: it may be older or newer than what a reader stored
 * - `same`: it may be older or newer than what a reader stored, and says the same
 *
 * What is late, disordered or overlapping voids the entry: it is deleted, and fills under way are refused.
 */
export type Decision = 'write' | 'stale' | 'included' | 'late' | 'disordered' | 'overlapping' | 'same';

/**
 * The decision table for one stream change. The first row that holds decides.
 *
 * @param isStored whether exactly what the change would store is stored now; asked only where it matters
 */
export function decide(
  guard: Guard | undefined,
  change: { readonly version: string; readonly at: number },
  now: number,
  rules: Rules,
  isStored: () => boolean = () => false,
): Decision {
  if (guard?.version !== undefined && guard.version >= change.version) {
    return change.at <= (guard.at ?? 0) + SLACK_MS ? 'stale' : 'disordered';
  }
  if (now - change.at > rules.lateAfterMs) return 'late';
  if (guard?.asOf !== undefined && change.at + ROUNDING_MS + SLACK_MS < guard.asOf) return 'included';
  if (guard?.until !== undefined && guard.until >= change.at - SLACK_MS) {
    return isStored() ? 'same' : 'overlapping';
  }
  return 'write';
}

/** Whether two changes of an item are in one order by their versions and in the other by their times: neither is trusted. */
export function contradict(
  a: { readonly version: string; readonly at: number },
  b: { readonly version: string; readonly at: number },
): boolean {
  const [older, newer] = a.version < b.version ? [a, b] : [b, a];
  return older.at > newer.at + SLACK_MS;
}

/** The guard after a stream change was decided on; `undefined` when the decision leaves it as it is. */
export function guardAfterChange(
  guard: Guard | undefined,
  change: { readonly version: string; readonly at: number },
  decision: Decision,
  moment: Moment,
  rules: Rules,
): Guard | undefined {
  const seen = newest(guard, change);
  switch (decision) {
    case 'stale':
      return undefined;
    case 'included':
      return guard && { ...guard, ...seen };
    case 'same':
      // Unlike what is included it may be newer than any read: replicas may lag behind it.
      return guard && { ...guard, ...seen, settled: Math.max(guard.settled, moment.now + rules.settleMs) };
    case 'write':
      return { ...seen, generation: moment.token, settled: moment.now + rules.settleMs };
    default:
      return {
        ...seen,
        generation: moment.token,
        settled: moment.now + rules.settleMs,
        asOf: guard?.asOf,
        until: guard?.until,
      };
  }
}

/** The guard when a reader misses: made where there is none, and held unless somebody else's lease is. */
export function guardAtMiss(guard: Guard | undefined, { now, token }: Moment, rules: Rules): Guard {
  const known = guard ?? { generation: token, settled: 0 };
  const { leaseMs = 0 } = rules;
  const isLeft = leaseMs === 0 || known.leased === 0 || heldMs(guard, now, rules) > 0;
  return isLeft ? known : { ...known, leased: now + leaseMs };
}

/** For how long a reader that misses should wait for the one that holds the lease; 0 when nobody does. */
export function heldMs(guard: Guard | undefined, now: number, { leaseMs = 0 }: Rules): number {
  return leaseMs === 0 ? 0 : Math.max(0, (guard?.leased ?? 0) - now);
}

/**
 * The guard after a reader gave back the lease that it got, or `undefined` when it does not hold it any more.
 *
 * @param toAll nobody need wait until something changes
 */
export function guardAfterRelease(
  guard: Guard | undefined,
  lease: { readonly generation: string; readonly begunAt: number },
  toAll: boolean,
  { leaseMs = 0 }: Rules,
): Guard | undefined {
  if (guard?.generation !== lease.generation || guard.leased !== lease.begunAt + leaseMs) return undefined;
  return { ...guard, leased: toAll ? 0 : undefined };
}

/**
 * The guard after a reader stored what it read, or `undefined` when it may not store it. Should the value go soon, an
 * older one may not follow it: its generation is new, which refuses slower readers, and the item has to settle, which
 * keeps replicas out that lag behind what was read.
 */
export function guardAfterFill(
  guard: Guard | undefined,
  fill: { readonly generation: string; readonly begunAt: number; readonly strong: boolean },
  { now, token }: Moment,
  rules: Rules,
): Guard | undefined {
  if (guard === undefined || guard.generation !== fill.generation) return undefined;
  const asOf = fill.strong ? fill.begunAt : fill.begunAt - rules.settleMs;
  const settled = Math.max(guard.settled, now + rules.settleMs);
  return { ...guard, generation: token, settled, asOf, until: now, leased: undefined };
}

/** The guard after an application wrote the item itself: what was stored is gone, what is under way is refused. */
export function guardAfterLocalWrite(guard: Guard | undefined, { now, token }: Moment, rules: Rules): Guard {
  return {
    version: guard?.version,
    at: guard?.at,
    generation: token,
    settled: now + rules.settleMs,
    asOf: now,
    until: now,
  };
}

/**
 * The guard when an application is about to write the item itself: as after the write, and it holds the lease, since it
 * will know what the item then is.
 */
export function guardAfterClaim(guard: Guard | undefined, moment: Moment, rules: Rules): Guard {
  const { leaseMs = 0 } = rules;
  const voided = guardAfterLocalWrite(guard, moment, rules);
  return leaseMs === 0 ? voided : { ...voided, leased: moment.now + leaseMs };
}

/** The guard of a tag after something it covers changed. */
export function guardAfterMove({ now, token }: Moment, rules: Rules): Guard {
  return { generation: token, settled: now + rules.settleMs };
}

/** Version and time never go down, and go up together. */
function newest(
  guard: Guard | undefined,
  change: { readonly version: string; readonly at: number },
): { version: string; at: number } {
  if (guard?.version === undefined) return { version: change.version, at: change.at };
  if (guard.version >= change.version) return { version: guard.version, at: guard.at ?? 0 };
  return { version: change.version, at: Math.max(guard.at ?? 0, change.at) };
}

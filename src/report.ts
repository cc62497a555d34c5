import diagnostics from 'node:diagnostics_channel';
import { undisturbed } from './callbacks.js';
import type { CacheError } from './errors.js';
import type { ReaderMode } from './reader-switch.js';
import type { ApplyOutcome, FillOutcome } from './store/store.js';

/**
 * What became of one stream record: an {@link ApplyOutcome}, or
 * - `superseded`: a later record of the same item in the same batch was applied instead
 * - `skipped`: it has no key: the `key` function gave none, or none that can be; or a rule of `items` leaves it out
 * - `failed`: the cache did not confirm it; Lambda delivers it again
 */
export type RecordOutcome = ApplyOutcome | 'superseded' | 'skipped' | 'failed';

/** Everything that can happen, for metrics and tests. Logs are made of the same. */
export type Report =
  | RecordReport
  | PoisonReport
  | InvalidatedReport
  | BatchReport
  | LookupReport
  | DeclinedReport
  | ShadowReport
  | ReaderModeReport
  | FillReport
  | StrongReadReport
  | UndecodableReport
  | VoidReport
  | AttachedReport
  | LeftAloneReport
  | UncertainReport
  | CacheFailureReport
  | BreakerReport;

/** One record of a batch has been dealt with. */
export interface RecordReport {
  readonly type: 'record';
  readonly outcome: RecordOutcome;
  readonly tableName: string;
  readonly eventName: string;
  readonly sequenceNumber: string;
  /** Its age when the invocation began, in milliseconds; absent when the record has no time. */
  readonly ageMs?: number | undefined;
  /**
   * How long after the table the cache was changed for it, or found to agree, in milliseconds; absent when the record has no time, or was not
   * what the cache was changed for. DynamoDB gives times in whole seconds, so that it may be a second too much.
   */
  readonly lagMs?: number | undefined;
  /** Absent when it has none: the record was skipped, or its `key` function failed. */
  readonly key?: string | undefined;
  /** Why it failed. */
  readonly error?: Error | undefined;
}

/**
 * A record of which something cannot be done, however often it is delivered. What can be deleted is: the key of an image that
 * cannot be stored, so that readers fetch the item; and beside a key that cannot be, all that others were derived from it.
 */
export interface PoisonReport {
  readonly type: 'poison';
  readonly tableName: string;
  readonly sequenceNumber: string;
  /** Absent when it is a key that cannot be: of the item, of a partition or of `alsoDelete`. */
  readonly key?: string | undefined;
  readonly error: Error;
}

/** Records of a table can only invalidate. Said once per handler and table for each reason. */
export interface InvalidatedReport {
  readonly type: 'invalidates-only';
  readonly tableName: string;
  /**
   * `no-new-image`: the stream's view type leaves it out; `unknown-event-name`: neither INSERT, MODIFY nor REMOVE;
   * `unusable-time`: their time is missing, no time, or in the future, so they are late; `no-order`: they come by a
   * Kinesis data stream.
   */
  readonly reason: 'no-new-image' | 'unknown-event-name' | 'unusable-time' | 'no-order';
}

/** An invocation has come to its end. */
export interface BatchReport {
  readonly type: 'batch';
  readonly records: number;
  readonly outcomes: Readonly<Partial<Record<RecordOutcome, number>>>;
  readonly poison: number;
  /** Age of the oldest record when the invocation began, in milliseconds; absent for an empty batch. */
  readonly oldestRecordAgeMs?: number | undefined;
  readonly durationMs: number;
}

/** A reader asked the cache for an item or for a query's or scan's result. */
export interface LookupReport {
  readonly type: 'hit' | 'miss';
  readonly operation: 'GetItem' | 'BatchGetItem' | 'Query' | 'Scan';
  readonly tableName: string;
  readonly key: string;
}

/** Where the mode is `shadow`: what the cache would have answered was compared with what the table said. */
export interface ShadowReport {
  readonly type: 'shadow';
  readonly operation: 'GetItem' | 'BatchGetItem' | 'Query' | 'Scan';
  /** Of a batch that names several, the first. */
  readonly tableName: string;
  /**
   * - `same`: it is what the table says, or what it says with strong consistency
   * - `changed`: it was something else, and is not any more: a change was under way. Of a batch nobody looks again
   * - `stale`: it is something else, after a strongly consistent read of the table too (which no index and no scan has)
   *
   * Nothing is said where the table did not tell all, or refused the strongly consistent read.
   */
  readonly outcome: 'same' | 'changed' | 'stale';
  /** Since when this process has seen this request answered stale, in milliseconds; 0 for the first time. Only where it is stale. */
  readonly ageMs?: number | undefined;
}

/** How reads are answered from now on, as this process's options and the switch in the cache say. */
export interface ReaderModeReport {
  readonly type: 'reader-mode';
  readonly mode: ReaderMode;
}

/** A read was left to DynamoDB without a look at the cache, and so is every other like it. */
export interface DeclinedReport {
  readonly type: 'declined';
  readonly operation: 'GetItem' | 'BatchGetItem' | 'Query' | 'Scan';
  /** As the request names it. */
  readonly tableName: string;
  /**
   * - `table`: it is not one that the middleware caches
   * - `item`: a rule of `items` leaves it out
   * - `consistent-read`: it asks for strong consistency
   * - `not-understood`: the member of the request that `member` names is not understood, and may be DynamoDB's to refuse
   * - `key-path`: its projection has a path into an attribute that may be a key, which DynamoDB refuses; once DynamoDB has
   *   answered it, such reads of this process are cached
   * - `ttl-unread`: its items came without the attribute in `ttlAttribute`, so that nobody can tell when they are over
   */
  readonly reason: 'table' | 'item' | 'consistent-read' | 'not-understood' | 'key-path' | 'ttl-unread';
  readonly member?: string | undefined;
}

/** A reader offered what it read to the cache. `failed`: the cache did not answer. */
export interface FillReport {
  readonly type: 'fill';
  readonly outcome: FillOutcome | 'failed';
  readonly tableName: string;
  readonly key: string;
}

/** A read of the table was made strongly consistent, because what it reads has just changed. */
export interface StrongReadReport {
  readonly type: 'strong-read';
  readonly operation: 'GetItem' | 'BatchGetItem' | 'Query';
  readonly tableName: string;
}

/** An entry is not ours, has been damaged, or is another item. It is deleted, and counts as a miss. */
export interface UndecodableReport {
  readonly type: 'undecodable';
  readonly tableName: string;
  readonly key: string;
}

/** A write through the client voided what the cache holds of its items, or could not. */
export interface VoidReport {
  readonly type: 'void';
  /** `failed`: this process does not read these entries before they are voided after all. */
  readonly outcome: 'voided' | 'failed';
  readonly tableName: string;
  readonly keys: readonly string[];
}

/** The clients of the process get the middleware by themselves: said once, of the first. */
export interface AttachedReport {
  readonly type: 'attached';
  /** Which tables are cached; absent: all. */
  readonly tableNames?: readonly string[] | undefined;
}

/** Calls of a client are left to DynamoDB alone. Said once for each middleware and cause, with the remedy in the log. */
export interface LeftAloneReport {
  readonly type: 'left-alone';
  /**
   * `old-sdk`: it is older than 3.575, all calls are concerned. Reads only: `inner-middleware`, a middleware of the
   * application's stands where no hit passes it; `changed-request`, one changes requests behind the caching middleware;
   * `other-place`, the client sends to another Region, endpoint or account than the first client of the cache;
   * `other-address`, a table is named by an ARN that is not known to be the table that was named before;
   * `not-attached`, a call was seen in a process whose clients should get the middleware by themselves, and none had.
   */
  readonly reason:
    | 'old-sdk'
    | 'inner-middleware'
    | 'changed-request'
    | 'other-place'
    | 'other-address'
    | 'not-attached';
  readonly tableName?: string | undefined;
}

/**
 * The middleware does not know enough of a table or of a write to answer from the cache. Said once per table and reason.
 */
export interface UncertainReport {
  readonly type: 'uncertain';
  /**
   * `key-names-contradicted`: the names that are declared or known are not those of the table, whose items are not cached
   * by this process any more. `key-names-unknown`: nobody knows which items a PutItem wrote; other processes see them
   * when the stream brings them. `unclear-write`: nobody knows what was written, so this process does not read the table
   * from the cache until all that was cached has ended.
   */
  readonly reason: 'key-names-contradicted' | 'key-names-unknown' | 'unclear-write';
  readonly tableName: string;
}

/** A cache operation of a reader was not done, or only in part. The read or write goes on without it. */
export interface CacheFailureReport {
  readonly type: 'cache-failure';
  readonly operation:
    | 'get'
    | 'begin'
    | 'release'
    | 'fill'
    | 'void'
    | 'claim'
    | 'move'
    | 'generations'
    | 'put'
    | 'delete';
  readonly error: CacheError;
}

/** The cache is no longer asked, or asked again. */
export interface BreakerReport {
  readonly type: 'breaker';
  readonly state: 'open' | 'closed';
}

/** Every report is also published here, on a channel of `node:diagnostics_channel`, for tools in the same process. */
export const REPORT_CHANNEL = 'dynamodb-stream-cache:report';

/**
 * Held for as long as the module is: Node forgets a channel that nobody holds, and may then forget its successor of
 * the same name with it, so that a listener and a handler hold two channels.
 */
const channel = diagnostics.channel(REPORT_CHANNEL);

/** Where reports go. */
export interface Reporter {
  (report: Report): void;
  /** False when nobody listens: what is said of every record need not even be put together. */
  isHeard(): boolean;
}

/** Tells the caller's function, which may not disturb the work, and {@link REPORT_CHANNEL}. */
export function reporter(onReport: ((report: Report) => void) | undefined): Reporter {
  const report = (report: Report) => {
    undisturbed(() => onReport?.(report));
    if (channel.hasSubscribers) channel.publish(report);
  };
  return Object.assign(report, { isHeard: () => onReport !== undefined || channel.hasSubscribers });
}

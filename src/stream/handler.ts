import type {
  Context,
  DynamoDBBatchResponse,
  DynamoDBRecord,
  DynamoDBStreamEvent,
  KinesisStreamEvent,
  SQSEvent,
} from 'aws-lambda';
import { resolveConfig, type Settings } from '../config.js';
import { StreamCacheError } from '../errors.js';
import type { StreamCacheConfig, StreamCacheLogger } from '../options.js';
import type { InvalidatedReport, RecordOutcome } from '../report.js';
import type { StreamRecord } from '../stream-record.js';
import { applyGroups, type PlannedGroup } from './apply.js';
import { GroupChange, type Obstacle } from './changes.js';
import { deliveredIn } from './delivered.js';
import { keyNamesPublisher } from './key-names.js';
import { type Group, planBatch } from './plan.js';
import { readRecords } from './records.js';
import { batchResponse } from './response.js';

/** What the handler takes: stream records from Lambda, a Kinesis data stream, a queue or EventBridge Pipes. */
export type StreamEvent = DynamoDBStreamEvent | KinesisStreamEvent | SQSEvent | readonly DynamoDBRecord[];

/** What {@link NewStreamCacheHandler} makes. */
export interface StreamCacheHandler {
  (event: StreamEvent, context?: Context): Promise<DynamoDBBatchResponse>;
  /** Ends the connections that the handler opened, for processes that end. An invocation opens them again. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What Lambda needs after the cache was given up on, to send the response. */
const DEADLINE_MARGIN_MS = 500;

/**
 * Makes the Lambda handler for a table's DynamoDB Stream that keeps a cache true to the table. Use it with
 * `FunctionResponseTypes: [ReportBatchItemFailures]`; connections are opened at the first invocation and kept.
 *
 * @example export const handler = NewStreamCacheHandler({ cache: 'rediss://my-cache.example:6379?cluster' });
 * @throws ConfigError when an option is unknown, missing or contradicts another. The handler itself throws only
 * EventError, before anything is applied: whatever fails later is in the response. Who hands over one record alone, as
 * EventBridge does, reads no response: then what failed is thrown. Of a Kinesis data stream it is told in no order, so that
 * in every mode its records only delete.
 */
export function NewStreamCacheHandler(config: StreamCacheConfig = {}): StreamCacheHandler {
  const shared = resolveConfig(config);
  const sayOnce = onceEach();
  const close = () => shared.store.close();
  const publishKeyNames = keyNamesPublisher(shared.store, shared.namespace);

  async function handle(event: StreamEvent, context?: Context): Promise<DynamoDBBatchResponse> {
    const start = Date.now();
    const settings = { ...shared, logger: withRequestId(shared.logger, context?.awsRequestId) };
    const delivered = deliveredIn(event);
    const records = readRecords(delivered, settings.tableName, start);
    const { groups, failures: keyFailures, poison: keyPoison } = planBatch(records, settings);
    let poison = keyPoison.size;
    for (const [position, error] of keyPoison)
      tellPoison(records[position] as StreamRecord, undefined, error, settings);
    for (const record of records) {
      if (record.at === 0) tellOnlyInvalidates(record, 'unusable-time', settings, sayOnce);
    }
    for (const { last, table } of groups) {
      if (last.version === '' && table.mode !== 'invalidate')
        tellOnlyInvalidates(last, 'no-order', settings, sayOnce);
    }
    const planned = groups.map((group) =>
      planChange(group, (obstacle) => {
        if (obstacle.type !== 'poison')
          return tellOnlyInvalidates(group.last, obstacle.type, settings, sayOnce);
        poison += 1;
        tellPoison(group.last, group.key, obstacle.error, settings);
      }),
    );
    const options = { deadline: deadlineOf(context, start) };
    const [outcomes] = await Promise.all([
      applyGroups(settings.store, planned, options),
      publishKeyNames(keyNamesOf(groups), options), // Lambda freezes what is under way when the handler returns
    ]);

    const results = resultsByPosition(records, planned, outcomes, keyFailures);
    reportBatch(settings, records, results, poison, start);
    const identifiers = delivered.map(({ identifier }) => identifier);
    return batchResponse(identifiers, failuresOf(results));
  }

  return Object.assign(handle, { close, [Symbol.asyncDispose]: close });
}

/** Invocations of one process may run side by side: each line says whose it is, by the name that Powertools gives it. */
function withRequestId(logger: StreamCacheLogger, requestId: string | undefined): StreamCacheLogger {
  if (requestId === undefined) return logger;
  const level =
    (name: keyof StreamCacheLogger): StreamCacheLogger[typeof name] =>
    (message, details) =>
      logger[name](message, { function_request_id: requestId, ...details });
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') };
}

/** What became of one record. */
interface Result {
  readonly outcome: RecordOutcome;
  readonly key?: string | undefined;
  readonly error?: Error | undefined;
}

/** The names of the key attributes of each table whose items have keys that a reader can make. */
function keyNamesOf(groups: readonly Group[]): Map<string, readonly string[]> {
  const ofTables = groups.filter(({ table, key }) => table.key === undefined && key !== undefined);
  return new Map(ofTables.map(({ tableName, last }) => [tableName, Object.keys(last.keys)]));
}

function planChange(group: Group, tell: (obstacle: Obstacle) => void): PlannedGroup {
  return { group, change: group.key === undefined ? undefined : new GroupChange(group.key, group, tell) };
}

function tellPoison(
  { tableName, sequenceNumber }: StreamRecord,
  key: string | undefined,
  error: Error,
  { logger, report }: Settings,
): void {
  report({ type: 'poison', tableName, sequenceNumber, key, error });
  logger.warn('Record cannot be applied in full, and is not delivered again', {
    tableName,
    sequenceNumber,
    error: summary(error),
  });
  logger.debug('The key of that record', { sequenceNumber, key });
}

function tellOnlyInvalidates(
  { tableName, eventName }: StreamRecord,
  reason: InvalidatedReport['reason'],
  { logger, report }: Settings,
  sayOnce: SayOnce,
): void {
  sayOnce(`${reason} ${tableName}`, () => {
    report({ type: 'invalidates-only', tableName, reason });
    logger.warn('Records can only invalidate', { tableName, reason, eventName });
  });
}

function resultsByPosition(
  records: readonly StreamRecord[],
  planned: readonly PlannedGroup[],
  outcomes: readonly (RecordOutcome | Error)[],
  keyFailures: ReadonlyMap<number, Error>,
): Result[] {
  const results: Result[] = new Array(records.length);
  for (const [position, error] of keyFailures) results[position] = { outcome: 'failed', error };
  planned.forEach(({ group: { key, positions, last } }, index) => {
    const outcome = outcomes[index] as RecordOutcome | Error;
    for (const position of positions) {
      results[position] =
        outcome instanceof Error
          ? { outcome: 'failed', key, error: outcome }
          : { outcome: records[position] === last ? outcome : 'superseded', key };
    }
  });
  return results;
}

function failuresOf(results: readonly Result[]): Map<number, Error> {
  const failures = new Map<number, Error>();
  results.forEach(({ error }, position) => {
    if (error !== undefined) failures.set(position, error);
  });
  return failures;
}

/** Of these the cache agrees with the table from now on, as far as the record goes. */
const INVALIDATING: ReadonlySet<RecordOutcome> = new Set([
  'written',
  'deleted',
  'late',
  'disordered',
  'overlapping',
  'same',
  'full',
]);

function reportBatch(
  { logger, report }: Settings,
  records: readonly StreamRecord[],
  results: readonly Result[],
  poison: number,
  start: number,
): void {
  const outcomes: Partial<Record<RecordOutcome, number>> = {};
  for (const { outcome } of results) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  if (report.isHeard()) {
    const end = Date.now();
    records.forEach(({ tableName, eventName, sequenceNumber, at }, position) => {
      const result = results[position] as Result;
      const [ageMs, lagMs] = at > 0 ? [start, end].map((time) => Math.max(0, time - at)) : [];
      report({
        type: 'record',
        tableName,
        eventName,
        sequenceNumber,
        ageMs,
        ...(INVALIDATING.has(result.outcome) && { lagMs }),
        ...result,
      });
    });
  }
  const batch = {
    records: records.length,
    outcomes,
    poison,
    oldestRecordAgeMs: oldestAge(records, start),
    durationMs: Date.now() - start,
  };
  report({ type: 'batch', ...batch });

  const first = results.findIndex(({ error }) => error !== undefined);
  const failure = results[first]?.error;
  if (failure !== undefined) {
    logger.error('Records failed and are delivered again', {
      failed: outcomes.failed,
      error: summary(failure),
    });
    logger.debug('The first of them', { key: results[first]?.key });
  }
  logger.info('Stream batch applied', batch);
}

/** An error for the log. Only our own messages are known never to quote an item; others reach `onReport` alone. */
function summary(error: Error): string {
  return error instanceof StreamCacheError ? `${error.name}: ${error.message}` : error.name;
}

function oldestAge(records: readonly StreamRecord[], now: number): number | undefined {
  const dated = records.filter(({ at }) => at > 0);
  return dated.length === 0 ? undefined : now - dated.reduce((oldest, { at }) => Math.min(oldest, at), now);
}

function deadlineOf(context: Context | undefined, now: number): number | undefined {
  const remaining = context?.getRemainingTimeInMillis?.();
  return remaining === undefined ? undefined : now + remaining - DEADLINE_MARGIN_MS;
}

type SayOnce = (what: string, say: () => void) => void;

/** Says a thing the first time it comes up in this process, not with every batch. */
function onceEach(): SayOnce {
  const said = new Set<string>();
  return (what, say) => {
    if (said.has(what)) return;
    said.add(what);
    say();
  };
}

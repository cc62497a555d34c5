import type { DynamoDBRecord } from 'aws-lambda';
import { createdAt } from './records.js';
import type { Outcome } from './response.js';

/** Records that are delivered together, in the order of their shard. */
export interface Batch {
  readonly records: readonly DynamoDBRecord[];
  /** How often exactly these records have been delivered. */
  readonly invocations: number;
}

/** The options that decide what becomes of a batch; see `LocalEventSourceMappingOptions`. */
export interface RetryRules {
  readonly maximumRetryAttempts: number;
  readonly maximumRecordAgeInSeconds: number;
  readonly bisectBatchOnFunctionError: boolean;
}

/** Why Lambda gave records up, as its destinations name it. */
export type DiscardCondition = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

/** What follows an invocation, before anything newer of the shard is delivered. */
export interface Decision {
  /** To be delivered next, in this order. */
  readonly next: readonly Batch[];
  /** To be given up. */
  readonly exhausted?: Batch;
  /** The same records are delivered again: leave them some time. */
  readonly backOff?: boolean;
}

export function newBatch(records: readonly DynamoDBRecord[]): Batch {
  return { records, invocations: 0 };
}

/**
 * What becomes of a batch that has been delivered. The first row that holds decides.
 *
 * | outcome | decision |
 * | --- | --- |
 * | success | done |
 * | failed after its first record | what was processed is done; the rest is a new batch, with retries of its own |
 * | failed as a whole, bisecting, more than one record | two new batches, the first half first |
 * | failed as a whole, retries left | the same batch again, after a while |
 * | failed as a whole, no retries left | given up |
 *
 * "Splitting batches doesn't consume the retry quota":
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html. "The batch is bisected at the returned
 * sequence number, and Lambda retries only the remaining records":
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html. A report of the first record
 * leaves nothing processed, so the batch failed as a whole. That the rest of a batch has all its retries again is not
 * documented, but recorded from AWS in localstack/localstack,
 * tests/aws/services/lambda_/event_source_mapping/test_lambda_integration_dynamodbstreams.snapshot.json.
 */
export function afterInvocation(batch: Batch, outcome: Outcome, rules: RetryRules): Decision {
  const { records } = batch;
  const { failedFrom } = outcome;
  const invocations = batch.invocations + 1;

  if (failedFrom === undefined) return { next: [] };
  if (failedFrom > 0) return { next: [newBatch(records.slice(failedFrom))] };
  if (rules.bisectBatchOnFunctionError && records.length > 1) {
    const middle = Math.ceil(records.length / 2);
    return { next: [newBatch(records.slice(0, middle)), newBatch(records.slice(middle))] };
  }
  const isInfinite = rules.maximumRetryAttempts === -1;
  if (isInfinite || invocations <= rules.maximumRetryAttempts) {
    return { next: [{ records, invocations }], backOff: true };
  }
  return { next: [], exhausted: { records, invocations } };
}

/**
 * A batch that is about to be delivered, without the records at its head that have become older than
 * `maximumRecordAgeInSeconds` allows. Those are given up without another delivery, their first included.
 *
 * https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html: "Discard records older than the
 * specified age".
 */
export function beforeInvocation(
  batch: Batch,
  now: number,
  { maximumRecordAgeInSeconds }: Pick<RetryRules, 'maximumRecordAgeInSeconds'>,
): { expired?: Batch; live?: Batch } {
  if (maximumRecordAgeInSeconds === -1) return { live: batch };
  const oldest = now - maximumRecordAgeInSeconds * 1000;
  const { records, invocations } = batch;
  const firstLive = records.findIndex((record) => (createdAt(record) ?? now) >= oldest);
  const count = firstLive === -1 ? records.length : firstLive;
  return {
    ...(count > 0 && { expired: { records: records.slice(0, count), invocations } }),
    ...(count < records.length && { live: { records: records.slice(count), invocations } }),
  };
}

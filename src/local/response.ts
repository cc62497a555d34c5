import type { DynamoDBRecord } from 'aws-lambda';
import { sequenceNumberOf } from './records.js';

/** What became of a batch: it is done, or everything from this index on is to be delivered again. */
export type Outcome = { readonly failedFrom: undefined } | { readonly failedFrom: number };

export const SUCCESS: Outcome = { failedFrom: undefined };
export const COMPLETE_FAILURE: Outcome = { failedFrom: 0 };

/**
 * What a function's response says of its batch, by the rules of `ReportBatchItemFailures`: no response, an empty
 * one, or a null or empty list is a success; the lowest reported sequence number is the checkpoint; an empty, null,
 * missing or unknown `itemIdentifier` fails the whole batch. A list that is no list fails it too.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
export function readResponse(response: unknown, records: readonly DynamoDBRecord[]): Outcome {
  if (typeof response !== 'object' || response === null) return SUCCESS;
  const { batchItemFailures: failures } = response as { batchItemFailures?: unknown };
  if (failures === undefined || failures === null) return SUCCESS;
  if (!Array.isArray(failures)) return COMPLETE_FAILURE;
  if (failures.length === 0) return SUCCESS;

  const indexOf = new Map(records.map((record, index) => [sequenceNumberOf(record), index]));
  const failed = failures.map((failure) => indexOf.get(failure?.itemIdentifier));
  return {
    failedFrom: failed.reduce<number>((lowest, index) => Math.min(lowest, index ?? 0), records.length),
  };
}

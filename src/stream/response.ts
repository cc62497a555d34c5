import { BatchProcessorSync, EventType, processPartialResponseSync } from '@aws-lambda-powertools/batch';
import type { DynamoDBBatchResponse, SQSRecord } from 'aws-lambda';

/**
 * The partial batch response: what every failed record is called by its sender. Of a stream's records Lambda takes the
 * lowest as its checkpoint and delivers again from there on.
 *
 * @param identifiers by position in the event
 * @param failures by position in the event
 * @throws the failure of a record that is called nothing: all are delivered again
 */
export function batchResponse(
  identifiers: readonly (string | undefined)[],
  failures: ReadonlyMap<number, Error>,
): DynamoDBBatchResponse {
  if (failures.size === 0) return { batchItemFailures: [] };
  const failed = new Map<string, Error>();
  for (const [position, failure] of failures) {
    const identifier = identifiers[position];
    if (!identifier) throw failure;
    failed.set(identifier, failure);
  }
  const { batchItemFailures } = processPartialResponseSync(
    // As messages, since these are called by nothing but their ID, and a pipe's records by what no other event has.
    { Records: [...failed.keys()].map((messageId) => ({ messageId })) as SQSRecord[] },
    ({ messageId }: SQSRecord) => {
      throw failed.get(messageId);
    },
    new BatchProcessorSync(EventType.SQS),
    // It would throw when every record failed, and the response be empty, which Lambda reads as full success.
    { throwOnFullBatchFailure: false },
  );
  // An empty response is one object shared by all invocations: hand out a copy.
  return { batchItemFailures: [...batchItemFailures] };
}

/** How many records a handler reported as failed. */
export function countFailed({ batchItemFailures }: DynamoDBBatchResponse): number {
  return batchItemFailures.length;
}

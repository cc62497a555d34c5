import { BatchProcessorSync, EventType, processPartialResponseSync } from '@aws-lambda-powertools/batch';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';

/**
 * The partial batch response: the sequence number of every failed record. Lambda takes the lowest as its checkpoint
 * and delivers again from there on.
 *
 * @param failures by position in the event
 */
export function batchResponse(
  event: DynamoDBStreamEvent,
  failures: ReadonlyMap<number, Error>,
): DynamoDBBatchResponse {
  if (failures.size === 0) return { batchItemFailures: [] };
  let position = 0;
  const confirm = (_record: DynamoDBRecord) => {
    const failure = failures.get(position++);
    if (failure !== undefined) throw failure;
  };
  const { batchItemFailures } = processPartialResponseSync(
    event,
    confirm,
    new BatchProcessorSync(EventType.DynamoDBStreams),
    // It would throw when every record failed, and the response be empty, which Lambda reads as full success.
    { throwOnFullBatchFailure: false },
  );
  // An empty response is one object shared by all invocations: hand out a copy.
  return { batchItemFailures: [...batchItemFailures] };
}

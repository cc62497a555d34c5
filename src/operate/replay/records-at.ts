import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { EventError, toError } from '../../errors.js';
import { createDynamoDBSource } from '../../local/dynamodb-source.js';
import { isBefore, sequenceNumberOf } from '../../local/records.js';
import type { StreamsClient } from '../../local/source.js';
import type { BatchPlace } from './batches-in.js';

/** Pages without a record, one after the other, after which the records are held to be gone. */
const MOST_EMPTY = 20;

/**
 * The records of a place in a stream, as Lambda delivered them.
 *
 * @param endpoint a DynamoDB Local; default: AWS, as the SDK finds it
 * @throws EventError when the stream has them no more: it keeps them for 24 hours
 * @throws ConfigError when `@aws-sdk/client-dynamodb-streams` is not installed
 */
export async function recordsAt(
  { streamArn, shardId, startSequenceNumber, endSequenceNumber }: BatchPlace,
  { endpoint, client }: { endpoint?: string | undefined; client?: StreamsClient | undefined },
): Promise<DynamoDBStreamEvent> {
  if (streamArn === '' || shardId === '' || startSequenceNumber === '' || endSequenceNumber === '') {
    throw new EventError('It does not say where in which stream its records are (DDBStreamBatchInfo).');
  }
  const source = await createDynamoDBSource(
    { eventSourceArn: streamArn, endpoint, client },
    new AbortController().signal,
  );
  const records: DynamoDBRecord[] = [];
  try {
    const position = { type: 'AT_SEQUENCE_NUMBER', sequenceNumber: startSequenceNumber } as const;
    let iterator: string | undefined = await source.iterator(shardId, position);
    for (let empty = 0; iterator !== undefined && empty < MOST_EMPTY; ) {
      const page: Awaited<ReturnType<typeof source.read>> = await source.read(iterator, 1_000, 0);
      iterator = page.nextIterator;
      empty = page.records.length === 0 ? empty + 1 : 0;
      for (const record of page.records) {
        if (isBefore(endSequenceNumber, sequenceNumberOf(record))) iterator = undefined;
        else records.push(record);
        if (sequenceNumberOf(record) === endSequenceNumber) iterator = undefined;
      }
    }
  } catch (thrown) {
    const { name, message } = toError(thrown);
    if (name !== 'TrimmedDataAccessException' && name !== 'ResourceNotFoundException') throw thrown;
    throw new EventError(`${GONE} (${name}: ${message})`, { cause: thrown });
  } finally {
    source.close();
  }
  if (records.length === 0) throw new EventError(GONE);
  return { Records: records };
}

const GONE =
  'Its records are no longer in the stream, which keeps them for 24 hours: take what they were about out of the cache with stream-cache purge.';

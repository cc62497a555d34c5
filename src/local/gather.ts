import type { DynamoDBRecord } from 'aws-lambda';

/** A record that has been read, and how many bytes it takes in an event. */
export interface HeldRecord {
  readonly record: DynamoDBRecord;
  readonly bytes: number;
}

/** The records that go into the next batch. */
export interface Gathered {
  readonly count: number;
  /** Nothing more fits: there is no use in waiting for the batching window. */
  readonly isFull: boolean;
}

/** What an invocation's payload may weigh: 6 MB. */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;
const ENVELOPE_BYTES = Buffer.byteLength('{"Records":[]}');

export function hold(record: DynamoDBRecord): HeldRecord {
  return { record, bytes: Buffer.byteLength(JSON.stringify(record)) };
}

/**
 * How many of the held records make up a batch: up to the batch size, and no more than fit into a payload of 6 MB.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching
 */
export function gather(held: readonly HeldRecord[], batchSize: number): Gathered {
  let bytes = ENVELOPE_BYTES;
  let count = 0;
  for (const next of held) {
    const comma = count > 0 ? 1 : 0;
    // A record that is too large by itself goes alone: it would hold its shard up for ever.
    if (count > 0 && bytes + comma + next.bytes > MAX_PAYLOAD_BYTES) return { count, isFull: true };
    bytes += comma + next.bytes;
    count += 1;
    if (count === batchSize) return { count, isFull: true };
  }
  return { count, isFull: false };
}

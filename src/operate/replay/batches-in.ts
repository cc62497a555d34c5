import type { DynamoDBStreamEvent } from 'aws-lambda';
import { EventError } from '../../errors.js';
import { recordsIn } from '../../stream/delivered.js';

/** Records of an invocation, or only where they are in the stream. */
export type Batch = DynamoDBStreamEvent | BatchPlace;

/** What Lambda tells a queue or topic of records that it gave up: `DDBStreamBatchInfo`. Texts are empty where it does not say. */
export interface BatchPlace {
  readonly streamArn: string;
  readonly shardId: string;
  readonly startSequenceNumber: string;
  readonly endSequenceNumber: string;
  readonly batchSize: number;
}

/**
 * The documents in a text: one, or one in each line.
 *
 * @throws SyntaxError of the whole, when its lines are no documents either
 */
export function parseDocuments(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch (error) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    try {
      if (lines.length > 1) return lines.map((line) => JSON.parse(line));
    } catch {
      // What is wrong with the whole says more than that its first line is no document.
    }
    throw error;
  }
}

/**
 * The batches of a document: an event, a list of events or of records, one record, what Lambda left in an on-failure bucket, sent to a queue, or
 * published to a topic that sends it on. What is wrong with a record is the handler's to say.
 *
 * @throws EventError when it is none of these
 */
export function batchesIn(document: unknown): Batch[] {
  if (Array.isArray(document) && document.some(isEvent)) return document.flatMap(batchesIn);
  if (isInvocationRecord(document)) {
    return typeof document.payload === 'string'
      ? batchesIn(parsePayload(document.payload))
      : [placeOf(document)];
  }
  const { Message } = (document ?? {}) as { Message?: unknown };
  if (typeof Message === 'string') return batchesIn(parsePayload(Message));
  const { records } = recordsIn(document);
  // What a function on the queue is invoked with.
  const bodies = records.flatMap((record) => queuedBody(record) ?? []);
  return bodies.length > 0 ? bodies.flatMap((body) => batchesIn(parsePayload(body))) : [{ Records: records }];
}

export function isPlace(batch: Batch): batch is BatchPlace {
  return 'startSequenceNumber' in batch;
}

interface InvocationRecord {
  /** Absent where the records came by a Kinesis data stream. */
  readonly DDBStreamBatchInfo?: Readonly<Record<string, unknown>>;
  readonly payload?: unknown;
}

/** What has records of its own, unlike a record. */
function isEvent(value: unknown): boolean {
  return isInvocationRecord(value) || Array.isArray((value as { Records?: unknown } | null)?.Records);
}

/** What Lambda tells an on-failure destination; for a bucket the event is in it, as text. */
function isInvocationRecord(value: unknown): value is InvocationRecord {
  if (typeof value !== 'object' || value === null) return false;
  return 'DDBStreamBatchInfo' in value || 'KinesisBatchInfo' in value;
}

function placeOf({ DDBStreamBatchInfo: info, ...rest }: InvocationRecord): BatchPlace {
  if ('KinesisBatchInfo' in rest) {
    throw new EventError(
      'Its records are in a Kinesis data stream, which is not read: purge what they were about, or give the mapping a bucket as its destination, which gets the records themselves.',
    );
  }
  const textOf = (name: string) => (typeof info?.[name] === 'string' ? (info[name] as string) : '');
  return {
    streamArn: textOf('streamArn'),
    shardId: textOf('shardId'),
    startSequenceNumber: textOf('startSequenceNumber'),
    endSequenceNumber: textOf('endSequenceNumber'),
    batchSize: Number(info?.batchSize ?? 0),
  };
}

function queuedBody(record: unknown): string | undefined {
  const { dynamodb, body, Sns } = (record ?? {}) as {
    dynamodb?: unknown;
    body?: unknown;
    Sns?: { Message?: unknown };
  };
  const text = body ?? Sns?.Message;
  return dynamodb === undefined && typeof text === 'string' && /(?:DDBStream|Kinesis)BatchInfo/.test(text)
    ? text
    : undefined;
}

function parsePayload(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (cause) {
    throw new EventError(`Its payload is not JSON: ${(cause as SyntaxError).message}. Take it as it was.`, {
      cause,
    });
  }
}

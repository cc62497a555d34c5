import type { DynamoDBRecord, KinesisStreamRecord, SQSRecord } from 'aws-lambda';
import { EventError } from '../errors.js';

/** A stream record as it was delivered, unchecked. */
export interface Delivered {
  readonly record: DynamoDBRecord;
  /** What its sender calls it, or what it came in, in a partial batch response; absent where nobody reads one. */
  readonly identifier?: string | undefined;
  /** Its number in a Kinesis data stream, where neither its own number nor the order of changes is known. */
  readonly kinesisNumber?: string | undefined;
}

/** A record of a table's stream or of a Kinesis data stream, or a message: from Lambda, or from a pipe, which has no `kinesis`. */
type Entry = Partial<
  Pick<DynamoDBRecord, 'eventID' | 'dynamodb'> & Pick<KinesisStreamRecord, 'kinesis'> & SQSRecord & Kinesis
>;
type Kinesis = Pick<KinesisStreamRecord['kinesis'], 'sequenceNumber' | 'data'>;

/**
 * The stream records that an event delivers, with what each is called when it fails: by Lambda its sequence number, or its
 * message's ID; by EventBridge Pipes its event ID.
 *
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html
 *
 * @throws EventError when something in it has none
 */
export function deliveredIn(event: unknown): Delivered[] {
  const { records, isBatch } = recordsIn(event);
  const nameOf = ({ eventID, messageId, kinesis, dynamodb }: Entry) =>
    messageId ?? (Array.isArray(event) ? eventID : (kinesis?.sequenceNumber ?? dynamodb?.SequenceNumber));

  return records.flatMap((entry, index) => {
    const known = (entry ?? {}) as Entry;
    const identifier = isBatch ? nameOf(known) : undefined;
    // What an enrichment of a pipe put beside a record is not ours to read.
    if (known.dynamodb !== undefined) return [{ record: entry, identifier }];

    const carried = (json: string) => parsed(json, `Records[${index}] of the event`, known.eventSource);
    const { data, sequenceNumber } = known.kinesis ?? known;
    if (typeof data === 'string') {
      const record = carried(Buffer.from(data, 'base64').toString()) as DynamoDBRecord;
      return [{ record, identifier, kinesisNumber: sequenceNumber }];
    }
    if (typeof known.body === 'string') {
      return recordsIn(carried(known.body)).records.map((record) => ({ record, identifier }));
    }
    return [{ record: entry, identifier }];
  });
}

/**
 * The records that an event has, unchecked: those of a batch, which EventBridge Pipes hands over as a bare list; or one
 * alone, bare or as the detail of an event of EventBridge.
 *
 * @throws EventError when it has none
 */
export function recordsIn(event: unknown): { readonly records: DynamoDBRecord[]; readonly isBatch: boolean } {
  const { Records, DDBStreamBatchInfo, detail } = (event ?? {}) as Record<string, unknown>;
  for (const records of [event, Records]) if (Array.isArray(records)) return { records, isBatch: true };
  for (const record of [event, detail] as (DynamoDBRecord | undefined)[]) {
    if (record?.dynamodb) return { records: [record], isBatch: false };
  }
  throw new EventError(
    DDBStreamBatchInfo === undefined
      ? "Not a DynamoDB stream event: it has no Records. Is the function invoked by a table's stream?"
      : 'Not a DynamoDB stream event: this is what Lambda tells an on-failure destination of records that it gave up. NewReplayHandler of dynamodb-stream-cache/operate reads them from the stream; a bucket gets the event itself, as the payload.',
  );
}

/** Without the cause, which quotes what cannot be parsed. */
function parsed(json: string, subject: string, source = 'a pipe'): unknown {
  try {
    const document = JSON.parse(json);
    if (typeof document === 'object' && document !== null) return document;
  } catch {}
  throw new EventError(
    `${subject} is not usable: what came by ${source} is no stream record. Send it nothing but the changes of tables.`,
  );
}

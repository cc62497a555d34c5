import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { AttributeMap } from '../attributes.js';
import { EventError } from '../errors.js';

/** One checked record of a DynamoDB stream. */
export interface StreamRecord {
  readonly tableName: string;
  /** `INSERT`, `MODIFY` or `REMOVE`; anything else only invalidates. */
  readonly eventName: string;
  /** The item's key, as in the event. */
  readonly keys: AttributeMap;
  /** The item after the change; absent for `REMOVE` and where the stream's view type leaves it out. */
  readonly newImage?: AttributeMap | undefined;
  /** The item before the change; absent for `INSERT` and where the stream's view type leaves it out. */
  readonly oldImage?: AttributeMap | undefined;
  readonly sequenceNumber: string;
  /** Compares as text with the versions of every other record of the item; see {@link versionOf}. */
  readonly version: string;
  /** `ApproximateCreationDateTime` in milliseconds since the epoch; 0 when the record has none. */
  readonly at: number;
  /** DynamoDB deleted the item because its time to live was over. */
  readonly expired: boolean;
}

/**
 * The records of an invocation's event, in its order.
 *
 * @param tableName overrides the table named by each record's `eventSourceARN`
 * @throws EventError when the event is not one of a DynamoDB stream, or a record lacks what identifies it
 */
export function readRecords(event: DynamoDBStreamEvent, tableName?: string): StreamRecord[] {
  if (!Array.isArray(event?.Records)) {
    throw new EventError(
      "Not a DynamoDB stream event: it has no Records. Is the function invoked by a table's stream?",
    );
  }
  const sources = new Map<string, Source>();
  const sourceOf = (arn: string) => {
    let source = sources.get(arn);
    if (source === undefined) {
      source = readSource(arn);
      sources.set(arn, source);
    }
    return source;
  };
  return event.Records.map((record, index) => readRecord(record, index, sourceOf, tableName));
}

/** What an `eventSourceARN` says; nearly every record of a batch has the same. */
interface Source {
  readonly table: string | undefined;
  readonly streamLabel: string;
}

function readSource(arn: string): Source {
  const [, table, streamLabel = ''] = /:table\/([^/]+)(?:\/stream\/(\S*))?$/.exec(arn) ?? [];
  return { table, streamLabel };
}

/**
 * The version of a stream record: the stream's label (a timestamp, so that a recreated stream is newer) and the
 * sequence number, padded because numbers of up to 40 digits have to compare as text.
 */
export function versionOf(streamLabel: string, sequenceNumber: string): string {
  return `${streamLabel}/${sequenceNumber.padStart(40, '0')}`;
}

function readRecord(
  record: DynamoDBRecord,
  index: number,
  sourceOf: (arn: string) => Source,
  tableName: string | undefined,
): StreamRecord {
  const fail = (what: string) => new EventError(`Records[${index}] of the event is not usable: ${what}.`);

  const { eventSource, eventSourceARN = '', eventName = '', dynamodb: change, userIdentity } = record ?? {};
  if (eventSource !== undefined && typeof eventSource !== 'string')
    throw fail('its eventSource is not a text');
  if (typeof eventSourceARN !== 'string') throw fail('its eventSourceARN is not a text');
  if (typeof eventName !== 'string') throw fail('its eventName is not a text');
  if (eventSource !== undefined && eventSource !== 'aws:dynamodb') {
    throw fail(`its eventSource is ${eventSource}, not aws:dynamodb`);
  }
  if (!change?.Keys || Object.keys(change.Keys).length === 0) throw fail('it has no dynamodb.Keys');
  if (!change.SequenceNumber) throw fail('it has no dynamodb.SequenceNumber');
  if (typeof change.SequenceNumber !== 'string' || !/^\d{1,40}$/.test(change.SequenceNumber))
    throw fail('its dynamodb.SequenceNumber is not 1 to 40 digits');
  const source = sourceOf(eventSourceARN);
  const table = tableName ?? source.table;
  if (!table)
    throw fail('its eventSourceARN names no table; set the option tableName (STREAM_CACHE_TABLE_NAME)');

  return {
    tableName: table,
    eventName,
    keys: change.Keys as AttributeMap,
    newImage: change.NewImage as AttributeMap | undefined,
    oldImage: change.OldImage as AttributeMap | undefined,
    sequenceNumber: change.SequenceNumber,
    version: versionOf(source.streamLabel, change.SequenceNumber),
    at: milliseconds(change.ApproximateCreationDateTime),
    expired:
      eventName === 'REMOVE' &&
      userIdentity?.type === 'Service' &&
      userIdentity.principalId === 'dynamodb.amazonaws.com',
  };
}

/** 0, which makes the record late, for whatever is not a time: no image without one is written. */
function milliseconds(seconds: unknown): number {
  return typeof seconds === 'number' && Number.isFinite(seconds) ? Math.round(seconds * 1000) : 0;
}

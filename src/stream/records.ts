import type { DynamoDBRecord } from 'aws-lambda';
import type { AttributeMap } from '../attributes.js';
import { SLACK_MS } from '../coherence.js';
import { EventError } from '../errors.js';
import { restoredKeyValue } from './restored.js';
import { timeOf } from './time-of.js';

/** One checked record of a DynamoDB stream. */
export interface StreamRecord {
  readonly tableName: string;
  /** `INSERT`, `MODIFY` or `REMOVE`; anything else only invalidates. */
  readonly eventName: string;
  /** The item's key, in the form in which Lambda delivers it. */
  readonly keys: AttributeMap;
  /** The item after the change; absent for `REMOVE` and where the stream's view type leaves it out. */
  readonly newImage?: AttributeMap | undefined;
  /** The item before the change; absent for `INSERT` and where the stream's view type leaves it out. */
  readonly oldImage?: AttributeMap | undefined;
  readonly sequenceNumber: string;
  /** Compares as text with the versions of every other record of the item; see {@link versionOf}. */
  readonly version: string;
  /** `ApproximateCreationDateTime` in milliseconds since the epoch; 0 when the record has none that can be. */
  readonly at: number;
  /** DynamoDB deleted the item because its time to live was over. */
  readonly expired: boolean;
}

/**
 * The records that an event has, unchecked: those of a stream's batch, which EventBridge Pipes hands over as a bare
 * list; or one alone, bare or as the detail of an event of EventBridge.
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
      : 'Not a DynamoDB stream event: this is what Lambda tells an on-failure destination of records that it gave up. A bucket gets the event itself, as the payload.',
  );
}

/**
 * Records that are checked, in their order.
 *
 * @param tableName overrides the table named by each record's `eventSourceARN`
 * @param now milliseconds since the epoch
 * @throws EventError when one is not of a DynamoDB stream, or lacks what identifies it
 */
export function readRecords(
  records: readonly DynamoDBRecord[],
  tableName: string | undefined,
  now: number,
): StreamRecord[] {
  const sources = new Map<string, Source>();
  const sourceOf = (arn: string) => {
    let source = sources.get(arn);
    if (source === undefined) {
      source = readSource(arn);
      sources.set(arn, source);
    }
    return source;
  };
  return records.map((record, index) => readRecord(record, index, { sourceOf, tableName, now }));
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
  {
    sourceOf,
    tableName,
    now,
  }: { sourceOf: (arn: string) => Source; tableName: string | undefined; now: number },
): StreamRecord {
  const fail = (what: string) => new EventError(`Records[${index}] of the event is not usable: ${what}.`);

  const { eventSource, eventSourceARN = '', eventName = '', dynamodb: change, userIdentity } = record ?? {};
  if (eventSource !== undefined && typeof eventSource !== 'string')
    throw fail('its eventSource is not a text');
  if (typeof eventSourceARN !== 'string')
    throw fail('its eventSourceARN is not a text, as where a template left a reference unresolved');
  if (typeof eventName !== 'string') throw fail('its eventName is not a text');
  if (eventSource !== undefined && eventSource !== 'aws:dynamodb') {
    throw fail(
      `its eventSource is ${eventSource}, not aws:dynamodb; invoke the function by the stream of a table`,
    );
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
    keys: keysOf(change.Keys),
    newImage: change.NewImage as AttributeMap | undefined,
    oldImage: change.OldImage as AttributeMap | undefined,
    sequenceNumber: change.SequenceNumber,
    version: versionOf(source.streamLabel, change.SequenceNumber),
    at: createdAt(change.ApproximateCreationDateTime, now),
    expired:
      eventName === 'REMOVE' &&
      userIdentity?.type === 'Service' &&
      userIdentity.principalId === 'dynamodb.amazonaws.com',
  };
}

function keysOf(keys: object): AttributeMap {
  return Object.fromEntries(
    Object.entries(keys).map(([name, value]) => [name, restoredKeyValue(value)]),
  ) as AttributeMap;
}

/**
 * 0, which makes the record late, for whatever is not a time: no image without one is written. Nor is one from the
 * future, where it would be newer than all that readers store.
 */
function createdAt(value: unknown, now: number): number {
  const at = timeOf(value) ?? 0;
  return at > now + SLACK_MS ? 0 : at;
}

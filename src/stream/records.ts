import type { AttributeMap } from '../attributes.js';
import { SLACK_MS } from '../coherence.js';
import { EventError } from '../errors.js';
import type { Delivered } from './delivered.js';
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
  /** Its number in the table's stream; of a record of a Kinesis data stream its number there. */
  readonly sequenceNumber: string;
  /**
   * Compares as text with the versions of every other record of the item; see `versionOf`. Empty for a record of a
   * Kinesis data stream, which has no order: it only deletes.
   */
  readonly version: string;
  /** `ApproximateCreationDateTime` in milliseconds since the epoch; 0 when the record has none that can be. */
  readonly at: number;
  /** DynamoDB deleted the item because its time to live was over. */
  readonly expired: boolean;
}

/**
 * Records that are checked, in their order.
 *
 * @param tableName overrides the table named by each record's `eventSourceARN`
 * @param now milliseconds since the epoch
 * @throws EventError when one is not of a DynamoDB stream, or lacks what identifies it
 */
export function readRecords(
  delivered: readonly Delivered[],
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
  return delivered.map((each, index) => readRecord(each, index, { sourceOf, tableName, now }));
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
  { record, kinesisNumber }: Delivered,
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
  const sequenceNumber = kinesisNumber ?? change.SequenceNumber;
  if (!sequenceNumber) throw fail('it has no dynamodb.SequenceNumber');
  if (
    kinesisNumber === undefined &&
    (typeof sequenceNumber !== 'string' || !/^\d{1,40}$/.test(sequenceNumber))
  )
    throw fail('its dynamodb.SequenceNumber is not 1 to 40 digits');
  const source = sourceOf(eventSourceARN);
  const named = kinesisNumber === undefined ? source.table : (record as { tableName?: string }).tableName;
  const table = tableName ?? named;
  if (!table)
    throw fail('its eventSourceARN names no table; set the option tableName (STREAM_CACHE_TABLE_NAME)');

  return {
    tableName: table,
    eventName,
    keys: keysOf(change.Keys),
    newImage: change.NewImage as AttributeMap | undefined,
    oldImage: change.OldImage as AttributeMap | undefined,
    sequenceNumber,
    version: kinesisNumber === undefined ? versionOf(source.streamLabel, sequenceNumber) : '',
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

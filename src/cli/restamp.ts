import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { createdAt } from '../local/records.js';

/**
 * The event as if its newest record had been made just now: all times are moved by the same, so that the
 * records keep their distances. A recorded event is old, and a handler does not write what is late.
 * Records without a time stay without one.
 *
 * @param now milliseconds since the epoch
 */
export function restamp<Event extends DynamoDBStreamEvent | readonly DynamoDBRecord[]>(
  event: Event,
  now: number,
): Event {
  const records: readonly DynamoDBRecord[] = 'Records' in event ? event.Records : event;
  let newest = 0;
  const look = (record: DynamoDBRecord) => {
    newest = Math.max(newest, createdAt(record) ?? 0);
    return record;
  };
  for (const each of records) within(each, look);
  const shift = Math.floor(now / 1000) * 1000 - newest;
  const moved = records.map((each) => within(each, (record) => shifted(record, shift)));
  return ('Records' in event ? { ...event, Records: moved } : moved) as Event;
}

/** What a change makes of a record: of one that a record of a Kinesis data stream or a message carries in its place there. */
function within(entry: DynamoDBRecord, change: (record: DynamoDBRecord) => DynamoDBRecord): DynamoDBRecord {
  const { kinesis, body } = (entry ?? {}) as { kinesis?: { data?: string }; body?: unknown };
  try {
    if (typeof kinesis?.data === 'string') {
      const json = JSON.stringify(change(JSON.parse(Buffer.from(kinesis.data, 'base64').toString())));
      return { ...entry, kinesis: { ...kinesis, data: Buffer.from(json).toString('base64') } } as object;
    }
    if (typeof body === 'string')
      return { ...entry, body: JSON.stringify(change(JSON.parse(body))) } as object;
  } catch {
    return entry;
  }
  return change(entry);
}

/** What the handler will refuse is left for it to say. */
function shifted(record: DynamoDBRecord, shift: number): DynamoDBRecord {
  const time = createdAt(record);
  if (time === undefined) return record;
  return { ...record, dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: (time + shift) / 1000 } };
}

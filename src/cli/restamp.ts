import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { createdAt } from '../local/records.js';

/**
 * The event as if its newest record had been made just now: all times are moved by the same, so that the
 * records keep their distances. A recorded event is old, and a handler does not write what is late.
 * Records without a time stay without one.
 *
 * @param now milliseconds since the epoch
 */
export function restamp(event: DynamoDBStreamEvent, now: number): DynamoDBStreamEvent {
  const newest = event.Records.reduce((latest, record) => Math.max(latest, createdAt(record) ?? 0), 0);
  const shift = Math.floor(now / 1000) * 1000 - newest;
  return { ...event, Records: event.Records.map((record) => moved(record, shift)) };
}

/** What the handler will refuse is left for it to say. */
function moved(record: DynamoDBRecord, shift: number): DynamoDBRecord {
  const time = createdAt(record);
  if (time === undefined) return record;
  return { ...record, dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: (time + shift) / 1000 } };
}

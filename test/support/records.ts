import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { AttributeMap } from '../../src/attributes.js';

const STREAM = 'arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-01-15T09:30:00.000';

export interface RecordOptions {
  readonly eventName?: string;
  readonly id?: string;
  /** The last digits of the sequence number. */
  readonly number?: number;
  /** How many seconds ago the change was made; a record just made by default. */
  readonly age?: number;
  readonly item?: AttributeMap;
  readonly keys?: AttributeMap;
  readonly newImage?: AttributeMap | undefined;
  readonly oldImage?: AttributeMap | undefined;
  readonly arn?: string;
}

/** A record of the table `users` as Lambda delivers it: an INSERT of a small item made just now, unless told otherwise. */
export function record(options: RecordOptions = {}): DynamoDBRecord {
  const {
    eventName = 'INSERT',
    id = '42',
    number = 1,
    age = 0,
    keys = { id: { S: id } },
    arn = STREAM,
  } = options;
  const item = { ...keys, name: { S: 'Ada Lovelace' }, logins: { N: String(number) }, ...options.item };
  const newImage = 'newImage' in options ? options.newImage : eventName === 'REMOVE' ? undefined : item;
  const oldImage = 'oldImage' in options ? options.oldImage : eventName === 'INSERT' ? undefined : item;
  return {
    eventID: `event-${number}`,
    eventName: eventName as 'INSERT',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'eu-west-1',
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(Date.now() / 1000) - age,
      Keys: keys as never,
      ...(newImage && { NewImage: newImage as never }),
      ...(oldImage && { OldImage: oldImage as never }),
      SequenceNumber: sequenceNumber(number),
      SizeBytes: 100,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    eventSourceARN: arn,
  };
}

export function sequenceNumber(number: number): string {
  return `4000000000000000${String(number).padStart(8, '0')}`;
}

export function event(...records: DynamoDBRecord[]): DynamoDBStreamEvent {
  return { Records: records };
}

/** The table `users` under load: as many distinct items as asked, of some 600 bytes each. */
export function loadEvent(
  count: number,
  more: (index: number) => RecordOptions = () => ({}),
): DynamoDBStreamEvent {
  return event(
    ...Array.from({ length: count }, (_, index) =>
      record({
        id: `user-${index}`,
        number: index + 1,
        item: { note: { S: 'x'.repeat(520) } },
        ...more(index),
      }),
    ),
  );
}

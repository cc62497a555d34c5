import type { DynamoDBStreamEvent } from 'aws-lambda';
import type { AttributeMap } from '../src/attributes.js';

const STREAM = 'arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-01-15T09:30:00.000';

/** Beyond what any earlier batch has: a later batch changes the same items again. */
let lastNumber = 0;

/**
 * A batch as Lambda delivers it, parsed from its text: so many distinct items of the table `users`, changed just now.
 * Each is as large as asked, in bytes of `JSON.stringify(NewImage)`.
 */
export function batchOf(records: number, bytesOf = (_index: number) => 600): DynamoDBStreamEvent {
  const now = Math.floor(Date.now() / 1000);
  const event = {
    Records: Array.from({ length: records }, (_, index) => {
      const bytes = bytesOf(index);
      const image = itemOf(index, bytes);
      return {
        eventID: String(index),
        eventName: 'MODIFY',
        eventVersion: '1.1',
        eventSource: 'aws:dynamodb',
        awsRegion: 'eu-west-1',
        dynamodb: {
          ApproximateCreationDateTime: now,
          Keys: { id: image.id },
          NewImage: image,
          SequenceNumber: sequenceNumber(),
          SizeBytes: bytes,
          StreamViewType: 'NEW_IMAGE',
        },
        eventSourceARN: STREAM,
      };
    }),
  };
  return JSON.parse(JSON.stringify(event));
}

/** Makes a batch one of later changes of its items. */
export function changeAgain({ Records }: DynamoDBStreamEvent): void {
  const now = Math.floor(Date.now() / 1000);
  for (const { dynamodb } of Records) {
    Object.assign(dynamodb ?? {}, { ApproximateCreationDateTime: now, SequenceNumber: sequenceNumber() });
  }
}

function sequenceNumber(): string {
  lastNumber += 1;
  return `4000000000000${String(lastNumber).padStart(12, '0')}`;
}

/** A user with attributes of the usual types, and tags up to the size asked for. */
export function itemOf(index: number, bytes: number): AttributeMap {
  const item: AttributeMap = {
    id: { S: idOf(index) },
    name: { S: 'Ada Lovelace' },
    logins: { N: String(index) },
  };
  if (bytes >= 400) {
    Object.assign(item, {
      email: { S: `ada.${index}@example.com` },
      active: { BOOL: true },
      balance: { N: '129.95' },
      createdAt: { S: '2026-01-15T09:30:00.000Z' },
      address: {
        M: { street: { S: 'St James’s Square 12' }, city: { S: 'London' }, zip: { S: 'SW1Y 4JH' } },
      },
    });
  }
  const visits: AttributeMap[string][] = [];
  const visit = {
    M: { at: { N: '1768470300' }, page: { S: '/analytical-engine/notes' }, ms: { N: '1250' } },
  };
  const size = () => Buffer.byteLength(JSON.stringify(item));
  const each = Buffer.byteLength(JSON.stringify(visit)) + 1;
  const room = Math.floor((bytes - size() - 60) / each);
  for (let count = 0; count < room; count += 1) visits.push(visit);
  if (visits.length > 0) item.visits = { L: visits };
  const left = bytes - size() - ',"note":{"S":""}'.length;
  if (left > 0) item.note = { S: 'x'.repeat(left) };
  return item;
}

export function idOf(index: number): string {
  return `user-${index}`;
}

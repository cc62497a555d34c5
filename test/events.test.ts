import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type {
  AttributeValue,
  DynamoDBRecord,
  DynamoDBStreamEvent,
  KinesisStreamEvent,
  KinesisStreamRecord,
  SQSEvent,
  SQSRecord,
  StreamRecord,
} from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { record } from './support/records.js';
import { kinesisPayload } from './support/sources.js';

type Image = NonNullable<StreamRecord['NewImage']>;

/** Those of a table's stream, by Lambda. */
const FILES = [
  'binary-key.json',
  'composite-key.json',
  'every-attribute-type.json',
  'insert.json',
  'keys-only-view.json',
  'mixed-batch.json',
  'modify.json',
  'poison-record.json',
  'remove.json',
  'replayed-and-out-of-order.json',
  'same-item-many-times.json',
  'ttl-expiry.json',
];
const OF_OTHER_SOURCES = ['kinesis-data-stream.json', 'pipe.json', 'queue.json'];
/** The one file whose records come more than once and in no order. */
const REPLAY = 'replayed-and-out-of-order.json';
const POISON = 'poison-record.json';

test('the folder holds the files that docs/local.md names', () => {
  expect(readdirSync('events').sort()).toEqual([...FILES, ...OF_OTHER_SOURCES].sort());
});

describe.each(FILES)('events/%s', (file) => {
  const records = recordsOf(file);

  test('has records with exactly the fields that Lambda delivers', () => {
    expect(records).not.toHaveLength(0);
    for (const record of records) expectFields(record, RECORD_FIELDS);
    for (const record of records) expectFields(record.dynamodb ?? {}, STREAM_RECORD_FIELDS);
  });

  test('comes from one stream, in the region of its ARN', () => {
    expect(new Set(records.map(({ eventSourceARN }) => eventSourceARN)).size).toBe(1);
    for (const { eventSourceARN, awsRegion } of records)
      expect(eventSourceARN?.split(':')[3]).toBe(awsRegion);
  });

  test('has the images that its event name and stream view ask for', () => {
    for (const { eventName, dynamodb } of records) {
      const hasImages = dynamodb?.StreamViewType === 'NEW_AND_OLD_IMAGES';
      expect(dynamodb?.NewImage !== undefined).toBe(hasImages && eventName !== 'REMOVE');
      expect(dynamodb?.OldImage !== undefined).toBe(hasImages && eventName !== 'INSERT');
      // DynamoDB writes no record for a change that changes nothing.
      if (hasImages) expect(dynamodb?.NewImage).not.toEqual(dynamodb?.OldImage);
    }
  });

  test('repeats the key in every image', () => {
    for (const { dynamodb } of records) {
      for (const image of [dynamodb?.NewImage, dynamodb?.OldImage]) {
        if (image) expect(image).toMatchObject(dynamodb?.Keys ?? {});
      }
    }
  });

  if (file !== REPLAY) {
    test('has ascending sequence numbers, and times that never fall', () => {
      expectAscending(records);
    });
  }

  if (file !== POISON) {
    test('has only attribute values that DynamoDB knows', () => {
      expect(records.map(hasKnownValues)).toEqual(records.map(() => true));
    });
  }
});

test('each event ID and sequence number belongs to one record', () => {
  const seen = new Map<string | undefined, DynamoDBRecord>();
  for (const record of FILES.flatMap(recordsOf)) {
    for (const id of [record.eventID, `${record.eventSourceARN} ${record.dynamodb?.SequenceNumber}`]) {
      expect(seen.get(id) ?? record).toEqual(record);
      seen.set(id, record);
    }
  }
});

test('the files in the order of their names tell one story of each table', () => {
  const images = new Map<string, Image | undefined>();
  const last = new Map<string, DynamoDBRecord>();
  for (const record of FILES.flatMap((file) =>
    file === REPLAY ? inOrder(recordsOf(file)) : recordsOf(file),
  )) {
    const { eventSourceARN = '', dynamodb } = record;
    expectAscending([
      ...(last.has(eventSourceARN) ? [last.get(eventSourceARN) as DynamoDBRecord] : []),
      record,
    ]);
    last.set(eventSourceARN, record);

    const item = `${eventSourceARN} ${JSON.stringify(dynamodb?.Keys)}`;
    if (images.has(item)) expect(dynamodb?.OldImage).toEqual(images.get(item));
    images.set(item, dynamodb?.NewImage);
  }
});

test('every attribute type is there, at the top and nested', () => {
  const image = recordsOf('every-attribute-type.json')[0]?.dynamodb?.NewImage ?? {};
  const top = Object.values(image);
  const nested = top.flatMap(valuesInside);
  const types = Object.keys(VALUE_TYPES).sort();
  expect([...new Set(top.flatMap(Object.keys))].sort()).toEqual(types);
  expect([...new Set(nested.flatMap(Object.keys))]).toEqual(
    expect.arrayContaining(['SS', 'NS', 'BS', 'M', 'L']),
  );
  expect(Object.keys(image)).toEqual(expect.arrayContaining(['$types', '__proto__']));
});

test('the middle one of the three poison records has the only image that cannot be encoded', () => {
  expect(recordsOf(POISON).map(hasKnownValues)).toEqual([true, false, true]);
});

test('an expiry is a removal by DynamoDB itself, after the time that the item names', () => {
  const [record] = recordsOf('ttl-expiry.json');
  expect(record).toMatchObject({
    eventName: 'REMOVE',
    userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
  });
  const { OldImage, ApproximateCreationDateTime } = record?.dynamodb ?? {};
  expect(ApproximateCreationDateTime).toBeGreaterThan(Number(OldImage?.expiresAt?.N));
});

test('a redelivery repeats records and brings older ones after newer ones of the same item', () => {
  const numbers = recordsOf(REPLAY).map((record) => record.dynamodb?.SequenceNumber);
  expect(new Set(numbers).size).toBeLessThan(numbers.length);
  const newest = new Map<string, bigint>();
  const late = recordsOf(REPLAY).filter((record) => {
    const item = JSON.stringify(record.dynamodb?.Keys);
    const isLate = numberOf(record) < (newest.get(item) ?? 0n);
    if (!isLate) newest.set(item, numberOf(record));
    return isLate;
  });
  expect(new Set(late.map(({ eventName }) => eventName))).toEqual(new Set(['INSERT', 'MODIFY']));
});

describe('of other sources', () => {
  const parse = (file: string) => JSON.parse(readFileSync(`events/${file}`, 'utf8'));
  const expectStreamRecord = (record: DynamoDBRecord) => {
    expectFields(record, RECORD_FIELDS);
    expectFields(record.dynamodb ?? {}, STREAM_RECORD_FIELDS);
    expect(hasKnownValues(record)).toBe(true);
  };

  test('a pipe hands over a bare list of records', () => {
    const records: DynamoDBRecord[] = parse('pipe.json');
    records.forEach(expectStreamRecord);
    expectAscending(records);
  });

  test('a queue hands over messages, and a pipe made each of a record', () => {
    const { Records }: SQSEvent = parse('queue.json');
    for (const message of Records) {
      expectFields(message, MESSAGE_FIELDS);
      expect(message.md5OfBody).toBe(createHash('md5').update(message.body).digest('hex'));
      expectStreamRecord(JSON.parse(message.body));
    }
  });

  test('a Kinesis data stream has what DynamoDB put into it, in no order', () => {
    const { Records }: KinesisStreamEvent = parse('kinesis-data-stream.json');
    const payloads = Records.map((record) => {
      expectFields(record, KINESIS_FIELDS);
      expect(record.eventID).toBe(`shardId-000000000003:${record.kinesis.sequenceNumber}`);
      return JSON.parse(Buffer.from(record.kinesis.data, 'base64').toString());
    });
    const change = kinesisPayload(record(), 'MILLISECOND') as { dynamodb: object };
    for (const payload of payloads) {
      expect(Object.keys(payload)).toEqual(Object.keys(change));
      expect(Object.keys(change.dynamodb)).toEqual(
        Object.keys(payload.dynamodb).filter((name) => name !== 'OldImage'),
      );
    }
    const times = payloads.map(({ dynamodb }) => dynamodb.ApproximateCreationDateTime);
    expect(times.toSorted()).not.toEqual(times);
  });
});

type Check = (value: unknown) => boolean;
const matches =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const isImage: Check = (value) =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;
const isPositive: Check = (value) => Number.isInteger(value) && Number(value) > 0;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

// The types of @types/aws-lambda say which fields there are; that they agree with it is checked by the compiler.
const RECORD_FIELDS = {
  eventID: matches(/^[0-9a-f]{32}$/),
  eventName: matches(/^(?:INSERT|MODIFY|REMOVE)$/),
  eventVersion: matches(/^1\.1$/),
  eventSource: matches(/^aws:dynamodb$/),
  awsRegion: matches(/^eu-west-1$/),
  dynamodb: isImage,
  userIdentity: optional(isImage),
  eventSourceARN: matches(
    /^arn:aws:dynamodb:eu-west-1:123456789012:table\/\w+\/stream\/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/,
  ),
} satisfies Record<keyof DynamoDBRecord, Check>;

const STREAM_RECORD_FIELDS = {
  ApproximateCreationDateTime: isPositive,
  Keys: isImage,
  NewImage: optional(isImage),
  OldImage: optional(isImage),
  SequenceNumber: matches(/^[1-9]\d{20,39}$/),
  SizeBytes: isPositive,
  StreamViewType: matches(/^(?:KEYS_ONLY|NEW_AND_OLD_IMAGES)$/),
} satisfies Record<keyof StreamRecord, Check>;

const isText = matches(/./);

const MESSAGE_FIELDS = {
  messageId: matches(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  receiptHandle: isText,
  body: isText,
  attributes: isImage,
  messageAttributes: (value) => isDeepStrictEqual(value, {}),
  md5OfBody: matches(/^[0-9a-f]{32}$/),
  md5OfMessageAttributes: optional(isText),
  eventSource: matches(/^aws:sqs$/),
  eventSourceARN: matches(/^arn:aws:sqs:eu-west-1:123456789012:[\w-]+$/),
  awsRegion: matches(/^eu-west-1$/),
} satisfies Record<keyof SQSRecord, Check>;

const KINESIS_FIELDS = {
  kinesis: isImage,
  eventSource: matches(/^aws:kinesis$/),
  eventVersion: matches(/^1\.0$/),
  eventID: isText,
  eventName: matches(/^aws:kinesis:record$/),
  invokeIdentityArn: isText,
  awsRegion: matches(/^eu-west-1$/),
  eventSourceARN: matches(/^arn:aws:kinesis:eu-west-1:123456789012:stream\/[\w-]+$/),
} satisfies Record<keyof KinesisStreamRecord, Check>;

const isNumber = matches(/^(?:0|-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?)$/);
const isBase64: Check = (value) =>
  typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value;
const setOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length > 0 && new Set(value).size === value.length && value.every(check);

const VALUE_TYPES = {
  S: (value) => typeof value === 'string',
  N: isNumber,
  B: isBase64,
  BOOL: (value) => typeof value === 'boolean',
  NULL: (value) => value === true,
  L: (value) => Array.isArray(value) && value.every(isKnownValue),
  M: (value) => typeof value === 'object' && value !== null && Object.values(value).every(isKnownValue),
  SS: setOf((value) => typeof value === 'string'),
  NS: setOf(isNumber),
  BS: setOf(isBase64),
} satisfies Record<keyof AttributeValue, Check>;

function isKnownValue(value: unknown): boolean {
  const [[type, content] = ['', undefined], ...others] = Object.entries(value as object);
  const check: Check | undefined = Object.hasOwn(VALUE_TYPES, type)
    ? VALUE_TYPES[type as keyof typeof VALUE_TYPES]
    : undefined;
  return others.length === 0 && check?.(content) === true;
}

function hasKnownValues({ dynamodb }: DynamoDBRecord): boolean {
  return [dynamodb?.Keys, dynamodb?.NewImage, dynamodb?.OldImage].every((image) =>
    Object.values(image ?? {}).every(isKnownValue),
  );
}

function valuesInside({ L = [], M = {} }: AttributeValue): AttributeValue[] {
  const inside = [...L, ...Object.values(M)];
  return [...inside, ...inside.flatMap(valuesInside)];
}

/** Parsed, not imported: as a module, an attribute named `__proto__` would become a prototype. */
function recordsOf(file: string): DynamoDBRecord[] {
  const event: DynamoDBStreamEvent = JSON.parse(readFileSync(`events/${file}`, 'utf8'));
  expect(Object.keys(event)).toEqual(['Records']);
  return event.Records;
}

function inOrder(records: DynamoDBRecord[]): DynamoDBRecord[] {
  const sorted = records.toSorted((a, b) => (numberOf(a) < numberOf(b) ? -1 : 1));
  return sorted.filter((record, index) => !isDeepStrictEqual(record, sorted[index - 1]));
}

function numberOf(record: DynamoDBRecord): bigint {
  return BigInt(record.dynamodb?.SequenceNumber ?? '');
}

function expectFields(value: object, fields: Record<string, Check>): void {
  expect(Object.keys(fields)).toEqual(expect.arrayContaining(Object.keys(value)));
  const wrong = Object.entries(fields).filter(
    ([name, check]) => !check((value as Record<string, unknown>)[name]),
  );
  expect(wrong.map(([name]) => name)).toEqual([]);
}

function expectAscending(records: DynamoDBRecord[]): void {
  records.slice(1).forEach((record, index) => {
    const before = records[index] as DynamoDBRecord;
    expect(numberOf(record)).toBeGreaterThan(numberOf(before));
    expect(record.dynamodb?.ApproximateCreationDateTime).toBeGreaterThanOrEqual(
      before.dynamodb?.ApproximateCreationDateTime ?? 0,
    );
  });
}

import type { DynamoDBRecord } from 'aws-lambda';
import { event, record } from './records.js';

/** An event as somebody really has it, other than Lambda delivers it, and what has to become of it. */
export interface EventShape {
  readonly name: string;
  readonly document: unknown;
  /** Per record its outcome and, after a colon, its key; or what the refusal says. */
  readonly gives: readonly string[] | RegExp;
  /** How many of its records are poison. */
  readonly poison?: number;
}

const seconds = () => Math.floor(Date.now() / 1000);

/** A record with other contents of `dynamodb`. */
export function changed(base: DynamoDBRecord, dynamodb: object): DynamoDBRecord {
  return { ...base, dynamodb: { ...base.dynamodb, ...dynamodb } } as DynamoDBRecord;
}

function dated(time: unknown): DynamoDBRecord {
  return changed(record(), { ApproximateCreationDateTime: time });
}

function keyed(Keys: unknown, NewImage: unknown): DynamoDBRecord {
  return changed(record(), { Keys, NewImage });
}

const BUFFER = { type: 'Buffer', data: [1, 2, 255] };
const INVOCATION_RECORD = { version: '1.0', DDBStreamBatchInfo: { batchSize: 1 } };

/** Shapes whose times are those of now. */
export function eventShapes(): EventShape[] {
  const written = ['written:users:id=42'];
  return [
    {
      name: 'a bare list of records, as EventBridge Pipes hands over',
      document: [record(), record({ id: '1', number: 2 })],
      gives: ['written:users:id=42', 'written:users:id=1'],
    },
    { name: 'one record', document: record(), gives: written },
    {
      name: 'an event of EventBridge around a record',
      document: { source: 'x', detail: record() },
      gives: written,
    },
    {
      name: 'a time as ISO text',
      document: event(dated(new Date(seconds() * 1000).toISOString())),
      gives: written,
    },
    {
      name: 'a time as ISO text with an offset',
      document: event(dated(new Date(seconds() * 1000).toISOString().replace('.000Z', '+00:00'))),
      gives: written,
    },
    { name: 'a time in milliseconds', document: event(dated(seconds() * 1e3 + 17)), gives: written },
    { name: 'a time in microseconds', document: event(dated(seconds() * 1e6 + 17)), gives: written },
    {
      name: 'numbers of JSON, of which nobody knows the digits that they had',
      document: event(keyed({ id: { N: 101 } }, { id: { N: 101 } })),
      gives: ['deleted:users:id#101'],
      poison: 1,
    },
    {
      name: 'a number of JSON that may have lost digits, in the key',
      document: event(keyed({ id: { N: 0.1 + 0.2 } }, { id: { N: 0.1 + 0.2 } })),
      gives: ['skipped:undefined'],
      poison: 1,
    },
    {
      name: 'a number of JSON in the image alone',
      document: event(keyed({ id: { S: '42' } }, { id: { S: '42' }, weight: { N: 2.5 } })),
      gives: ['deleted:users:id=42'],
      poison: 1,
    },
    {
      name: 'bytes of a Buffer that went through JSON',
      document: event(
        keyed(
          { id: { S: '42' } },
          { id: { S: '42' }, all: { L: [{ M: { b: { B: BUFFER } } }, { BS: [BUFFER] }] } },
        ),
      ),
      gives: written,
    },
    {
      name: 'bytes of a Uint8Array that went through JSON, in the key',
      document: event(keyed({ id: { B: { 0: 1, 1: 255 } } }, { id: { B: { 0: 1, 1: 255 } } })),
      gives: ['written:users:id~Af8'],
    },
    {
      name: 'an object in the place of bytes, in the key',
      document: event(keyed({ id: { B: { 0: 1, 1: 256 } } }, { id: { B: { 0: 1, 1: 256 } } })),
      gives: ['skipped:undefined'],
      poison: 1,
    },
    {
      name: 'images that somebody unmarshalled',
      document: event(keyed({ id: '42' }, { id: '42', weight: 2.5 })),
      gives: ['deleted:users:id=42'],
      poison: 1,
    },
    {
      name: 'keys that somebody unmarshalled, of numbers',
      document: event(keyed({ id: 42 }, { id: 42 })),
      gives: ['deleted:users:id#42'],
      poison: 1,
    },
    {
      name: 'an image that lacks its own key',
      document: event(keyed({ id: { S: '42' } }, { name: { S: 'Ada' } })),
      gives: ['deleted:users:id=42'],
      poison: 1,
    },
    {
      name: 'an image of another item',
      document: event(keyed({ id: { S: '42' } }, { id: { S: '43' } })),
      gives: ['deleted:users:id=42'],
      poison: 1,
    },
    {
      name: 'an ARN that a template left unresolved',
      document: event({ ...record(), eventSourceARN: { 'Fn::GetAtt': ['Users', 'StreamArn'] } as never }),
      gives: /eventSourceARN is not a text, as where a template left a reference unresolved/,
    },
    {
      name: 'a Kinesis data stream of something else',
      document: { Records: [{ eventSource: 'aws:kinesis', kinesis: { sequenceNumber: '1', data: 'e30=' } }] },
      gives: /Records\[0\].*no dynamodb.Keys/,
    },
    {
      name: 'a Kinesis data stream of no JSON',
      document: {
        Records: [
          { eventSource: 'aws:kinesis', kinesis: { sequenceNumber: '1', data: 'e30' } },
          { eventSource: 'aws:kinesis', kinesis: { sequenceNumber: '2', data: 'AAAA' } },
        ],
      },
      gives: /Records\[1\].*aws:kinesis is no stream record/,
    },
    {
      name: "Lambda's on-failure message to a queue",
      document: INVOCATION_RECORD,
      gives: /what Lambda tells .* of records that it gave up/,
    },
    {
      name: 'the same in an event of the queue',
      document: { Records: [{ eventSource: 'aws:sqs', body: JSON.stringify(INVOCATION_RECORD) }] },
      gives: /aws:sqs, not aws:dynamodb|of records that it gave up/,
    },
  ];
}

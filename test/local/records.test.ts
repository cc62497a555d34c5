import type { _Record as SdkRecord } from '@aws-sdk/client-dynamodb-streams';
import { expect, test } from 'vitest';
import { createdAt, isBefore, toLambdaRecord } from '../../src/local/records.js';
import { STREAM_ARN } from '../support/scripted-stream.js';

const MADE = { since: Date.parse('2026-01-01T00:00:30.500Z'), until: Date.parse('2026-01-01T00:00:31.500Z') };

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

const insert: SdkRecord = {
  awsRegion: 'eu-west-1',
  dynamodb: {
    ApproximateCreationDateTime: new Date('2026-01-01T00:00:01.000Z'),
    Keys: { id: { S: '1' } },
    NewImage: {
      id: { S: '1' },
      age: { N: '42.50' },
      photo: { B: bytes('foobar') },
      parts: { BS: [bytes('a'), bytes('b')] },
      tags: { SS: ['x'] },
      sizes: { NS: ['1'] },
      gone: { NULL: true },
      isOn: { BOOL: false },
      nested: {
        M: { list: { L: [{ B: bytes('deep') }, { M: { parts: { BS: [bytes('c')] } } }, { S: '' }] } },
      },
    },
    OldImage: undefined,
    SequenceNumber: '100000000000000000001',
    SizeBytes: 99,
    StreamViewType: 'NEW_AND_OLD_IMAGES',
  },
  eventID: 'c4ca4238a0b923820dcc509a6f75849b',
  eventName: 'INSERT',
  eventSource: 'aws:dynamodb',
  eventVersion: '1.1',
};

test('a record becomes the JSON that Lambda delivers, to the letter', () => {
  expect(JSON.stringify(toLambdaRecord(insert, STREAM_ARN, MADE), null, 1)).toBe(
    JSON.stringify(
      {
        eventID: 'c4ca4238a0b923820dcc509a6f75849b',
        eventName: 'INSERT',
        eventVersion: '1.1',
        eventSource: 'aws:dynamodb',
        awsRegion: 'eu-west-1',
        dynamodb: {
          ApproximateCreationDateTime: 1767225601,
          Keys: { id: { S: '1' } },
          NewImage: {
            id: { S: '1' },
            age: { N: '42.50' },
            photo: { B: 'Zm9vYmFy' },
            parts: { BS: ['YQ==', 'Yg=='] },
            tags: { SS: ['x'] },
            sizes: { NS: ['1'] },
            gone: { NULL: true },
            isOn: { BOOL: false },
            nested: {
              M: { list: { L: [{ B: 'ZGVlcA==' }, { M: { parts: { BS: ['Yw=='] } } }, { S: '' }] } },
            },
          },
          SequenceNumber: '100000000000000000001',
          SizeBytes: 99,
          StreamViewType: 'NEW_AND_OLD_IMAGES',
        },
        eventSourceARN: STREAM_ARN,
      },
      null,
      1,
    ),
  );
});

test('what a record does not have is not there, rather than undefined', () => {
  const record = toLambdaRecord(
    { eventName: 'REMOVE', dynamodb: { Keys: { id: { S: '1' } } } },
    STREAM_ARN,
    MADE,
  );
  expect(Object.keys(record)).toEqual(['eventName', 'eventSource', 'dynamodb', 'eventSourceARN']);
  expect(Object.keys(record.dynamodb ?? {})).toEqual(['Keys']);
});

test('a delete by time to live says so in the spelling of Lambda', () => {
  const userIdentity = { PrincipalId: 'dynamodb.amazonaws.com', Type: 'Service' };
  expect(toLambdaRecord({ ...insert, userIdentity }, STREAM_ARN, MADE).userIdentity).toEqual({
    type: 'Service',
    principalId: 'dynamodb.amazonaws.com',
  });
});

test('bytes that are a window on a larger buffer keep to their window', () => {
  const window = bytes('xxfoobarxx').subarray(2, 8);
  const record = toLambdaRecord({ dynamodb: { NewImage: { photo: { B: window } } } }, STREAM_ARN, MADE);
  expect(record.dynamodb?.NewImage).toEqual({ photo: { B: 'Zm9vYmFy' } });
});

test('an attribute may have any name', () => {
  const NewImage = JSON.parse('{"__proto__":{"S":"x"}}');
  const record = toLambdaRecord({ dynamodb: { NewImage } }, STREAM_ARN, MADE);
  expect(JSON.stringify(record.dynamodb?.NewImage)).toBe('{"__proto__":{"S":"x"}}');
});

test('the time of a record is kept to the millisecond', () => {
  const made = new Date('2026-01-01T00:00:01.234Z');
  const record = toLambdaRecord({ dynamodb: { ApproximateCreationDateTime: made } }, STREAM_ARN, MADE);
  expect(record.dynamodb?.ApproximateCreationDateTime).toBe(1767225601.234);
  expect(createdAt(record)).toBe(made.getTime());
});

test('sequence numbers of any length compare by value', () => {
  expect(isBefore('9', '10')).toBe(true);
  expect(isBefore('10', '9')).toBe(false);
  expect(isBefore('9007199254740992000000001', '9007199254740992000000002')).toBe(true);
  expect(isBefore('7', '7')).toBe(false);
});

const at = (time: string) => Date.parse(`2026-01-01T${time}Z`);

test.each<[name: string, region: string, given: string, since: string, until: string, expected?: string]>([
  ['of DynamoDB Local has its second', 'ddblocal', '00:07:00', '00:07:30.9', '00:07:31.1', '00:07:30'],
  ['read just after its minute too', 'ddblocal', '00:07:00', '00:07:58.5', '00:08:09', '00:07:58'],
  ['of a minute that has just begun too', 'ddblocal', '00:07:00', '00:05:00', '00:07:01.5', '00:07:00'],
  ['that was made in a span of two seconds too', 'ddblocal', '00:07:00', '00:07:30', '00:07:32', '00:07:30'],
  ['that was made in a longer one has none', 'ddblocal', '00:07:00', '00:07:30', '00:07:32.001'],
  ['of which nothing is known has none', 'ddblocal', '00:07:00', '00:00:00', '00:09:00'],
  ['that says its second keeps it', 'ddblocal', '00:07:07', '00:00:00', '00:09:00', '00:07:07'],
  ['of the service keeps its time', 'eu-west-1', '00:07:00', '00:07:30', '00:07:31', '00:07:00'],
])('a record %s', (_name, awsRegion, given, since, until, expected) => {
  const record = toLambdaRecord(
    { awsRegion, dynamodb: { ApproximateCreationDateTime: new Date(at(given)) } },
    STREAM_ARN,
    { since: at(since), until: at(until) },
  );
  expect(createdAt(record)).toBe(expected && at(expected));
});

test('an attribute for which the SDK has no value is left without one, and does not stop the stream', () => {
  const NewImage = { id: { S: '1' }, nested: { M: { odd: undefined } } } as never;
  const record = toLambdaRecord({ dynamodb: { NewImage } }, STREAM_ARN, MADE);
  expect(record.dynamodb?.NewImage).toEqual({ id: { S: '1' }, nested: { M: { odd: undefined } } });
});

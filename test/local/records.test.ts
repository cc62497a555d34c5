import type { _Record as SdkRecord } from '@aws-sdk/client-dynamodb-streams';
import { expect, test } from 'vitest';
import { createdAt, isBefore, toLambdaRecord } from '../../src/local/records.js';
import { STREAM_ARN } from '../support/scripted-stream.js';

const SINCE = Date.parse('2026-01-01T00:00:30.500Z');

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
  expect(JSON.stringify(toLambdaRecord(insert, STREAM_ARN, SINCE), null, 1)).toBe(
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
    SINCE,
  );
  expect(Object.keys(record)).toEqual(['eventName', 'eventSource', 'dynamodb', 'eventSourceARN']);
  expect(Object.keys(record.dynamodb ?? {})).toEqual(['Keys']);
});

test('a delete by time to live says so in the spelling of Lambda', () => {
  const userIdentity = { PrincipalId: 'dynamodb.amazonaws.com', Type: 'Service' };
  expect(toLambdaRecord({ ...insert, userIdentity }, STREAM_ARN, SINCE).userIdentity).toEqual({
    type: 'Service',
    principalId: 'dynamodb.amazonaws.com',
  });
});

test('bytes that are a window on a larger buffer keep to their window', () => {
  const window = bytes('xxfoobarxx').subarray(2, 8);
  const record = toLambdaRecord({ dynamodb: { NewImage: { photo: { B: window } } } }, STREAM_ARN, SINCE);
  expect(record.dynamodb?.NewImage).toEqual({ photo: { B: 'Zm9vYmFy' } });
});

test('an attribute may have any name', () => {
  const NewImage = JSON.parse('{"__proto__":{"S":"x"}}');
  const record = toLambdaRecord({ dynamodb: { NewImage } }, STREAM_ARN, SINCE);
  expect(JSON.stringify(record.dynamodb?.NewImage)).toBe('{"__proto__":{"S":"x"}}');
});

test('the time of a record is kept to the millisecond', () => {
  const made = new Date('2026-01-01T00:00:01.234Z');
  const record = toLambdaRecord({ dynamodb: { ApproximateCreationDateTime: made } }, STREAM_ARN, SINCE);
  expect(record.dynamodb?.ApproximateCreationDateTime).toBe(1767225601.234);
  expect(createdAt(record)).toBe(made.getTime());
});

test('sequence numbers of any length compare by value', () => {
  expect(isBefore('9', '10')).toBe(true);
  expect(isBefore('10', '9')).toBe(false);
  expect(isBefore('9007199254740992000000001', '9007199254740992000000002')).toBe(true);
  expect(isBefore('7', '7')).toBe(false);
});

test.each([
  [
    'of DynamoDB Local was made when it can first have been: Local gives only the minute',
    'ddblocal',
    '00:00:00',
    '00:00:30',
  ],
  ['of DynamoDB Local was made in its minute, whatever else is known', 'ddblocal', '23:58:00', '23:58:59'],
  ['of DynamoDB Local that says its second keeps it', 'ddblocal', '00:00:07', '00:00:07'],
  ['of the service keeps its time', 'eu-west-1', '00:00:00', '00:00:00'],
])('a record %s', (_name, awsRegion, given, expected) => {
  const at = (time: string) =>
    new Date(`${time.startsWith('23') ? '2025-12-31' : '2026-01-01'}T${time}.000Z`);
  const record = toLambdaRecord(
    { awsRegion, dynamodb: { ApproximateCreationDateTime: at(given) } },
    STREAM_ARN,
    SINCE,
  );
  expect(createdAt(record)).toBe(at(expected).getTime());
});

test('an attribute for which the SDK has no value is left without one, and does not stop the stream', () => {
  const NewImage = { id: { S: '1' }, nested: { M: { odd: undefined } } } as never;
  const record = toLambdaRecord({ dynamodb: { NewImage } }, STREAM_ARN, SINCE);
  expect(record.dynamodb?.NewImage).toEqual({ id: { S: '1' }, nested: { M: { odd: undefined } } });
});

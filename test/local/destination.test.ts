import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileDestination, invocationRecord } from '../../src/local/destination.js';
import { STREAM_ARN, sequenceNumber, streamRecord } from '../support/scripted-stream.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'destination-'));
});
afterAll(() => rm(folder, { recursive: true }));

const records = [
  streamRecord('a', 7, Date.UTC(2019, 10, 14, 0, 13, 19)),
  streamRecord('b', 8, Date.UTC(2019, 10, 14, 0, 13, 21, 500)),
];
const about = {
  shardId: 'shardId-00000001573689847184-864758bb',
  streamArn: STREAM_ARN,
  functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:handler',
  now: Date.UTC(2019, 10, 14, 0, 13, 49, 717),
  requestId: '00000000-0000-4000-8000-000000000000',
};

test('the record of a discard has the fields of the one that Lambda sends, and the event as payload', () => {
  const last = { requestId: '316aa6d0-8154-4a6e-9af7-85d5f4a6bc81', functionError: 'Unhandled' } as const;
  const record = invocationRecord(
    { condition: 'RetryAttemptsExhausted', records, invocations: 3, last },
    about,
  );
  expect(record).toEqual({
    requestContext: {
      requestId: '316aa6d0-8154-4a6e-9af7-85d5f4a6bc81',
      functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:handler',
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: 3,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: '2019-11-14T00:13:49.717Z',
    DDBStreamBatchInfo: {
      shardId: 'shardId-00000001573689847184-864758bb',
      startSequenceNumber: sequenceNumber(7),
      endSequenceNumber: sequenceNumber(8),
      approximateArrivalOfFirstRecord: '2019-11-14T00:13:19Z',
      approximateArrivalOfLastRecord: '2019-11-14T00:13:21Z',
      batchSize: 2,
      streamArn: STREAM_ARN,
    },
    payload: JSON.stringify({ Records: records }),
  });
});

test('records that were never delivered have no response', () => {
  const record = invocationRecord(
    { condition: 'RecordAgeExceeded', records, invocations: 0, last: undefined },
    about,
  );
  expect(record).not.toHaveProperty('responseContext');
  expect(record.requestContext).toMatchObject({ requestId: about.requestId, approximateInvokeCount: 0 });
});

test('a file gets one line for each record, whole, also when they come at once', async () => {
  const path = join(folder, 'missing', 'failures.jsonl');
  const destination = fileDestination(path);
  const large = Array.from({ length: 200 }, (_, index) => streamRecord('x'.repeat(5_000), index));
  const sent = [1, 2, 3].map((invocations) =>
    invocationRecord({ condition: 'RecordAgeExceeded', records: large, invocations, last: undefined }, about),
  );
  await Promise.all(sent.map((record) => destination.send(record)));
  const lines = (await readFile(path, 'utf8')).split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.map((line) => JSON.parse(line))).toEqual(sent);
});

test('a file that cannot be written says so, each time', async () => {
  const destination = fileDestination(folder);
  const record = invocationRecord(
    { condition: 'RecordAgeExceeded', records, invocations: 0, last: undefined },
    about,
  );
  await expect(destination.send(record)).rejects.toThrow('EISDIR');
  await expect(destination.send(record)).rejects.toThrow('EISDIR');
});

test('records whose time is in microseconds, or none at all, can be given up too', () => {
  const [first = records[0], last] = [1_573_690_399_000_000, Number.MAX_VALUE].map((time) => ({
    ...records[0],
    dynamodb: { ...records[0]?.dynamodb, ApproximateCreationDateTime: time },
  }));
  const odd = [first, last] as typeof records;
  expect(
    invocationRecord(
      { condition: 'RecordAgeExceeded', records: odd, invocations: 0, last: undefined },
      about,
    ),
  ).toMatchObject({
    DDBStreamBatchInfo: {
      approximateArrivalOfFirstRecord: '2019-11-14T00:13:19Z',
      approximateArrivalOfLastRecord: '1970-01-01T00:00:00Z',
    },
  });
});

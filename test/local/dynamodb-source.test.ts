import { expect, test } from 'vitest';
import { createDynamoDBSource, type DynamoDBSourceOptions } from '../../src/local/dynamodb-source.js';
import { StreamError } from '../../src/local/index.js';
import { STREAM_ARN } from '../support/scripted-stream.js';

/** A client that answers each command with what comes next, and remembers what it was asked. */
function createClient(...answers: object[]) {
  const asked: object[] = [];
  const client = {
    async send(
      command: { constructor: { name: string }; input: object },
      options?: { abortSignal?: AbortSignal },
    ) {
      asked.push({ [command.constructor.name]: JSON.parse(JSON.stringify(command.input)), ...options });
      return answers.shift() ?? {};
    },
  };
  return { asked, client: client as unknown as NonNullable<DynamoDBSourceOptions['client']> };
}
const { signal } = new AbortController();

test('the newest stream of a table is read, on whatever page it is listed', async () => {
  const stream = (label: string) => ({ StreamArn: `arn of ${label}`, StreamLabel: label });
  const { asked, client } = createClient(
    { Streams: [stream('2026-01-02'), stream('2026-01-01')], LastEvaluatedStreamArn: 'arn of 2026-01-01' },
    { Streams: [stream('2026-01-03'), stream('2025-12-31')] },
  );
  const source = await createDynamoDBSource({ client, tableName: 'users' }, signal);
  expect((await source.describe()).streamArn).toBe('arn of 2026-01-03');
  expect(asked.slice(0, 2)).toEqual([
    { ListStreamsCommand: { TableName: 'users' }, abortSignal: signal },
    {
      ListStreamsCommand: { TableName: 'users', ExclusiveStartStreamArn: 'arn of 2026-01-01' },
      abortSignal: signal,
    },
  ]);
});

test('a table without a stream is an error that says what to do', async () => {
  const { client } = createClient({ Streams: [] });
  const created = createDynamoDBSource({ client, tableName: 'users' }, signal);
  await expect(created).rejects.toThrow(StreamError);
  await expect(created).rejects.toThrow(
    'No stream of the table users was found: create the table with a StreamSpec',
  );
});

test('shards of every page are described, and which are open', async () => {
  const { asked, client } = createClient(
    {
      StreamDescription: {
        Shards: [
          { ShardId: 'a', SequenceNumberRange: { StartingSequenceNumber: '1', EndingSequenceNumber: '9' } },
        ],
        LastEvaluatedShardId: 'a',
      },
    },
    {
      StreamDescription: {
        Shards: [{ ShardId: 'b', ParentShardId: 'a', SequenceNumberRange: { StartingSequenceNumber: '10' } }],
      },
    },
  );
  const source = await createDynamoDBSource({ client, eventSourceArn: STREAM_ARN }, signal);
  expect(await source.describe()).toEqual({
    streamArn: STREAM_ARN,
    shards: [
      { shardId: 'a', parentShardId: undefined, open: false },
      { shardId: 'b', parentShardId: 'a', open: true },
    ],
  });
  expect(asked).toEqual([
    { DescribeStreamCommand: { StreamArn: STREAM_ARN }, abortSignal: signal },
    { DescribeStreamCommand: { StreamArn: STREAM_ARN, ExclusiveStartShardId: 'a' }, abortSignal: signal },
  ]);
});

test('positions are asked for in the words of GetShardIterator', async () => {
  const { asked, client } = createClient({ ShardIterator: 'first' }, { ShardIterator: 'second' });
  const source = await createDynamoDBSource({ client, eventSourceArn: STREAM_ARN }, signal);
  expect(await source.iterator('a', { type: 'TRIM_HORIZON', since: 7 })).toBe('first');
  expect(await source.iterator('a', { type: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: '7' })).toBe('second');
  const StreamArn = STREAM_ARN;
  expect(asked).toEqual([
    {
      GetShardIteratorCommand: { StreamArn, ShardId: 'a', ShardIteratorType: 'TRIM_HORIZON' },
      abortSignal: signal,
    },
    {
      GetShardIteratorCommand: {
        StreamArn,
        ShardId: 'a',
        ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
        SequenceNumber: '7',
      },
      abortSignal: signal,
    },
  ]);
});

test('records are read in the form of Lambda, and the end of a closed shard is seen', async () => {
  const { asked, client } = createClient(
    { Records: [{ eventName: 'REMOVE' }], NextShardIterator: 'next' },
    { Records: [] },
  );
  const source = await createDynamoDBSource({ client, eventSourceArn: STREAM_ARN }, signal);
  expect(await source.read('first', 7, 0)).toEqual({
    records: [{ eventName: 'REMOVE', eventSource: 'aws:dynamodb', eventSourceARN: STREAM_ARN }],
    nextIterator: 'next',
  });
  expect(await source.read('next', 7, 0)).toEqual({ records: [], nextIterator: undefined });
  expect(asked[0]).toEqual({ GetRecordsCommand: { ShardIterator: 'first', Limit: 7 }, abortSignal: signal });
});

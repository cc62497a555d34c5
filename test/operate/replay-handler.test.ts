import { randomUUID } from 'node:crypto';
import { DeleteItemCommand, DescribeTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { encode } from '../../src/codec.js';
import { NewStreamCacheHandler, type StreamCacheHandler } from '../../src/index.js';
import { itemKey } from '../../src/key.js';
import { createDynamoDBSource } from '../../src/local/dynamodb-source.js';
import { NewReplayHandler } from '../../src/operate/index.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore } from '../../src/store/store.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { messageId, queueEvent } from '../support/sources.js';

let dynamodb: DynamoDBServer;
let store: CacheStore;
let handler: StreamCacheHandler;
let namespace: string;
/** What Lambda tells a queue of the records of the stream from one position to another. */
let place: (from: number, to: number, more?: object) => object;

beforeAll(async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  dynamodb = await startDynamoDB();
  store = openStore(inject('redisUrl'), 4_000);
  const client = dynamodb.client();
  const TableName = 'users';
  await createTable(client, TableName, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  for (const name of ['old', 'new'])
    await client.send(new PutItemCommand({ TableName, Item: user('1', name) }));
  await client.send(new PutItemCommand({ TableName, Item: user('2', 'old') }));
  await client.send(new DeleteItemCommand({ TableName, Key: { id: { S: '2' } } }));

  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  const streamArn = Table?.LatestStreamArn ?? '';
  const { endpoint } = dynamodb;
  const source = await createDynamoDBSource(
    { eventSourceArn: streamArn, endpoint },
    new AbortController().signal,
  );
  const shardId = (await source.describe()).shards[0]?.shardId ?? '';
  const { records } = await source.read(await source.iterator(shardId, { type: 'TRIM_HORIZON' }), 100, 0);
  source.close();
  client.destroy();
  const numbers = records.map((record) => record.dynamodb?.SequenceNumber);
  place = (from, to, more) => ({
    version: '1.0',
    requestContext: { condition: 'RetryAttemptsExhausted' },
    DDBStreamBatchInfo: {
      ...{ shardId, streamArn, batchSize: to - from + 1 },
      ...{ startSequenceNumber: numbers[from], endSequenceNumber: numbers[to], ...more },
    },
  });
});
beforeEach(async () => {
  namespace = `replayer${randomUUID().replaceAll('-', '')}`;
  handler = NewStreamCacheHandler({ cache: store, namespace });
  const written = encode(user('2', 'old'));
  await store.put([{ key: keyOf('2'), value: written, ttlMs: 60_000 }]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await store?.close();
  await dynamodb?.stop();
});

const user = (id: string, name: string) => ({ id: { S: id }, name: { S: name } });
const keyOf = (id: string) => itemKey(namespace, 'users', { id: { S: id } });
const failedOf = (...positions: number[]) => ({
  batchItemFailures: positions.map((position) => ({ itemIdentifier: messageId(position) })),
});

test('what Lambda gave up on is read from the stream and handed to the handler, in whatever order the messages come', async () => {
  const replay = NewReplayHandler(handler, { endpoint: dynamodb.endpoint });
  const published = { Type: 'Notification', Message: JSON.stringify(place(2, 3)) };
  expect(await replay(queueEvent([published, place(1, 1), place(0, 0)]))).toEqual(failedOf());
  const [one, two] = await store.get([keyOf('1'), keyOf('2')]);
  expect([undefined, encode(user('1', 'new'))]).toContain(one); // undefined when the machine took seconds: then it was late
  expect(two).toBeUndefined();
});

test('what is not done stays in the queue, and the other messages are done', async () => {
  const replay = NewReplayHandler(handler, { endpoint: dynamodb.endpoint });
  const gone = place(0, 0, { shardId: 'shardId-00000000000000000000-00000000' });
  const messages = [gone, 'no JSON', { version: '1.0', DDBStreamBatchInfo: {} }, place(2, 3), { orderId: 7 }];
  expect(await replay(queueEvent(messages))).toEqual(failedOf(0, 1, 2, 4));
  expect(await store.get([keyOf('2')])).toEqual([undefined]);
});

test('so does a batch of which the handler reports a failure, or at which it throws', async () => {
  const answers: StreamCacheHandler = Object.assign(
    async (event: object, context?: Context) => {
      expect(context).toEqual({ functionName: 'replayer' });
      if ((event as { Records: object[] }).Records.length === 2) throw new Error('out of order');
      return { batchItemFailures: [{ itemIdentifier: '1' }] };
    },
    { close: async () => {}, [Symbol.asyncDispose]: async () => {} },
  );
  const replay = NewReplayHandler(answers, { endpoint: dynamodb.endpoint });
  const context = { functionName: 'replayer' } as Context;
  expect(await replay(queueEvent([place(0, 0), place(2, 3)]), context)).toEqual(failedOf(0, 1));
});

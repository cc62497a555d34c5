import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { encode } from '../../src/codec.js';
import { itemKey } from '../../src/key.js';
import { watchTraffic } from '../../src/operate/traffic.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { memoryStore } from '../../src/store/memory.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import { change, RULES } from '../contract/store-contract.js';
import { event, record } from '../support/records.js';

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

test('the reads and records of a process are counted, with the keys that are read most, until it stops', async () => {
  const store = memoryStore();
  const keyOf = (id: string) => itemKey(undefined, 'users', { id: { S: id } });
  await store.apply(
    ['a', 'b'].map((id) => change(keyOf(id), 1, { value: encode({ id: { S: id } }) })),
    RULES,
  );
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  client.middlewareStack.use(NewCachingMiddleware({ cache: store }));
  const read = (id: string) =>
    client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: id } } }));

  const traffic = watchTraffic(1);
  for (const id of ['a', 'b', 'a']) await read(id);
  await NewStreamCacheHandler({ cache: store, logger: SILENT })(event(record()), undefined as never);
  expect(traffic.take()).toMatchObject({
    hits: 3,
    misses: 0,
    records: 1,
    hot: [{ key: keyOf('a'), count: 2, error: 0 }],
  });
  expect(traffic.take()).toMatchObject({ hits: 0, records: 0, hot: [] });
  traffic.stop();
  await read('a');
  expect(traffic.take()).toMatchObject({ hits: 0 });
});

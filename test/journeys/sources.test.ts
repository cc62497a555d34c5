import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { StreamCacheHandler, StreamEvent } from '../../src/index.js';
import { type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { kinesisEvent, kinesisPayload, queueEvent } from '../support/sources.js';
import { type Loop, openLoop } from './loop.js';
import { keyOf } from './orders.js';

let server: DynamoDBServer;
beforeAll(async () => {
  server = await startDynamoDB();
});
afterAll(() => server?.stop());

let arrived = 0;
const SOURCES: [name: string, eventOf: (records: DynamoDBRecord[]) => StreamEvent][] = [
  [
    'a Kinesis data stream',
    (records) =>
      kinesisEvent(
        records.map((each) => kinesisPayload(each, 'MILLISECOND')),
        arrived++,
      ),
  ],
  ['EventBridge Pipes', (records) => records],
  ['a queue', (records) => queueEvent(records)],
];

describe.each(SOURCES)('A table whose changes come by %s', (_, eventOf) => {
  let loop: Loop;
  let reader: DynamoDBClient;
  beforeAll(async () => {
    const around = (handler: StreamCacheHandler) => backwardsAndAgain(handler, eventOf);
    loop = await openLoop({ server, cacheUrl: inject('redisUrl'), bundle: 'the built bundle', around });
    reader = loop.application();
  });
  afterAll(() => loop?.close());

  test('backwards, and all of them again after each batch: what is read is what the table has', async () => {
    const orders = ['bob/1', 'bob/2', 'cyd/1'];
    for (const round of [1, 2, 3]) {
      for (const order of orders) await put(order, `${order} early in round ${round}`);
      await read(reader, ['bob/1', 'cyd/1']); // so that there are entries that must go, and items that nobody has read
      for (const order of orders) await put(order, `${order} late in round ${round}`);
      await loop.direct.send(new DeleteItemCommand({ TableName: loop.TableName, Key: keyOf('cyd/1') }));
      await loop.drained();
      expect(await read(reader)).toEqual(await read(loop.direct));
      expect(await read(loop.application())).toEqual(await read(loop.direct));
    }

    function put(order: string, note: string) {
      const Item = { ...keyOf(order), status: { S: 'open' }, note: { S: note } };
      return loop.direct.send(new PutItemCommand({ TableName: loop.TableName, Item }));
    }
    function read(client: DynamoDBClient, some = orders) {
      const get = (order: string) => new GetItemCommand({ TableName: loop.TableName, Key: keyOf(order) });
      return Promise.all(some.map(async (order) => (await client.send(get(order))).Item));
    }
  });
});

/** Hands over each batch from its end on, and then all that ever came, the oldest last. */
function backwardsAndAgain(
  handler: StreamCacheHandler,
  eventOf: (records: DynamoDBRecord[]) => StreamEvent,
): StreamCacheHandler {
  const all: DynamoDBRecord[] = [];
  const deliver = async (event: StreamEvent) => {
    const { Records } = event as { Records: DynamoDBRecord[] };
    all.push(...Records);
    for (const record of [...Records].reverse().concat([...all].reverse())) {
      expect(await handler(eventOf([record]))).toEqual({ batchItemFailures: [] });
    }
    return { batchItemFailures: [] };
  };
  return Object.assign(deliver, handler);
}

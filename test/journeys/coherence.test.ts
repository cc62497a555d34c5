import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { type MomentoStandIn, startMomento } from '../support/momento.js';
import { thoroughly } from '../support/thorough.js';
import { type Loop, openLoop } from './loop.js';
import { keyOf } from './orders.js';
import { partitionQuery, type Read, readsAround } from './orders-reads.js';

let server: DynamoDBServer;
let memcached: MemcachedServer;
let momento: MomentoStandIn;
beforeAll(async () => {
  [server, memcached, momento] = await Promise.all([startDynamoDB(), startMemcached(), startMomento()]);
});
afterAll(() => Promise.all([server?.stop(), memcached?.stop(), momento?.stop()]));

const URLS = {
  Redis: () => inject('redisUrl'),
  'Redis Cluster': () => inject('redisClusterUrl'),
  memcached: () => memcached.url,
  "Momento's stand-in": () => momento.url,
  'Redis Cluster by way of GLIDE': () => inject('redisClusterUrl'),
};

type Change = (client: DynamoDBClient, TableName: string) => Promise<unknown>;

/** Changes of the order `bob/2`, one after the other; it is there and open before the first and after the last. */
const CHANGES: [change: string, make: Change][] = [
  [
    'An update that moves an order within the index',
    (client, TableName) =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf('bob/2'),
          UpdateExpression: 'SET #s = :paid',
          ExpressionAttributeNames: { '#s': 'status' },
          ExpressionAttributeValues: { ':paid': { S: 'paid' } },
        }),
      ),
  ],
  [
    'A deletion',
    (client, TableName) => client.send(new DeleteItemCommand({ TableName, Key: keyOf('bob/2') })),
  ],
  ['A new order', (client, TableName) => put(client, TableName, 'bob/2', 'open', 'pen')],
];

describe.each([
  ['Redis', 'the built bundle'],
  ...thoroughly(
    ['Redis', 'the built bundle, told of keys'] as const,
    ['Redis Cluster', 'the built bundle'] as const,
  ),
  ['Redis Cluster', 'a bundle with keys in its code'],
  ['memcached', 'the built bundle, told of keys'],
  ...thoroughly(
    ["Momento's stand-in", 'the built bundle, told of keys'] as const,
    ['Redis Cluster by way of GLIDE', 'a bundle that uses GLIDE'] as const,
  ),
] as const)('%s, kept true by %s', (cache, bundle) => {
  const hasKeys = bundle !== 'the built bundle';
  let loop: Loop;
  let reader: DynamoDBClient;
  let reads: Read[];

  beforeAll(async () => {
    loop = await openLoop({ server, cacheUrl: URLS[cache](), bundle });
    reader = loop.application();
    reads = readsAround(loop.TableName, 'bob/2');
    for (const order of ['ada/first', 'bob/1', 'bob/2', 'cyd/7']) {
      await put(loop.direct, loop.TableName, order, order === 'ada/first' ? 'paid' : 'open', 'book');
    }
    await loop.drained();
  });
  afterAll(() => loop?.close());

  test.each(CHANGES)(
    '%s is seen by every read once the stream has brought it, and by none before',
    async (_, make) => {
      const before = await allFromCache(reader, reads);
      const release = loop.hold();
      onTestFinished(release); // or whatever follows a failure would wait for it
      await make(loop.direct, loop.TableName);
      expect(await answers(reader, reads)).toEqual(before);

      release();
      await loop.drained();
      const after = saidIn(await answers(loop.direct, reads));
      expect(after).not.toEqual(saidIn(before));
      expect(saidIn(await answers(reader, reads))).toEqual(after);
      // What is cached from then on is the new state, not only what is read meanwhile.
      expect(saidIn(await allFromCache(reader, reads))).toEqual(after);
    },
  );

  test.each(CHANGES)(
    '%s through the middleware is seen by every read at once, of every application',
    async (_, make) => {
      const writer = loop.application();
      const before = await allFromCache(reader, reads);
      const release = loop.hold();
      onTestFinished(release); // or whatever follows a failure would wait for it
      await make(writer, loop.TableName);
      const after = saidIn(await answers(loop.direct, reads));
      expect(after).not.toEqual(saidIn(before));
      expect(saidIn(await answers(writer, reads))).toEqual(after);
      expect(saidIn(await answers(reader, reads))).toEqual(after);

      release();
      await loop.drained();
      expect(saidIn(await answers(writer, reads))).toEqual(after);
      expect(saidIn(await allFromCache(writer, reads))).toEqual(after);
    },
  );

  test('What nobody has read yet comes from the cache at its first read', async () => {
    await put(loop.direct, loop.TableName, 'dan/1', 'lost', 'book');
    await loop.drained();
    const ofItems = readsAround(loop.TableName, 'dan/1').filter(({ name }) => name.startsWith('GetItem'));
    const first = await answers(reader, ofItems);
    for (const { isHit } of Object.values(first)) expect(isHit).toBe(true);
    expect(saidIn(first)).toEqual(saidIn(await answers(loop.direct, ofItems)));
  });

  test.runIf(hasKeys)('A change leaves the results of other partitions in the cache', async () => {
    const queries = readsAround(loop.TableName, 'cyd/7').filter(({ name }) => name.startsWith('Query'));
    await allFromCache(reader, queries);
    await put(loop.direct, loop.TableName, 'bob/3', 'lost', 'book');
    await loop.drained();
    for (const { isHit } of Object.values(await answers(reader, queries))) expect(isHit).toBe(true);
  });

  test.skipIf(hasKeys)('A change is seen within a moment: the staleness window', async () => {
    const get = new GetItemCommand({ TableName: loop.TableName, Key: keyOf('bob/1') });
    const query = partitionQuery(loop.TableName, 'bob');
    const windows = { GetItem: [] as number[], Query: [] as number[] };
    for (let count = 1; count <= 30; count += 1) {
      // Writes come at any time between two polls of the stream. Meanwhile both reads get into the cache.
      const until = performance.now() + (250 * count) / 30;
      do {
        await Promise.all([reader.send(get), reader.send(query)]);
      } while (performance.now() < until);

      const sku = `book ${count}`;
      await put(loop.direct, loop.TableName, 'bob/1', 'open', sku);
      const written = performance.now();
      const sees = async (send: () => Promise<unknown>, window: number[]) => {
        while (!JSON.stringify(await send()).includes(`"${sku}"`));
        window.push(performance.now() - written);
      };
      await Promise.all([
        sees(() => reader.send(get), windows.GetItem),
        sees(() => reader.send(query), windows.Query),
      ]);
    }
    const figures = Object.entries(windows).map(([read, times]) => `${read} ${figuresOf(times)}`);
    process.stdout.write(`From a write to the first read that sees it, ${cache}: ${figures.join('; ')}\n`);
  });
});

function put(client: DynamoDBClient, TableName: string, order: string, status: string, sku: string) {
  const basket = { L: [{ M: { sku: { S: sku }, count: { N: '1' } } }] };
  return client.send(
    new PutItemCommand({ TableName, Item: { ...keyOf(order), status: { S: status }, basket } }),
  );
}

type Answers = Record<string, Awaited<ReturnType<Read['send']>>>;

/** The answer of each read, by its name. */
async function answers(client: DynamoDBClient, reads: readonly Read[]): Promise<Answers> {
  const entries = reads.map(async ({ name, send }) => [name, await send(client)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Reads until each answer comes from the cache: a scan is stored at its second request, a result once its table settled. */
async function allFromCache(client: DynamoDBClient, reads: readonly Read[]): Promise<Answers> {
  return vi.waitFor(
    async () => {
      const all = await answers(client, reads);
      const missed = Object.entries(all).flatMap(([name, { isHit }]) => (isHit ? [] : [name]));
      expect(missed).toEqual([]);
      return all;
    },
    { timeout: 10_000, interval: 50 },
  );
}

function saidIn(all: Answers): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).map(([name, { said }]) => [name, said]));
}

function figuresOf(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b).map(Math.round);
  return `median ${sorted[sorted.length >> 1]} ms, max ${sorted.at(-1)} ms`;
}

import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import type { Report } from '../../src/report.js';
import { afterwards } from '../support/afterwards.js';
import { freePort } from '../support/machine.js';
import { startProxy, startSilentServer, type TcpProxy } from '../support/proxy.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { newTableStub, type TableStub } from '../support/table.js';
import { getUser, nameIn, silent, user } from './rig.js';

const Key = { id: { S: '1' } };
const BUDGET_MS = 50;

/** Every kind of call that the cache takes part in; each leaves item 1 as it was. */
const CALLS: [name: string, command: unknown][] = [
  ['GetItem', new GetItemCommand({ TableName: 'users', Key })],
  ['BatchGetItem', new BatchGetItemCommand({ RequestItems: { users: { Keys: [Key, { id: { S: '2' } }] } } })],
  [
    'Query',
    new QueryCommand({
      TableName: 'users',
      KeyConditionExpression: 'id = :id',
      ExpressionAttributeValues: { ':id': { S: '1' } },
    }),
  ],
  ['Scan', new ScanCommand({ TableName: 'users' })],
  ['PutItem', new PutItemCommand({ TableName: 'users', Item: user('1', 'Ada') })],
  [
    'UpdateItem',
    new UpdateItemCommand({
      TableName: 'users',
      Key,
      UpdateExpression: 'SET age = :age',
      ExpressionAttributeValues: { ':age': { N: '36' } },
    }),
  ],
  ['PutItem again', new PutItemCommand({ TableName: 'users', Item: user('1', 'Ada') })],
  ['DeleteItem', new DeleteItemCommand({ TableName: 'users', Key: { id: { S: '2' } } })],
  [
    'BatchWriteItem',
    new BatchWriteItemCommand({ RequestItems: { users: [{ PutRequest: { Item: user('1', 'Ada') } }] } }),
  ],
  [
    'TransactWriteItems',
    new TransactWriteItemsCommand({
      TransactItems: [{ Put: { TableName: 'users', Item: user('1', 'Ada') } }],
    }),
  ],
];

let table: TableStub;
let reports: Report[];
beforeEach(() => {
  table = newTableStub();
  table.put(user('1', 'Ada'));
  reports = [];
});

const newRedis = async () => afterwards(await startRedis(), (server) => server.stop());
const newProxy = async ({ port }: RedisServer) =>
  afterwards(await startProxy(port), (proxy) => proxy.close());

/** A client of the table with a cache at a URL. Its connection is closed with the server's. */
function cachedBy(cache: string, readTimeoutMs = BUDGET_MS): DynamoDBClient {
  const client = table.client();
  const connection = afterwards(
    new Redis(cache, {
      lazyConnect: true,
      connectTimeout: 1_500,
      socketTimeout: 1_500,
      maxRetriesPerRequest: 2,
      retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    }),
    (redis) => redis.disconnect(),
  );
  connection.on('error', () => {});
  client.middlewareStack.use(
    NewCachingMiddleware({
      cache: connection,
      readTimeoutMs,
      logger: silent,
      onReport: (report) => reports.push(report),
    }),
  );
  return client;
}

const breakerStates = () => reports.flatMap((report) => (report.type === 'breaker' ? [report.state] : []));

/** What a client gets of a call, but for what tells one request from another. */
async function outcome(client: DynamoDBClient, command: unknown): Promise<unknown> {
  const { $metadata, CacheMetadata, ...answer } = (await client.send(command as GetItemCommand)) as {
    $metadata: object;
    CacheMetadata?: object;
  } & Record<string, unknown>;
  return answer;
}

async function expectTruth(client: DynamoDBClient): Promise<void> {
  const direct = table.client();
  for (const [name, command] of CALLS) {
    expect([name, await outcome(client, command)]).toEqual([name, await outcome(direct, command)]);
  }
}

describe('every read and write is answered as DynamoDB does', () => {
  test('when the cache refuses connections', async () => {
    await expectTruth(cachedBy(`redis://127.0.0.1:${await freePort()}`));
    expect(breakerStates()).toEqual(['open']);
  });

  test('when the cache never says a word', async () => {
    const server = afterwards(await startSilentServer(), (silentServer) => silentServer.close());
    await expectTruth(cachedBy(server.url));
    expect(breakerStates()).toEqual(['open']);
  });

  test.each<[string, (proxy: TcpProxy) => void]>([
    ['stalls', (proxy) => proxy.stall()],
    ['loses all that is sent', (proxy) => proxy.blackholeExisting()],
    ['resets its connections', (proxy) => proxy.reset()],
    [
      'goes away',
      (proxy) => {
        proxy.refuse();
        proxy.reset();
      },
    ],
  ])('when a cache that was warm %s', async (_name, fault) => {
    const proxy = await newProxy(await newRedis());
    const client = cachedBy(proxy.url);
    await expectTruth(client);
    fault(proxy);
    await expectTruth(client);
  });

  test('when the cache is killed while it is asked', async () => {
    const server = await newRedis();
    const proxy = await newProxy(server);
    const client = cachedBy(proxy.url, 300);
    await getUser(client, '1');
    proxy.stall();
    const asked = getUser(client, '1');
    await server.kill('SIGKILL');
    proxy.reset();
    expect(nameIn(await asked)).toBe('Ada');
    await expectTruth(client);
  });

  test('when the cache takes no more', async () => {
    const server = await newRedis();
    const redis = afterwards(new Redis(server.url), (client) => client.disconnect());
    const client = cachedBy(server.url, 2_000);
    await expectTruth(client);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.config('SET', 'maxmemory', '1');
    for (const _ of [1, 2, 3]) await expectTruth(client);
    table.put(user('1', 'Eve'));
    await client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'Bob') }));
    expect(nameIn(await getUser(client, '1'))).toBe('Bob');
  });

  test.each<[string, (redis: Redis) => Promise<unknown>]>([
    ['no JSON', (redis) => redis.set('users:id=1', '{"id":')],
    ['JSON of another shape', (redis) => redis.set('users:id=1', '[1, 2]')],
    ['JSON that contradicts itself', (redis) => redis.set('users:id=1', '{"id":"1","$types":{"/x":"N"}}')],
    ['another item', (redis) => redis.set('users:id=1', '{"id":"2","name":"Eve"}')],
    ['what has no key', (redis) => redis.set('users:id=1', '{"name":"Eve"}')],
    [
      'a number that no item can have',
      (redis) => redis.set('users:id=1', '{"id":"1","n":"1e5000","$types":{"/n":"N"}}'),
    ],
    ['what is nested deeper than any item', (redis) => redis.set('users:id=1', nestedText(5_000))],
    ['an empty text', (redis) => redis.set('users:id=1', '')],
    ['bytes', (redis) => redis.set('users:id=1', Buffer.from([0xff, 0x00, 0xfe]))],
  ])('when an entry holds %s, which is then replaced', async (_name, spoil) => {
    const server = await newRedis();
    const redis = afterwards(new Redis(server.url), (client) => client.disconnect());
    const client = cachedBy(server.url, 2_000);
    await spoil(redis);
    expect(nameIn(await getUser(client, '1'))).toBe('Ada');
    expect(reports).toContainEqual({ type: 'undecodable', tableName: 'users', key: 'users:id=1' });
    const reached = table.log.length;
    expect(nameIn(await getUser(client, '1'))).toBe('Ada');
    expect(table.log).toHaveLength(reached);
  });

  test('when an entry is a list, a guard is a list, or a tag is one', async () => {
    const server = await newRedis();
    const redis = afterwards(new Redis(server.url), (client) => client.disconnect());
    for (const key of ['users:id=1', '{users:id=1}:guard', '{users*}:guard', 'users*']) {
      await redis.flushall();
      await redis.rpush(key, 'foreign');
      await expectTruth(cachedBy(server.url, 2_000));
    }
    expect(breakerStates()).toEqual([]);
  });
});

describe('the breaker', () => {
  test('opens after three failures, after which no command is tried, until a probe finds the cache', async () => {
    const proxy = await newProxy(await newRedis());
    const client = cachedBy(proxy.url, 500); // also a busy machine answers a probe in that
    for (const _ of [1, 2]) await getUser(client, '1');
    proxy.stall();
    for (const _ of [1, 2, 3]) expect(nameIn(await getUser(client, '1'))).toBe('Ada');
    expect(breakerStates()).toEqual(['open']);

    await proxy.resume();
    const { toServer } = proxy.bytes;
    const reached = table.log.length;
    for (let n = 0; n < 50; n += 1)
      await expect(getUser(client, '1')).resolves.toMatchObject({ Item: user('1', 'Ada') });
    expect(table.log).toHaveLength(reached + 50);

    // A second later, without waiting for it.
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_001);
    await getUser(client, '1');
    expect(breakerStates()).toEqual(['open', 'closed']);
    expect(proxy.bytes.toServer).toBeGreaterThan(toServer);
    await getUser(client, '1');
    expect(reports.at(-1)).toMatchObject({ type: 'hit' });
  });
});

describe('the added time of a call', () => {
  const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] as number;

  async function timesOf(count: number, call: () => Promise<unknown>): Promise<number[]> {
    const times: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const start = performance.now();
      await call();
      times.push(performance.now() - start);
    }
    return times;
  }

  test('is about the budget while a cache stalls, and next to nothing once the breaker is open', async ({
    annotate,
  }) => {
    const server = afterwards(await startSilentServer(), (silentServer) => silentServer.close());
    const direct = table.client();
    const write = new PutItemCommand({ TableName: 'users', Item: user('1', 'Ada') });
    await timesOf(100, () => getUser(direct, '1')); // warms up
    const baseline = median(await timesOf(200, () => getUser(direct, '1')));

    const stalled: number[] = [];
    let client = direct;
    for (let n = 0; n < 5; n += 1) {
      client = cachedBy(server.url);
      stalled.push(...(await timesOf(2, () => getUser(client, '1'))));
      stalled.push(...(await timesOf(1, () => client.send(write))));
      // A call that a busy machine looks at late says nothing of the cache.
      while (breakerStates().length <= n) stalled.push(...(await timesOf(1, () => getUser(client, '1'))));
    }
    expect(breakerStates()).toEqual(new Array(5).fill('open'));
    const open = median(await timesOf(200, () => getUser(client, '1')));
    const openWrite = median(await timesOf(200, () => client.send(write)));

    const figures = {
      direct: baseline,
      stalled: median(stalled) - baseline,
      longest: Math.max(...stalled) - baseline,
      open: open - baseline,
      openWrite: openWrite - baseline,
    };
    const text = Object.entries(figures).map(([name, ms]) => `${name} ${ms.toFixed(2)} ms`);
    await annotate(text.join(', '));
    process.stdout.write(`added time with a stalled cache: ${text.join(', ')}\n`);
    expect(figures.stalled).toBeLessThan(BUDGET_MS + 50);
    expect(figures.open).toBeLessThan(5);
    expect(figures.openWrite).toBeLessThan(5);
  });
});

/** An item whose attribute `a` is so many lists in one another. */
function nestedText(levels: number): string {
  return `{"id":"1","a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
}

import { randomUUID } from 'node:crypto';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { encode } from '../../src/codec.js';
import { itemKey } from '../../src/key.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { memcachedStore } from '../../src/store/memcached/index.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore } from '../../src/store/store.js';
import { change, RULES } from '../contract/store-contract.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { newTableStub } from '../support/table.js';
import { silent, user } from './rig.js';

const ITEMS = 500;
const namespace = `burst${randomUUID().replaceAll('-', '')}`;
const id = (n: number) => `u${n % ITEMS}`;

/** `npm run test:bursts`: with the default budget, which a server beside other tests does not always keep, on a machine of its own. */
const IS_ALONE = process.env.BURSTS !== undefined;
const BUDGET_MS = IS_ALONE ? 50 : 250;
const SIZES = IS_ALONE ? [200, 500, 1_000, 2_000, 5_000] : [50, 200];
const WORK_MS = IS_ALONE ? 0 : 1.2 * BUDGET_MS;
const WORKS_MS = IS_ALONE ? [20, 60, 200] : [0.4, 1.2, 2].map((share) => share * BUDGET_MS);

let memcached: MemcachedServer;
beforeAll(async () => {
  memcached = await startMemcached();
});
afterAll(() => memcached?.stop());

function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe.each([
  ['Redis', () => openStore(inject('redisUrl'), 4_000)],
  ['Redis Cluster', () => openStore(inject('redisClusterUrl'), 4_000)],
  ['memcached', () => memcachedStore(memcached.url)],
] as const)('On %s, many reads at once of what is cached', (_, open) => {
  let store: CacheStore;
  beforeAll(async () => {
    store = open();
    const changes = Array.from({ length: ITEMS }, (_, n) => {
      const item = { ...user(id(n), 'Ada'), note: { S: 'x'.repeat(500) } };
      return change(itemKey(namespace, 'users', { id: { S: id(n) } }), 1, { value: encode(item) });
    });
    await store.apply(changes, RULES);
  });
  afterAll(() => store?.close());

  /** How many of the reads reached the table, and how many answers said that they were hits. */
  async function burst(
    size: number,
    keyOf: (n: number) => string,
    { cacheMiddleware = false, work = WORK_MS } = {},
  ) {
    const table = newTableStub();
    const client = new DynamoDBClient({ ...table.clientConfig(), cacheMiddleware });
    client.middlewareStack.use(
      NewCachingMiddleware({ cache: store, namespace, logger: silent, readTimeoutMs: BUDGET_MS }),
    );
    const read = (n: number) =>
      client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: keyOf(n) } } }));
    await read(0); // connects
    const reads = Array.from({ length: size }, (_, n) => read(n));
    if (work > 0) {
      busy(work);
      setImmediate(() => busy(work));
    }
    const answers = (await Promise.all(reads)) as { CacheMetadata?: { CacheHit?: boolean } }[];
    client.destroy();
    return {
      hits: answers.filter(({ CacheMetadata }) => CacheMetadata?.CacheHit).length,
      requests: table.log.length,
    };
  }

  test.each(SIZES)('are hits: %i of different keys', async (size) => {
    expect(await burst(size, id)).toEqual({ hits: size, requests: 0 });
  });

  test.each(SIZES)('are hits: %i of one key', async (size) => {
    expect(await burst(size, () => id(7))).toEqual({ hits: size, requests: 0 });
  });

  test.each(SIZES)('are hits: %i by a client with cacheMiddleware', async (size) => {
    expect(await burst(size, id, { cacheMiddleware: true })).toEqual({ hits: size, requests: 0 });
  });

  test.each(WORKS_MS)('are hits while their caller computes for %i ms', async (work) => {
    for (const size of [1, 20, 500]) {
      expect(await burst(size, id, { work })).toEqual({ hits: size, requests: 0 });
    }
  });
});

describe('A cache that is silent', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  test('costs its budget and one turn of the loop, and is left alone after three', async () => {
    const table = newTableStub();
    table.put(user('1', 'Ada'));
    const states: string[] = [];
    const client = table.client();
    client.middlewareStack.use(
      NewCachingMiddleware({
        cache: redis.url,
        readTimeoutMs: BUDGET_MS,
        logger: silent,
        onReport: (report) => void (report.type === 'breaker' && states.push(report.state)),
      }),
    );
    const read = () => client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: '1' } } }));
    await read();
    await redis.pause();
    for (let n = 0; n < 3; n += 1) {
      const begunAt = performance.now();
      expect((await read()).Item).toEqual(user('1', 'Ada'));
      expect(performance.now() - begunAt).toBeGreaterThan(0.9 * BUDGET_MS);
    }
    expect(states).toEqual(['open']);
    const begunAt = performance.now();
    await read();
    expect(performance.now() - begunAt).toBeLessThan(0.9 * BUDGET_MS);
    redis.resume();
  });

  test('is not given up for the time that its caller computes, and does not wait for longer than one turn more', async () => {
    const table = newTableStub();
    table.put(user('1', 'Ada'));
    const client = table.client();
    client.middlewareStack.use(
      NewCachingMiddleware({ cache: redis.url, readTimeoutMs: BUDGET_MS, logger: silent }),
    );
    const read = () => client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: '1' } } }));
    await read();
    await redis.pause();
    const reading = read();
    let ended = 0;
    setImmediate(() => {
      busy(4 * BUDGET_MS);
      ended = performance.now();
    });
    await reading;
    expect(performance.now() - ended).toBeLessThan(0.8 * BUDGET_MS);
    redis.resume();
  });
});

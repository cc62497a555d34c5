import { Cluster, Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { decode } from '../../src/codec.js';
import { guardKey } from '../../src/key.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import { event, loadEvent, record } from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redis.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

let server: RedisServer;
let redis: Redis;

beforeEach(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterEach(async () => {
  redis.disconnect();
  await server.stop();
});

/** How often the server ran each command since the last reset; those inside scripts count too. */
async function commandCounts(): Promise<Record<string, number>> {
  const stats = await redis.info('commandstats');
  return Object.fromEntries(
    [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]),
  );
}

async function storedLogins(client: Redis | Cluster, count: number): Promise<unknown[]> {
  const texts = await Promise.all(
    Array.from({ length: count }, (_, index) => client.get(`users:id=user-${index}`)),
  );
  return texts.map((text) => decode(text ?? '')?.logins);
}

const lastImages = (count: number) => Array.from({ length: count }, (_, index) => ({ N: String(index + 1) }));

test('10,000 items are applied in one invocation with a command per 128 of them', async ({ annotate }) => {
  const handler = NewStreamCacheHandler({ cache: server.url, logger: silent });
  await handler(event(record())); // loads the scripts
  await redis.config('RESETSTAT');

  expect(await handler(loadEvent(10_000))).toEqual({ batchItemFailures: [] });

  const counts = await commandCounts();
  expect(await storedLogins(redis, 10_000)).toEqual(lastImages(10_000));
  await annotate(`commands for 10,000 items: ${JSON.stringify(counts)}`);
  expect(counts.evalsha).toBe(Math.ceil(10_000 / 128) + 1); // and one for the table's tag
  expect(counts.set).toBe(10_000 * 2 + 1); // inside the scripts: a value and a guard each, and the tag's guard
  expect(counts.eval).toBeUndefined();
});

test('10,000 records of one item cause one write', async ({ annotate }) => {
  const handler = NewStreamCacheHandler({ cache: server.url, logger: silent });
  await handler(event(record()));
  await redis.config('RESETSTAT');

  await handler(loadEvent(10_000, () => ({ id: 'user-0' })));

  const counts = await commandCounts();
  expect(await storedLogins(redis, 1)).toEqual([{ N: '10000' }]);
  await annotate(`commands for 10,000 records of one item: ${JSON.stringify(counts)}`);
  expect(counts).toMatchObject({ evalsha: 2, set: 3 }); // the value, its guard; the table's tag
});

test('10,000 items reach a cluster, every one at its last image', async () => {
  const namespace = `wire-${process.pid}-${Date.now()}`;
  const handler = NewStreamCacheHandler({ cache: inject('redisClusterUrl'), namespace, logger: silent });
  const cluster = new Cluster([inject('redisClusterUrl').replace('?cluster', '')]);
  try {
    expect(await handler(loadEvent(10_000))).toEqual({ batchItemFailures: [] });
    const texts = await Promise.all(
      Array.from({ length: 10_000 }, (_, index) => cluster.get(`${namespace}:users:id=user-${index}`)),
    );
    expect(texts.map((text) => decode(text ?? '')?.logins)).toEqual(lastImages(10_000));
  } finally {
    cluster.disconnect();
  }
});

test('every key has a time to live', async () => {
  const handler = NewStreamCacheHandler({
    cache: server.url,
    logger: silent,
    ttlSeconds: 1000,
    guardSeconds: 200,
  });
  await handler(event(record()));
  const keys = (await redis.keys('*')).sort();
  expect(keys).toEqual(['{users*}:keys', guardKey('users*'), guardKey('users:id=42'), 'users:id=42'].sort());
  expect(await redis.pttl('{users*}:keys')).toBeGreaterThan(29 * 86_400_000);
  expect(await redis.pttl('users:id=42')).toSatisfy((ttl: number) => ttl > 895_000 && ttl <= 1_000_000);
  expect(await redis.pttl(guardKey('users:id=42'))).toSatisfy(
    (ttl: number) => ttl > 195_000 && ttl <= 200_000,
  );
});

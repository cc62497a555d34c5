import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { newTableStub, type TableStub } from '../support/table.js';
import { batchGetUsers, getUser, nameIn, silent, user } from './rig.js';

const IDS = Array.from({ length: 25 }, (_, index) => `u${index}`);

let server: RedisServer;
let redis: Redis;
let table: TableStub;
let client: ReturnType<TableStub['client']>;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  table = newTableStub();
  for (const id of IDS) table.put(user(id, 'Ada'));
  client = table.client();
  client.middlewareStack.use(NewCachingMiddleware({ cache: redis, readTimeoutMs: 2_000, logger: silent }));
});

/** How often the server runs each command meanwhile; those inside scripts count too. */
async function commandsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.config('RESETSTAT');
  await work();
  const stats = await redis.info('commandstats');
  const counts = [...stats.matchAll(/cmdstat_(\w+)(?:\|\w+)?:calls=(\d+)/g)];
  return Object.fromEntries(
    counts
      .map(([, name, calls]) => [name as string, Number(calls)] as const)
      .filter(([name]) => !['config', 'info'].includes(name)),
  );
}

test('a hit is one GET', async () => {
  await getUser(client, 'u0');
  expect(await commandsOf(() => getUser(client, 'u0'))).toEqual({ get: 1 });
  expect(table.log).toHaveLength(1);
});

test('25 hits of a batch are one MGET, and nothing is asked of DynamoDB', async () => {
  await batchGetUsers(client, ...IDS);
  expect(await commandsOf(() => batchGetUsers(client, ...IDS))).toEqual({ mget: 1 });
  expect(table.log).toHaveLength(1);
});

test('25 keys of which 10 are not cached are one MGET, one lease of 10, one read of 10 and one fill of 10', async () => {
  await batchGetUsers(client, ...IDS.slice(0, 15));
  const { mget, evalsha } = await commandsOf(() => batchGetUsers(client, ...IDS));
  expect({ mget, evalsha }).toEqual({ mget: 1, evalsha: 2 });
  expect(table.requests('BatchGetItem').map(({ RequestItems }) => RequestItems.users.Keys.length)).toEqual([
    15, 10,
  ]);
});

test('40 concurrent reads of one cold key are one read of the table', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => getUser(client, 'u0')));
  expect(answers.map(nameIn)).toEqual(new Array(40).fill('Ada'));
  expect(table.log).toHaveLength(1);
});

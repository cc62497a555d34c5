import { BatchGetItemCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { encode } from '../src/codec.js';
import { itemKey } from '../src/key.js';
import { NewCachingMiddleware } from '../src/read/middleware.js';
import { startRedis } from '../test/support/redis.js';
import { CLIENT_OPTIONS, inlineMiddleware, plainKey } from './baselines.js';
import type { Bench } from './bench.js';
import { type Aim, atMost, CONTEXT, type Figure, twoDigits } from './figure.js';
import { idOf, itemOf } from './load.js';
import { type Contender, each, interleave, quantile, ratio, type Samples, typical } from './rounds.js';

/** How many different items are read, one after the other and again. */
export const ITEMS = 500;
export const BYTES = 600;

export const OURS = 'middleware';
export const INLINE = 'inline middleware';
const BARE = 'bare get';
/** The SDK's own option that keeps the resolved handler of each command class. */
const KEPT = ', cacheMiddleware';

/** S5 and S6: a hit of a GetItem. */
export async function hits({ rounds, scale, latencies }: Bench): Promise<Figure[]> {
  return withItems(async (url, redis) => {
    const calls = Math.ceil(2_000 * scale);
    const get = (client: DynamoDBClient) => (index: number) =>
      client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: idOf(index) } } }));
    const cached = (options: object) => newClient(ours(url), options);
    const inline = (options: object) => newClient(inlineMiddleware(redis), options);
    const kept = { cacheMiddleware: true };
    const contenders = [
      latency(BARE, calls, (index) => redis.get(plainKey(idOf(index)))),
      latency(INLINE, calls, get(inline({}))),
      latency(OURS, calls, get(cached({}))),
      latency(INLINE + KEPT, calls, get(inline(kept))),
      latency(OURS + KEPT, calls, get(cached(kept))),
    ];
    const samples = await interleave(contenders, { rounds, warmUps: 3 });
    const p50 = each(samples, (micros) => quantile(micros, 0.5));
    const p99 = each(samples, (micros) => quantile(micros, 0.99));
    for (const { name } of contenders) latencies.set(name, [typical(p50, name), typical(p99, name)]);
    return [
      compared('S5', 'GetItem hit, p50', p50, OURS, INLINE, 1.1),
      compared('S5', 'GetItem hit, p99', p99, OURS, INLINE, 1.1),
      compared('S5', `GetItem hit${KEPT}, p50`, p50, OURS + KEPT, INLINE + KEPT, 1.1),
      compared('S5', `GetItem hit${KEPT}, p99`, p99, OURS + KEPT, INLINE + KEPT, 1.1),
      compared('S6', 'GetItem hit, p50', p50, OURS, BARE),
      compared('S6', `GetItem hit${KEPT}, p50`, p50, OURS + KEPT, BARE),
      compared('S6', 'inline middleware, p50', p50, INLINE, BARE),
      compared('S6', `inline middleware${KEPT}, p50`, p50, INLINE + KEPT, BARE),
    ];
  });
}

/** S7: many hits in one call. */
export async function batchHits({ rounds, scale }: Bench): Promise<Figure[]> {
  return withItems(async (url, redis) => {
    const client = newClient(ours(url), {});
    const kept = newClient(ours(url), { cacheMiddleware: true });
    const figures: Figure[] = [];
    for (const size of [25, 100]) {
      const calls = Math.ceil((20_000 * scale) / size);
      const ids = (index: number) => Array.from({ length: size }, (_, next) => idOf((index + next) % ITEMS));
      const pipelined = (index: number) =>
        redis.pipeline(ids(index).map((id) => ['get', plainKey(id)])).exec() as Promise<[unknown, string][]>;
      const samples = await interleave(
        [
          latency('pipelined GET', calls, pipelined),
          latency('pipelined GET and JSON.parse', calls, async (index) =>
            (await pipelined(index)).map(([, text]) => JSON.parse(text)),
          ),
          latency(OURS, calls, batchGet(client, ids)),
          latency(OURS + KEPT, calls, batchGet(kept, ids)),
        ],
        { rounds, warmUps: 3 },
      );
      const p50 = each(samples, (micros) => quantile(micros, 0.5));
      const what = `BatchGetItem of ${size} hits, p50`;
      figures.push(
        compared('S7', what, p50, OURS, 'pipelined GET', 1.5),
        compared('S7', what, p50, OURS, 'pipelined GET and JSON.parse'),
        compared('S7', `BatchGetItem of ${size} hits${KEPT}, p50`, p50, OURS + KEPT, 'pipelined GET'),
      );
    }
    return figures;
  });
}

export function batchGet(client: DynamoDBClient, ids: (index: number) => string[]) {
  return (index: number) => {
    const Keys = ids(index).map((id) => ({ id: { S: id } }));
    return client.send(new BatchGetItemCommand({ RequestItems: { users: { Keys } } }));
  };
}

/** A Redis that holds items in our form, and under `users:` with `plain:` before it in the inline middleware's. */
export async function withItems<T>(work: (url: string, redis: Redis) => Promise<T>): Promise<T> {
  const server = await startRedis();
  const redis = new Redis(server.url, CLIENT_OPTIONS);
  try {
    for (let index = 0; index < ITEMS; index += 1) {
      const item = itemOf(index, BYTES);
      await redis.set(itemKey(undefined, 'users', { id: { S: idOf(index) } }), encode(item));
      await redis.set(plainKey(idOf(index)), JSON.stringify(item));
    }
    return await work(server.url, redis);
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

/** With patience: a busy machine must not make a hit a call to DynamoDB. */
function ours(url: string) {
  return NewCachingMiddleware({ cache: url, tables: ['users'], readTimeoutMs: 10_000 });
}

/** A client that reaches no DynamoDB: a call that is not a hit fails. */
export function newClient(middleware: { applyToStack(stack: never): void }, options: object): DynamoDBClient {
  const client = new DynamoDBClient({
    endpoint: 'http://127.0.0.1:1',
    region: 'eu-west-1',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    maxAttempts: 1,
    ...options,
  });
  client.middlewareStack.use(middleware as never);
  return client;
}

/** Measures how long each of many calls takes, in microseconds, one after the other. */
export function latency(
  name: string,
  calls: number,
  call: (index: number) => Promise<unknown>,
): Contender<number[]> {
  return {
    name,
    async run() {
      const micros: number[] = [];
      for (let index = 0; index < calls; index += 1) {
        const start = performance.now();
        await call(index % ITEMS);
        micros.push((performance.now() - start) * 1000);
      }
      return micros;
    },
  };
}

export function compared(
  id: string,
  what: string,
  samples: Samples,
  ours: string,
  to: string,
  most?: number,
): Figure {
  const value = ratio(samples, ours, to);
  const aim: Aim = most === undefined ? CONTEXT : atMost(most, value);
  const micros = (name: string) => `${twoDigits(typical(samples, name))} µs`;
  return { id, what, ours: micros(ours), baseline: `${to}: ${micros(to)}`, ratio: value, aim };
}

import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { NewStreamCacheHandler } from '../src/stream/handler.js';
import { startRedis } from '../test/support/redis.js';
import { plainPipeline } from './baselines.js';
import type { Bench, Held } from './bench.js';
import { startRole } from './child.js';
import { atMost, type Figure, thousands } from './figure.js';
import { batchOf, changeAgain } from './load.js';
import { median } from './rounds.js';
import { SILENT } from './write-path.js';

const SIZES = [150, 400, 1_024, 4_096];
/** Redis takes memory in steps: items of one size alone would say more of the steps than of the items. */
const SPREAD = 0.15;

/** S9: what a cached item takes of the server's memory, its guard being gone. */
export async function redisMemory({ scale }: Bench): Promise<Figure[]> {
  const server = await startRedis();
  const redis = new Redis(server.url, { enableAutoPipelining: true });
  // The shortest guards that are allowed, so that they are soon gone.
  const handler = NewStreamCacheHandler({
    cache: server.url,
    logger: SILENT,
    lateAfterSeconds: 5,
    guardSeconds: 10,
    settleSeconds: 1,
  });
  const items = Math.ceil(5_000 * scale);

  async function perItem(bytes: number, apply: (event: ReturnType<typeof batchOf>) => Promise<unknown>) {
    await redis.flushall();
    const before = await usedMemory(redis);
    await apply(batchOf(items, (index) => Math.round(bytes * (1 - SPREAD + (2 * SPREAD * index) / items))));
    while ((await redis.dbsize()) > items) await delay(500);
    return ((await usedMemory(redis)) - before) / items;
  }

  try {
    await handler(batchOf(1)); // so that its scripts are there before anything is counted
    const figures: Figure[] = [];
    for (const bytes of SIZES) {
      const ours = await perItem(bytes, handler);
      const plain = await perItem(bytes, (event) => plainPipeline(redis, event));
      figures.push({
        id: 'S9',
        what: `memory in Redis of an item of ${thousands(bytes)} B`,
        ours: `${thousands(ours)} B`,
        baseline: `SET of JSON.stringify(NewImage): ${thousands(plain)} B`,
        ratio: ours / plain,
        aim: atMost(0.9, ours / plain),
      });
    }
    return figures;
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

async function usedMemory(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}

const INVOCATIONS = 1_000;
const STEPS = 20;

/** S10: what the process holds on to, from invocation to invocation. */
export async function processMemory({ scale, held }: Bench): Promise<Figure[]> {
  const server = await startRedis();
  const child = startRole(
    'soak',
    [server.url, String(INVOCATIONS * scale), String(10_000 * scale)],
    ['--expose-gc'],
  );
  try {
    for (let step = 0; step < STEPS; step += 1) held.push(await child.message<Held>());
    // The first half fills caches and compiles; the second has to be level.
    const half = held.slice(STEPS / 2);
    const heap = (part: readonly Held[]) => median(part.map(({ heapMb }) => heapMb));
    const [before, after] = [heap(half.slice(0, STEPS / 4)), heap(half.slice(STEPS / 4))];
    const growth = after / before;
    return [
      {
        id: 'S10',
        what: `heap after ${thousands(INVOCATIONS * scale)} invocations of ${thousands(10_000 * scale)} records`,
        ours: `${after.toFixed(1)} MB`,
        baseline: `a quarter of them earlier: ${before.toFixed(1)} MB`,
        ratio: growth,
        aim: { text: 'flat (≤ 1.02)', isMet: growth <= 1.02 },
      },
    ];
  } finally {
    await child.end();
    await server.stop();
  }
}

export async function runSoak([url = '', invocations, records]: readonly string[]): Promise<void> {
  const handler = NewStreamCacheHandler({ cache: url, logger: SILENT });
  const batch = batchOf(Number(records));
  const each = Math.max(1, Math.round(Number(invocations) / STEPS));
  for (let done = each; done <= each * STEPS; done += each) {
    for (let count = 0; count < each; count += 1) {
      changeAgain(batch);
      await handler(batch);
    }
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    process.send?.({ invocations: done, heapMb: heapUsed / 1e6, residentMb: rss / 1e6 } satisfies Held);
  }
}

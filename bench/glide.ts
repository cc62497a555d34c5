import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { NewCachingMiddleware } from '../src/read/middleware.js';
import { glideStore } from '../src/store/glide/index.js';
import { NewStreamCacheHandler } from '../src/stream/handler.js';
import { glideClient } from '../test/support/glide.js';
import { startRedis, startRedisCluster } from '../test/support/redis.js';
import type { Bench } from './bench.js';
import { CONTEXT, type Figure, thousands } from './figure.js';
import { idOf } from './load.js';
import { batchGet, compared, ITEMS, latency, newClient, withItems } from './read-path.js';
import { each, interleave, quantile, ratio, typical } from './rounds.js';
import { rate, SILENT } from './write-path.js';

const GLIDE = 'GLIDE';
const IOREDIS = 'ioredis';
/** A busy machine must not make a hit a failure. */
const PATIENT = { requestTimeout: 10_000 };

/** S14: what carries the commands, for handler and reader. */
export async function glide(bench: Bench): Promise<Figure[]> {
  return [
    await written('records through the handler', await startRedis(), bench),
    await written('records through the handler, cluster of 3', await startRedisCluster(), bench),
    ...(await hits(bench)),
  ];
}

async function written(
  what: string,
  servers: { url: string; stop(): Promise<void> },
  { rounds, scale }: Bench,
): Promise<Figure> {
  const client = await glideClient(servers.url, PATIENT);
  const overGlide = NewStreamCacheHandler({ cache: glideStore(client), logger: SILENT });
  const overIoredis = NewStreamCacheHandler({ cache: servers.url, logger: SILENT });
  const records = Math.ceil(10_000 * scale);
  try {
    const samples = await interleave([rate(GLIDE, records, overGlide), rate(IOREDIS, records, overIoredis)], {
      rounds,
      warmUps: 3,
    });
    return {
      id: 'S14',
      what: `${what}, by way of GLIDE`,
      ours: `${thousands(typical(samples, GLIDE))}/s`,
      baseline: `${IOREDIS}: ${thousands(typical(samples, IOREDIS))}/s`,
      ratio: ratio(samples, GLIDE, IOREDIS),
      aim: CONTEXT,
    };
  } finally {
    client.close();
    await servers.stop();
  }
}

function hits({ rounds, scale }: Bench): Promise<Figure[]> {
  return withItems(async (url) => {
    const client = await glideClient(url, PATIENT);
    const reading = (cache: string | ReturnType<typeof glideStore>) =>
      newClient(NewCachingMiddleware({ cache, tables: ['users'], readTimeoutMs: 10_000 }), {});
    const [overGlide, overIoredis] = [reading(glideStore(client)), reading(url)];
    const get = (one: typeof overGlide) => (index: number) =>
      one.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: idOf(index) } } }));
    const ids = (index: number) => Array.from({ length: 25 }, (_, next) => idOf((index + next) % ITEMS));
    const calls = Math.ceil(2_000 * scale);
    const few = Math.ceil(calls / 4);
    try {
      const one = await interleave(
        [latency(GLIDE, calls, get(overGlide)), latency(IOREDIS, calls, get(overIoredis))],
        { rounds, warmUps: 3 },
      );
      const many = await interleave(
        [latency(GLIDE, few, batchGet(overGlide, ids)), latency(IOREDIS, few, batchGet(overIoredis, ids))],
        { rounds, warmUps: 3 },
      );
      const p50 = (samples: typeof one) => each(samples, (micros) => quantile(micros, 0.5));
      return [
        compared('S14', 'GetItem hit by way of GLIDE, p50', p50(one), GLIDE, IOREDIS),
        compared('S14', 'BatchGetItem of 25 hits by way of GLIDE, p50', p50(many), GLIDE, IOREDIS),
      ];
    } finally {
      client.close();
    }
  });
}

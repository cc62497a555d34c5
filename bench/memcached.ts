import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { encode } from '../src/codec.js';
import { itemKey } from '../src/key.js';
import { NewCachingMiddleware } from '../src/read/middleware.js';
import { type Connection, newConnection } from '../src/store/memcached/connection.js';
import { memcachedDriver } from '../src/store/memcached/driver.js';
import { memcachedStore } from '../src/store/memcached/index.js';
import { parseMemcachedUrl } from '../src/store/memcached/target.js';
import { NewStreamCacheHandler } from '../src/stream/handler.js';
import { startMemcached } from '../test/support/memcached.js';
import { inlineMiddleware, plainKey, TTL_SECONDS } from './baselines.js';
import type { Bench } from './bench.js';
import { startDelay } from './delay.js';
import { atLeast, CONTEXT, type Figure, thousands } from './figure.js';
import { idOf, itemOf } from './load.js';
import { BYTES, batchGet, compared, INLINE, ITEMS, latency, newClient, OURS } from './read-path.js';
import { each, interleave, quantile, ratio, typical } from './rounds.js';
import { HANDLER, rate, SILENT } from './write-path.js';

const PIPELINE = 'pipelined set';
const SEQUENTIAL = 'awaited set';
/** Between availability zones of a Region, about. */
const ROUND_TRIP_MS = 0.5;

/** S13: the same on memcached, beside what one would write with the same connection. */
export async function memcached({ rounds, scale }: Bench): Promise<Figure[]> {
  const server = await startMemcached(['-m', '512']);
  const delay = await startDelay(server.port, ROUND_TRIP_MS);
  const target = parseMemcachedUrl(server.url);
  const store = memcachedStore(server.url);
  const driver = memcachedDriver(target, 4_000);
  try {
    const throughput = async (url: string) => {
      const applied = memcachedStore(url);
      const target = parseMemcachedUrl(url);
      const connection = newConnection(target.nodes[0] as never, target, 4_000);
      const records = Math.ceil(10_000 * scale);
      const samples = await interleave(
        [
          rate(HANDLER, records, NewStreamCacheHandler({ cache: applied, logger: SILENT })),
          rate(PIPELINE, records, (event) => connection.exchange(setsOf(event))),
          rate(SEQUENTIAL, Math.ceil(records / 10), (event) => oneByOne(connection, event)),
        ],
        { rounds, warmUps: 3 },
      );
      connection.close();
      await applied.close();
      return samples;
    };
    const near = await throughput(server.url);
    const far = await throughput(`memcached://127.0.0.1:${new URL(delay.url).port}`);
    const written = (
      what: string,
      samples: typeof near,
      to: string,
      least?: number,
      of = HANDLER,
    ): Figure => {
      const value = ratio(samples, of, to);
      return {
        ...{ id: 'S13', what },
        ours: `${thousands(typical(samples, of))}/s`,
        baseline: `${to}: ${thousands(typical(samples, to))}/s`,
        ratio: value,
        aim: least === undefined ? CONTEXT : atLeast(least, value),
      };
    };

    for (let index = 0; index < ITEMS; index += 1) {
      const item = itemOf(index, BYTES);
      const entry = { key: itemKey(undefined, 'users', { id: { S: idOf(index) } }), ttlMs: 3_600_000 };
      await driver.create([{ ...entry, text: encode(item) }]);
      await driver.create([{ ...entry, key: plainKey(idOf(index)), text: JSON.stringify(item) }]);
    }
    const plain = { get: async (key: string) => (await driver.get([key]))[0] as string };
    const ours = NewCachingMiddleware({
      ...{ cache: store, logger: SILENT, readTimeoutMs: 10_000 },
      tables: { users: { partitionKey: 'id', sortKey: null } },
    });
    const client = newClient(ours, {});
    const [cached, inline] = [client, newClient(inlineMiddleware(plain), {})].map(
      (one) => (index: number) =>
        one.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: idOf(index) } } })),
    ) as [(index: number) => Promise<unknown>, (index: number) => Promise<unknown>];
    const ids = (index: number) => Array.from({ length: 25 }, (_, next) => idOf((index + next) % ITEMS));
    const calls = Math.ceil(2_000 * scale);
    const reads = await interleave([latency(INLINE, calls, inline), latency(OURS, calls, cached)], {
      rounds,
      warmUps: 3,
    });
    const batches = await interleave(
      [
        latency('one get of 25 keys', Math.ceil(calls / 4), (index) => driver.get(ids(index).map(plainKey))),
        latency(OURS, Math.ceil(calls / 4), batchGet(client, ids)),
      ],
      { rounds, warmUps: 3 },
    );
    const p50 = (samples: typeof reads) => each(samples, (micros) => quantile(micros, 0.5));
    return [
      written('records through the handler, memcached', near, PIPELINE, 0.3),
      written('records through the handler, memcached', near, SEQUENTIAL),
      written('the pipelined set itself, memcached', near, SEQUENTIAL, undefined, PIPELINE),
      written(`… with ${ROUND_TRIP_MS} ms of network`, far, SEQUENTIAL, 5),
      compared('S13', 'GetItem hit, memcached, p50', p50(reads), OURS, INLINE, 1.1),
      compared('S13', 'BatchGetItem of 25 hits, memcached, p50', p50(batches), OURS, 'one get of 25 keys'),
    ];
  } finally {
    await Promise.all([store.close(), driver.close(), delay.close()]);
    await server.stop();
  }
}

function setsOf({ Records }: DynamoDBStreamEvent): string[] {
  return Records.map(({ dynamodb }) => {
    const text = JSON.stringify(dynamodb?.NewImage);
    return `set ${plainKey(dynamodb?.Keys?.id?.S)} 0 ${TTL_SECONDS} ${Buffer.byteLength(text)}\r\n${text}\r\n`;
  });
}

async function oneByOne(connection: Connection, event: DynamoDBStreamEvent): Promise<void> {
  for (const command of setsOf(event)) await connection.exchange([command]);
}

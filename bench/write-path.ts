import type { DynamoDBStreamEvent } from 'aws-lambda';
import { Cluster, type ClusterOptions, Redis } from 'ioredis';
import { NewStreamCacheHandler } from '../src/stream/handler.js';
import { startRedis, startRedisCluster } from '../test/support/redis.js';
import { CLIENT_OPTIONS, plainPipeline, sequential, sequentialAnew } from './baselines.js';
import type { Bench } from './bench.js';
import { startDelay } from './delay.js';
import { atLeast, CONTEXT, type Figure, thousands, twoDigits } from './figure.js';
import { batchOf } from './load.js';
import { type Contender, interleave, ratio, type Samples, typical } from './rounds.js';

export const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export const HANDLER = 'handler';
const PIPELINE = 'plain pipeline';
const SEQUENTIAL = 'sequential';
const SEQUENTIAL_ANEW = 'sequential, new connection';

/** S1 and S2: one Redis, near and a millisecond away. */
export async function standalone({ rounds, scale, rates }: Bench): Promise<Figure[]> {
  const server = await startRedis();
  const delay = await startDelay(server.port, 1);
  try {
    const near = await throughput(server.url, { records: 10_000 * scale, rounds });
    const far = await throughput(delay.url, { records: 10_000 * scale, rounds });
    rates.near = near;
    rates.far = far;
    const perSecond = (samples: typeof near, name: string) => `${thousands(typical(samples, name))}/s`;
    const figure = (
      id: string,
      what: string,
      samples: typeof near,
      name: string,
      least?: number,
      of = HANDLER,
    ): Figure => {
      const value = ratio(samples, of, name);
      return {
        id,
        what,
        ours: perSecond(samples, of),
        baseline: `${name}: ${perSecond(samples, name)}`,
        ratio: value,
        aim: least === undefined ? CONTEXT : atLeast(least, value),
      };
    };
    const pipelined = (what: string, samples: typeof near) =>
      figure('S2', what, samples, SEQUENTIAL, undefined, PIPELINE);
    return [
      figure('S1', 'records through the handler', near, PIPELINE, 1),
      figure('S2', 'records through the handler', near, SEQUENTIAL, 5),
      figure('S2', 'records through the handler', near, SEQUENTIAL_ANEW, 5),
      pipelined('the plain pipeline itself', near),
      figure('S1', '… with 1 ms of network', far, PIPELINE),
      figure('S2', '… with 1 ms of network', far, SEQUENTIAL, 100),
      figure('S2', '… with 1 ms of network', far, SEQUENTIAL_ANEW, 100),
      pipelined('… the plain pipeline itself', far),
    ];
  } finally {
    await delay.close();
    await server.stop();
  }
}

async function throughput(url: string, { records, rounds }: { records: number; rounds: number }) {
  const kept = new Redis(url, CLIENT_OPTIONS);
  const pipelining = new Redis(url, { ...CLIENT_OPTIONS, enableAutoPipelining: true });
  const handler = NewStreamCacheHandler({ cache: url, logger: SILENT });
  try {
    const few = Math.ceil(records / 10); // these are slow, and no faster or slower with more
    return await interleave(
      [
        rate(HANDLER, records, handler),
        rate(PIPELINE, records, (event) => plainPipeline(pipelining, event)),
        rate(SEQUENTIAL, few, (event) => sequential(kept, event)),
        rate(SEQUENTIAL_ANEW, few, (event) => sequentialAnew(url, event)),
      ],
      { rounds, warmUps: 3 },
    );
  } finally {
    kept.disconnect();
    pipelining.disconnect();
  }
}

/** S3: a cluster of three, near and a millisecond away. */
export async function cluster({ rounds, scale }: Bench): Promise<Figure[]> {
  const servers = await startRedisCluster();
  const delays = await Promise.all(servers.nodes.map(({ port }) => startDelay(port, 1)));
  try {
    const options = { records: 10_000 * scale, rounds };
    const near = await clusterThroughput(servers.nodes, {}, options);
    const natMap = Object.fromEntries(
      servers.nodes.map(({ port }, index) => [
        `127.0.0.1:${port}`,
        { host: '127.0.0.1', port: Number(new URL(delays[index]?.url ?? '').port) },
      ]),
    );
    const far = await clusterThroughput(servers.nodes, { natMap }, options);
    return [
      clusterFigure('records through the handler, cluster of 3', near, 1.2),
      clusterFigure('… with 1 ms of network', far, 1),
    ];
  } finally {
    await Promise.all(delays.map((delay) => delay.close()));
    await servers.stop();
  }
}

async function clusterThroughput(
  nodes: readonly { port: number }[],
  options: Pick<ClusterOptions, 'natMap'>,
  { records, rounds }: { records: number; rounds: number },
) {
  const [{ port } = { port: 0 }] = nodes;
  const newClient = (more: Pick<ClusterOptions, 'enableAutoPipelining'>) =>
    new Cluster([{ host: '127.0.0.1', port }], { redisOptions: CLIENT_OPTIONS, ...options, ...more });
  const [client, pipelining] = [newClient({}), newClient({ enableAutoPipelining: true })];
  const handler = NewStreamCacheHandler({ cache: client, logger: SILENT });
  try {
    return await interleave(
      [rate(HANDLER, records, handler), rate(PIPELINE, records, (event) => plainPipeline(pipelining, event))],
      { rounds, warmUps: 3 },
    );
  } finally {
    client.disconnect();
    pipelining.disconnect();
  }
}

function clusterFigure(what: string, samples: Samples, aim: number): Figure {
  const value = ratio(samples, HANDLER, PIPELINE);
  return {
    id: 'S3',
    what,
    ours: `${thousands(typical(samples, HANDLER))}/s`,
    baseline: `${PIPELINE}: ${thousands(typical(samples, PIPELINE))}/s`,
    ratio: value,
    aim: atLeast(aim, value),
  };
}

/** S4: what a record costs in small batches and large ones. */
export async function batchSizes({ rounds, scale, costs }: Bench): Promise<Figure[]> {
  const server = await startRedis();
  try {
    const handler = NewStreamCacheHandler({ cache: server.url, logger: SILENT });
    const sizes = [10, 100, 1_000, 10_000].filter((size) => size <= Math.max(100, 10_000 * scale));
    const samples = await interleave(
      sizes.map((size) => rate(String(size), size, handler, Math.max(1, Math.ceil(2_000 / size)))),
      { rounds, warmUps: 2 },
    );
    const micros = sizes.map((size) => 1e6 / typical(samples, String(size)));
    for (const [index, size] of sizes.entries()) costs.set(size, micros[index] ?? Number.NaN);
    const growth = Math.max(
      ...sizes.slice(1).map((size, index) => ratio(samples, String(sizes[index]), String(size))),
    );
    return [
      {
        id: 'S4',
        what: `cost of a record in batches of ${sizes.map(thousands).join('; ')}`,
        ours: `${micros.map(twoDigits).join('; ')} µs`,
        baseline: 'the next smaller batch, worst step',
        ratio: growth,
        // A tenth is what the same batch differs by from run to run.
        aim: { text: 'never grows (≤ 1.1)', isMet: growth <= 1.1 },
      },
    ];
  } finally {
    await server.stop();
  }
}

/** Measures records per second, over several batches where one is too short to be timed. */
export function rate(
  name: string,
  records: number,
  apply: (event: DynamoDBStreamEvent) => Promise<unknown>,
  batches = 1,
): Contender {
  return {
    name,
    async run() {
      const events = Array.from({ length: batches }, () => batchOf(records));
      const start = performance.now();
      for (const event of events) await apply(event);
      return (records * batches * 1000) / (performance.now() - start);
    },
  };
}

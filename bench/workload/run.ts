import { newLine } from '../../proof/simulation/line.js';
import { newMapping } from '../../proof/simulation/mapping.js';
import { type Input, imageOf, keyOf, newTable, TABLE } from '../../proof/simulation/table.js';
import type { Weather } from '../../proof/simulation/weather.js';
import { newWorld, type World } from '../../proof/simulation/world.js';
import type { AttributeMap } from '../../src/attributes.js';
import { CONTENDERS } from './systems.js';
import { type Fleet, WORKLOADS } from './traffic.js';

/** One simulation. */
export interface Setup {
  readonly workload: string;
  readonly contender: string;
  /** How many processes share the calls. */
  readonly processes: number;
  /** Calls a second of all of them together. */
  readonly perSecond: number;
  /** How long the cache fills before anything is counted, and for how long it is. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** After which a change is in the stream, beside what polling takes. */
  readonly streamDelayMs: number;
  readonly leaseMs: number;
}

/** What came of it, once the cache had filled. */
export interface Result {
  readonly reads: number;
  readonly hits: number;
  readonly writes: number;
  /** Reads of the table, and those of them that were strongly consistent. */
  readonly tableReads: number;
  readonly strongReads: number;
  /** For how long what was answered had no longer been the item when the read began: milliseconds, of each stale answer. */
  readonly staleAges: readonly number[];
  /** How long reads took that the cache did not answer: milliseconds. */
  readonly missMs: readonly number[];
}

/** What was loaded before has reached all replicas. */
const REPLICATED_MS = 60_000;

/** Of a healthy Region; what nobody publishes is an assumption, and said in docs/performance.md. */
const WEATHER: Omit<Weather, 'processes' | 'leaseMs' | 'ttlSeconds' | 'writeThrough' | 'stream'> = {
  ...{ mode: 'write', lateAfterSeconds: 60, guardSeconds: 300, settleSeconds: 5 },
  skew: { cache: 0, table: 0 },
  every: { directWriteMs: 0, ownWriteMs: 0, readMs: 0, evictionMs: 0 },
  ...{ queries: 0, deletes: 0, expiring: 0, returning: 0, failedWrites: 0, activityMs: 0, items: 0 },
  replica: { share: 2 / 3, lagMs: 20 },
  slowRead: { share: 0.01, ms: 50 },
  cache: { latencyMs: 0.25, slow: { share: 0.001, ms: 10 }, failing: 0, isCluster: false, restartsAt: [] },
};

export async function runWorkload(setup: Setup): Promise<Result> {
  const contender = CONTENDERS.find(({ name }) => name === setup.contender);
  const workload = WORKLOADS[setup.workload]?.();
  if (contender === undefined || workload === undefined)
    throw new Error(`There is no ${JSON.stringify(setup)}.`);
  const { time, ...rest } = newWorld(1, 'write');
  const world: World = {
    ...rest,
    time,
    weather: {
      ...WEATHER,
      ...{ processes: setup.processes, leaseMs: setup.leaseMs, ttlSeconds: contender.ttlSeconds },
      writeThrough: contender.writeThrough === true,
      stream: {
        ...{ delayMs: setup.streamDelayMs, batchSize: 100, timeoutMs: 10_000 },
        ...{ repeated: { share: 0, laterMs: 0 }, outage: undefined, numbersRestartAt: undefined },
      },
    },
  };
  const table = newTable(world, [...workload.loaded, ...workload.later]);
  for (const sk of workload.loaded) {
    const history = table.items.get(sk);
    history?.add(imageOf(history, sk), world.start - REPLICATED_MS);
  }
  const system = contender.newSystem(table)(world, newLine(world));
  newMapping(world, table, system.handler ?? (async () => ({ batchItemFailures: [] })));

  const random = world.random('traffic');
  const clients = Array.from({ length: setup.processes }, () => system.newClient());
  const counts = { reads: 0, hits: 0, writes: 0, tableReads: 0, strongReads: 0 };
  const [staleAges, missMs]: [number[], number[]] = [[], []];
  const measuredFrom = world.start + 1000 * setup.warmUpSeconds;

  /** Sends a call through one of the processes, and counts what it asks of the table. */
  async function send(command: string, input: Input) {
    const asked: Input[] = [];
    const output = await random.pick(clients).send(command, input, (name, sent) => {
      asked.push(sent);
      return table.send(name, sent);
    });
    return { output, asked };
  }

  const write = async (command: string, input: Input) => {
    if (time.now() >= measuredFrom) counts.writes += 1;
    await send(command, input);
  };
  const nextImage = (sk: string) => imageOf(table.items.get(sk) as never, sk);

  const fleet: Fleet = {
    random,
    async read(sk) {
      const began = time.now();
      const { output, asked } = await send('GetItemCommand', { TableName: TABLE, Key: keyOf(sk) });
      if (began < measuredFrom) return;
      counts.reads += 1;
      counts.tableReads += asked.length;
      counts.strongReads += asked.filter(({ ConsistentRead }) => ConsistentRead).length;
      if (asked.length === 0) counts.hits += 1;
      else missMs.push(time.now() - began);
      const age = table.items.get(sk)?.staleness(output.Item as AttributeMap | undefined, began) ?? 0;
      if (age > 0) staleAges.push(age);
    },
    put: (sk) => write('PutItemCommand', { TableName: TABLE, Item: nextImage(sk) }),
    update: (sk, ReturnValues) =>
      write('UpdateItemCommand', { TableName: TABLE, Key: keyOf(sk), ...(ReturnValues && { ReturnValues }) }),
    async foreign(sk) {
      if (time.now() >= measuredFrom) counts.writes += 1;
      table.write(sk, nextImage(sk));
    },
  };

  const shares = Object.fromEntries(workload.calls.map(([share], index) => [index, share]));
  async function traffic(): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const end = measuredFrom + 1000 * setup.seconds;
    while (time.now() < end) {
      await time.sleep(random.wait(1000 / setup.perSecond));
      const [, call] = workload?.calls[Number(random.weighted(shares))] ?? [];
      const called = call?.(fleet).then(() => void underWay.delete(called as Promise<void>));
      if (called !== undefined) underWay.add(called);
    }
    await Promise.all(underWay);
  }
  await time.run(traffic());
  return { ...counts, staleAges, missMs };
}

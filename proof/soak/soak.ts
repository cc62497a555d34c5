import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Report } from '../../src/index.js';
import { LocalEventSourceMapping } from '../../src/local/index.js';
import { startDynamoDB } from '../../test/support/dynamodb.js';
import { newRandom } from '../random.js';
import { type Application, withCache } from './application.js';
import { type CacheServers, startCacheServers, storeAt } from './cache-servers.js';
import { compare, type Difference } from './comparison.js';
import type { Fault } from './fault.js';
import { faultsOf } from './faults.js';
import { startFunction } from './function.js';
import { type Ledger, newLedger } from './ledger.js';
import { heapInUse } from './memory.js';
import type { SoakOptions } from './options.js';
import { cacheKeyOf, createOrders, KEYS, NAMESPACE, orderNames, TABLE, wholeTable } from './orders.js';
import { getOrder, queryOrders } from './readers.js';
import { type Figures, startWorkload } from './workload.js';
import { write } from './writers.js';

/** What one fault did. */
export interface FaultRecord {
  readonly name: string;
  readonly isFailover: boolean;
  readonly at: number;
  /** From its beginning until everything was in order again. */
  readonly lastedMs: number;
  /** From then until the cache held nothing of the probes that differs from the table; absent: not within a minute. */
  readonly convergedMs?: number | undefined;
  /** Connections to the cache, and how many execution environments have some of them. */
  readonly connections: number;
  readonly environments: number;
  readonly heap: number;
  readonly functionHeap: number;
}

export interface SoakResult {
  readonly figures: Figures;
  readonly ledger: Ledger;
  readonly faults: readonly FaultRecord[];
  readonly items: number;
  readonly cached: number;
  readonly differences: readonly Difference[];
  /** Reads through the middleware after the end that did not give what the table gives. */
  readonly wrongReads: readonly string[];
  readonly records: ReadonlyMap<string, number>;
  /** What the middleware reported, by kind and outcome. */
  readonly reports: ReadonlyMap<string, number>;
  readonly timeouts: number;
  readonly discarded: number;
  readonly environments: number;
  readonly ended: number;
  readonly unhandled: readonly string[];
}

const CUSTOMERS = 40;
const ORDERS = 10;
const PROBES = orderNames(6, 4, 'probe');
const NAMES = orderNames(CUSTOMERS, ORDERS, 'c');
const CONVERGENCE_LIMIT_MS = 60_000;

/** Runs a soak from beginning to end. `onFault` hears of each fault once it has been dealt with. */
export async function soak(options: SoakOptions, onFault: (fault: FaultRecord) => void): Promise<SoakResult> {
  const unhandled: string[] = [];
  process.on('unhandledRejection', (reason) => unhandled.push(String((reason as Error)?.stack ?? reason)));

  // Its compiler would otherwise keep a small machine busy for the first minutes.
  process.env.JAVA_TOOL_OPTIONS ??= '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
  const server = await startDynamoDB();
  comeBeforeTheTable();
  const cache = await startCacheServers(options.topology);
  const random = newRandom(options.seed, 'soak');
  const ledger = newLedger();
  const direct = server.client();
  await createOrders(direct);

  const nameOfKey = new Map([...NAMES, ...PROBES].map((name) => [cacheKeyOf(name), name]));
  const note = (key: string, what: string) => {
    const name = nameOfKey.get(key);
    if (name !== undefined) ledger.note(name, what);
  };
  const records = new Map<string, number>();
  const consumer = startFunction(functionEnvironment(cache), ([key, outcome, sequenceNumber]) => {
    records.set(outcome, (records.get(outcome) ?? 0) + 1);
    note(key, `stream ${sequenceNumber.slice(-8)} ${outcome}`);
  });
  const stream = { timeouts: 0, discarded: 0 };
  const mapping = new LocalEventSourceMapping({
    endpoint: server.endpoint,
    tableName: TABLE,
    handler: consumer.handler,
    timeoutInSeconds: 5,
    parallelizationFactor: 2,
    bisectBatchOnFunctionError: true,
    onReport(report) {
      if (report.type === 'discarded') stream.discarded += report.batchSize;
      if (report.type === 'invoked' && report.error?.name === 'FunctionTimeoutError') stream.timeouts += 1;
    },
  });
  await mapping.start();

  const reports = new Map<string, number>();
  const onReport = (report: Report) => {
    const what = [report.type, 'outcome' in report && report.outcome, 'state' in report && report.state];
    const words = what.filter(Boolean).join(' ');
    reports.set(words, (reports.get(words) ?? 0) + 1);
    if (report.type === 'fill') note(report.key, `fill ${report.outcome}`);
    if (report.type === 'void') for (const key of report.keys) note(key, `void ${report.outcome}`);
  };
  const application = (writeThrough?: boolean) =>
    withCache(server.client(), cache.url, onReport, writeThrough);
  const readers = [application(), application()];
  const writers = { voiding: application(), through: application(true) };
  const workload = startWorkload({ direct, ...writers, readers }, ledger, NAMES, options.seed);
  const store = storeAt(cache.url);

  /** Resolves when what is cached of freshly written probes is what the table holds; after a minute with undefined. */
  async function convergence(): Promise<number | undefined> {
    const start = performance.now();
    for (const name of PROBES)
      await write(direct, ledger, random, [name], random.pick(['put', 'put', 'delete']));
    const table = await wholeTable(direct);
    do {
      await Promise.race([mapping.drained(), delay(CONVERGENCE_LIMIT_MS)]);
      const compared = await compare(store, PROBES, table).catch(() => undefined);
      const seen = await Promise.all(
        PROBES.map((name) => getOrder(readers[0]?.client as DynamoDBClient, name)),
      );
      const isSeen = seen.every((answer, index) => {
        const name = PROBES[index] as string;
        return answer.get(name)?.item?.version?.N === table.get(name)?.version?.N;
      });
      if (compared?.differences.length === 0 && isSeen) return performance.now() - start;
      await delay(20);
    } while (performance.now() - start < CONVERGENCE_LIMIT_MS);
    return undefined;
  }

  async function take(fault: Fault): Promise<FaultRecord> {
    const at = Date.now();
    await fault.inject();
    const lastedMs = Date.now() - at;
    const convergedMs = await convergence();
    return {
      name: fault.name,
      isFailover: fault.isFailover ?? false,
      at,
      lastedMs,
      convergedMs,
      connections: await cache.connections(),
      environments: consumer.size,
      heap: heapInUse(),
      functionHeap: await consumer.memory(),
    };
  }

  const faults: FaultRecord[] = [];
  const all = faultsOf(cache, consumer, random, () => ledger.forget());
  const chosen = all.filter(
    ({ name }) => options.only.length === 0 || options.only.some((word) => name.includes(word)),
  );
  const end = Date.now() + options.minutes * 60_000;
  for (let count = 0; ; count += 1) {
    const due = Date.now() + options.faultEvery * 1000;
    const record = await take(chosen[count % chosen.length] as Fault);
    faults.push(record);
    onFault(record);
    if (Date.now() >= end) break;
    await delay(Math.max(0, due - Date.now()));
  }

  await workload.stop();
  await mapping.drained();
  const table = await wholeTable(direct);
  const { cached, differences } = await compare(store, [...NAMES, ...PROBES], table);
  const wrongReads = await readAll(readers[0] as Application, direct, table);
  await mapping.stop();
  consumer.stop();
  await store.close();
  await Promise.all([cache.stop(), server.stop()]);
  const { environments, ended } = consumer.figures;
  return {
    ...{
      figures: workload.figures,
      ledger,
      faults,
      items: NAMES.length + PROBES.length,
      cached,
      differences,
    },
    ...{ wrongReads, records, reports, ...stream, environments, ended },
    unhandled: [...unhandled, ...consumer.figures.unhandled],
  };
}

/** DynamoDB Local takes all the processor that it can get. On a small machine the rest would time out for want of it. */
function comeBeforeTheTable(): void {
  try {
    setPriority(-5); // what is started from here on inherits it
  } catch {
    console.log('Not permitted to raise the priority: on a small machine readers may find the cache slow.');
  }
}

function functionEnvironment(cache: CacheServers): Record<string, string> {
  return {
    STREAM_CACHE_URL: cache.url,
    STREAM_CACHE_NAMESPACE: NAMESPACE,
    STREAM_CACHE_TABLES: JSON.stringify({ [TABLE]: KEYS }),
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  };
}

/** Reads every item and every customer's orders through the middleware, and names what is not as in the table. */
async function readAll(
  { client }: Application,
  direct: DynamoDBClient,
  table: Awaited<ReturnType<typeof wholeTable>>,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const name of [...NAMES, ...PROBES]) {
    const said = (await getOrder(client, name)).get(name)?.item?.version?.N;
    if (said !== table.get(name)?.version?.N) wrong.push(`GetItem ${name}: ${said}`);
  }
  for (let index = 0; index < CUSTOMERS; index += 1) {
    const customer = NAMES[index * ORDERS]?.split('/')[0] as string;
    const [ours, theirs] = await Promise.all([queryOrders(client, customer), queryOrders(direct, customer)]);
    const versions = (answers: typeof ours) =>
      [...answers].map(([name, { item }]) => `${name} ${item?.version?.N}`).join();
    if (versions(ours) !== versions(theirs))
      wrong.push(`Query ${customer}: ${versions(ours)}, not ${versions(theirs)}`);
  }
  return wrong;
}

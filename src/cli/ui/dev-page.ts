import diagnostics from 'node:diagnostics_channel';
import { toError } from '../../errors.js';
import { watchTraffic } from '../../operate/traffic.js';
import { REPORT_CHANNEL, type Report } from '../../report.js';
import type { DevOptions } from '../dev-options.js';
import { namespaceOf } from '../namespace.js';
import { openOperatedCache } from '../operated-cache.js';
import { openDynamoDB } from '../operated-table.js';
import { openTarget, type Target } from '../target.js';
import { entriesOf } from './entries.js';
import { type Answer, servePage } from './server.js';
import { type BatchHandler, openStage, stoppable } from './stage.js';
import { openWorkload, type Workload } from './workload.js';

/** What `stream-cache dev` shows in a browser. */
export interface DevPage {
  readonly target: Target;
  /** What the stream is read into: the target's, with the page's faults before it. */
  readonly handler: BatchHandler;
  readonly address: string;
  close(): Promise<void>;
}

const TICK_MS = 500;
const MOST_RECORDS = 200;

/** @throws CommandError when an option is wrong */
export async function openDevPage(options: DevOptions): Promise<DevPage> {
  const { table: tableName, streamEndpoint: endpoint, port } = options;
  const namespace = namespaceOf(options);
  const url = options.cache || process.env.STREAM_CACHE_URL || 'memory:';
  const isBundle = options.handler !== undefined;
  let isStopped = false;

  const [{ openTable }, { operatedMemory }] = await Promise.all([
    import('../../operate/table.js'),
    import('../../operate/in-process.js'),
  ]);
  const cache =
    url !== 'memory:' ? await openOperatedCache('dev', url) : isBundle ? undefined : operatedMemory();
  const store = cache && stoppable(cache.store, () => isStopped);
  const target = await openTarget('dev', options, isBundle ? undefined : store);
  const client = await openDynamoDB('dev', endpoint);
  const entries = entriesOf(cache, openTable({ client, tableName }), namespace, tableName);

  let workload: Workload | undefined;
  let whyNot = '';
  if (store === undefined)
    whyNot = 'What a bundle has in its memory only the bundle knows: name a cache with --cache.';
  else if (endpoint === undefined || !isLoopback(endpoint)) {
    whyNot = 'The table is not on this machine: nothing is written to it from here.';
  } else {
    workload = await openWorkload({ endpoint, tableName, namespace, store }).catch((thrown) => {
      whyNot = `The table cannot be read: ${toError(thrown).message}`;
      return undefined;
    });
  }

  const stage = openStage(target.handler, (event) => workload?.plain.apply(event));
  const traffic = watchTraffic();
  let records: object[] = [];
  const listen = (message: unknown) => {
    const report = message as Report;
    if ('key' in report && report.key !== undefined) entries.note(report.key);
    if (report.type !== 'record' || records.length >= MOST_RECORDS) return;
    const { outcome, eventName, key = '(no key)', ageMs = null } = report;
    records.push({ outcome, eventName, key, ageMs, at: Date.now() });
  };
  diagnostics.subscribe(REPORT_CHANNEL, listen);

  const state = async () => ({
    ...{ table: tableName, cache: target.cache, isStopped, canStop: !isBundle, whyNot, ...stage.state() },
    workload: await workload?.state(),
  });
  /** Does something, and says how things are then. */
  const then = (act: () => unknown) => async () => {
    await act();
    return state();
  };
  const actions: Readonly<Record<string, (parameters: URLSearchParams) => Promise<object>>> = {
    state,
    pause: then(() => stage.pause(true)),
    resume: then(() => stage.pause(false)),
    'stop-cache': then(() => {
      isStopped = !isBundle;
    }),
    'start-cache': then(() => {
      isStopped = false;
    }),
    replay: async () => ({ replayed: await stage.replay() }),
    'start-workload': then(() => workload?.start()),
    'stop-workload': then(() => workload?.stop()),
    search: (parameters) => entries.search(parameters.get('text') ?? ''),
    entry: (parameters) => entries.look(parameters.get('key') ?? '', parameters.has('compare')),
  };
  const answer: Answer = async (action, parameters) =>
    Object.hasOwn(actions, action) ? actions[action]?.(parameters) : undefined;
  const server = await servePage(port, answer);

  async function tick(): Promise<void> {
    const { seconds, hits, misses, hot } = traffic.take();
    server.send({
      ...(await state()),
      type: 'tick',
      at: Date.now(),
      hits: hits / seconds,
      misses: misses / seconds,
      hot,
    });
  }
  const flush = () => {
    if (records.length === 0) return;
    server.send({ type: 'records', records });
    records = [];
  };
  const timers = [setInterval(flush, 100), setInterval(() => void tick().catch(() => {}), TICK_MS)];

  return {
    target,
    handler: stage.handler,
    address: server.address,
    async close() {
      for (const timer of timers) clearInterval(timer);
      stage.pause(false);
      diagnostics.unsubscribe(REPORT_CHANNEL, listen);
      traffic.stop();
      await workload?.close();
      await server.close();
      await cache?.close();
      client.destroy();
    },
  };
}

function isLoopback(endpoint: string): boolean {
  const { hostname } = new URL(endpoint);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}

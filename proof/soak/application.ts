import { AsyncLocalStorage } from 'node:async_hooks';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { NewCachingMiddleware, type Report } from '../../src/index.js';
import { isMemcachedUrl } from '../../src/store/memcached/target.js';
import { storeAt } from './cache-servers.js';
import { KEYS, NAMESPACE, TABLE } from './orders.js';

/** What one call of an application took, and how much of it was DynamoDB's. */
export interface Timed<T> {
  readonly answer: T;
  readonly totalMs: number;
  /** Beyond DynamoDB's own time, and beyond what this process itself was late by. */
  readonly addedMs: number;
}

export interface Application {
  readonly client: DynamoDBClient;
  /** Makes a call, and says how long it took. */
  timed<T>(call: (client: DynamoDBClient) => Promise<T>): Promise<Timed<T>>;
}

/** Gives a client the middleware, whose other options are the defaults, but for names. */
export function withCache(
  client: DynamoDBClient,
  url: string,
  onReport: (report: Report) => void,
  writeThrough = false,
): Application {
  client.middlewareStack.use(
    NewCachingMiddleware({
      cache: storeOf(url),
      namespace: NAMESPACE,
      tables: { [TABLE]: KEYS },
      writeThrough,
      logger: SILENT,
      onReport,
    }),
  );
  const calls = new AsyncLocalStorage<{ dynamoDBMs: number }>();
  let longest: { endedAt: number; ms: number }[] = [];
  client.middlewareStack.add(
    (next) => async (args) => {
      const start = performance.now();
      try {
        return await next(args);
      } finally {
        const endedAt = performance.now();
        const call = calls.getStore();
        if (call) call.dynamoDBMs += endedAt - start;
        longest = [
          ...longest.filter((each) => endedAt - each.endedAt < 10_000),
          { endedAt, ms: endedAt - start },
        ].slice(-100);
      }
    },
    { step: 'finalizeRequest', priority: 'high', name: 'dynamoDBTime' },
  );
  return {
    client,
    async timed(call) {
      const own = { dynamoDBMs: 0 };
      const start = performance.now();
      const answer = await calls.run(own, () => call(client));
      const end = performance.now();
      // Who waits for another's read of the same item has no request of its own.
      const others = longest.filter(({ endedAt }) => endedAt >= start).map(({ ms }) => ms);
      const dynamoDBMs = own.dynamoDBMs > 0 ? own.dynamoDBMs : Math.max(0, ...others);
      return { answer, totalMs: end - start, addedMs: end - start - dynamoDBMs - lateness(start, end) };
    },
  };
}

/** A store of its own for each application. A URL of Redis is taken as it is. */
function storeOf(url: string) {
  return isMemcachedUrl(url) ? storeAt(url) : url;
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const TICK_MS = 10;

let delays: { at: number; ms: number }[] = [];
let due = performance.now() + TICK_MS;
setInterval(() => {
  const now = performance.now();
  if (now - due > 2) delays.push({ at: now, ms: now - due });
  delays = delays.filter(({ at }) => now - at < 30_000);
  due = now + TICK_MS;
}, TICK_MS).unref();

/** By how much this process's own timers were late in a span of time: on a busy machine that is nobody's fault. */
function lateness(from: number, to: number): number {
  const within = delays.filter(({ at }) => at >= from && at <= to + TICK_MS);
  const overdue = Math.max(0, performance.now() - due);
  return within.reduce((sum, { ms }) => sum + ms, overdue);
}

import { decode } from '../../src/codec.js';
import { itemKey } from '../../src/key.js';
import type { StreamCacheConfig } from '../../src/options.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import { type Cache, casCache, memoryCache, type NewCache } from './caches.js';
import type { NewSystem, Next, System } from './system.js';
import { type Input, keyOf, type Output, TABLE } from './table.js';
import type { World } from './world.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The handler and the middleware of this package, as they are, over a cache that decides by itself. */
export const pair = pairOn(memoryCache);

/** The same over a cache that can only compare and set. */
export const pairOnCas = pairOn(casCache);

function pairOn(newCache: NewCache): NewSystem {
  return (world, line) => newPair(world, newCache(world, line));
}

function newPair(world: World, cache: Cache): System {
  const { weather } = world;
  const config: StreamCacheConfig = {
    mode: weather.mode,
    lateAfterSeconds: weather.lateAfterSeconds,
    guardSeconds: weather.guardSeconds,
    settleSeconds: weather.settleSeconds,
    leaseMs: weather.leaseMs,
    writeThrough: weather.writeThrough,
    ttlSeconds: {
      item: weather.ttlSeconds,
      itemNegative: weather.ttlSeconds,
      query: Math.min(weather.ttlSeconds, weather.guardSeconds),
      scan: 1,
    },
    tables: { [TABLE]: { partitionKey: 'pk', sortKey: 'sk', ttlAttribute: 'expires' } },
    logger: silent,
  };
  const keyOfItem = (sk: string) => itemKey(undefined, TABLE, keyOf(sk));

  return {
    handler: NewStreamCacheHandler({
      ...config,
      cache: cache.newStore(),
      onReport: (report) => tellRecord(world, report),
    }),
    newClient() {
      let unconfirmed = 0;
      const send = middlewareOf({
        ...config,
        cache: cache.newStore(),
        onReport(report) {
          if (report.type === 'void' && report.outcome === 'failed') unconfirmed += 1;
          if (report.type === 'fill')
            world.tell(() => `cache: fill of ${report.key.split(':').at(-1)} is ${report.outcome}`);
        },
      });
      return {
        send,
        get unconfirmedWrites() {
          return unconfirmed;
        },
      };
    },
    cached(sk) {
      const text = cache.value(keyOfItem(sk));
      return text === undefined ? undefined : decode(text);
    },
    evict: (sk) => cache.evict(keyOfItem(sk)),
    clear: () => cache.clear(),
  };
}

function tellRecord(world: World, report: Parameters<NonNullable<StreamCacheConfig['onReport']>>[0]): void {
  if (report.type !== 'record') return;
  world.tell(() => `handler: ${report.sequenceNumber.replace(/^10+/, '…')} is ${report.outcome}`);
}

type Handler = (args: { input: Input; request?: object }) => Promise<{ output: Output }>;
type Middleware = (next: Handler, context: object) => Handler;
type Add = (middleware: Middleware, options: { readonly name: string }) => void;

/** The middlewares as the SDK would call them, without the SDK around them: its serialization takes most of a call's time. */
function middlewareOf(config: StreamCacheConfig) {
  const stack = newStack();
  NewCachingMiddleware(config).applyToStack(stack);
  const [first, translated, sending] = ['', 'Request', 'Response'].map((name) =>
    stack.middleware(`dynamodbStreamCache${name}`),
  ) as [Middleware, Middleware, Middleware];
  const commandInstance = { middlewareStack: newStack() };

  return async (commandName: string, input: Input, next: Next) => {
    const context = { commandName, __smithy_context: { commandInstance } };
    const send: Handler = async (args) => ({ output: await next(commandName, args.input) });
    const serialised: Handler = (args) =>
      sending(send, context)({ ...args, request: { hostname: 'table', body: JSON.stringify(args.input) } });
    return (await first(translated(serialised, context), context)({ input })).output;
  };
}

/** A stack as far as the middleware looks at one. */
function newStack() {
  const middlewares = new Map<string, Middleware>([['retryMiddleware', (next) => next]]);
  const add: Add = (middleware, { name }) => middlewares.set(name, middleware);
  return {
    add,
    addRelativeTo: add,
    applyToStack(other: { add: Add }) {
      for (const [name, middleware] of middlewares) other.add(middleware, { name });
    },
    middleware: (name: string) => middlewares.get(name),
  };
}

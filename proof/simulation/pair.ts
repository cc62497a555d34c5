import { decode } from '../../src/codec.js';
import type { StreamCacheConfig } from '../../src/config.js';
import { CacheError } from '../../src/errors.js';
import { itemKey } from '../../src/key.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { openMemory } from '../../src/store/memory.js';
import type { CacheStore, Settled } from '../../src/store/store.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import type { Line } from './line.js';
import type { NewSystem, Next } from './system.js';
import { type Input, keyOf, type Output, TABLE } from './table.js';
import type { World } from './world.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The handler and the middleware of this package, as they are, over a cache in memory at the end of a line. */
export const pair: NewSystem = (world, line) => {
  const { weather, time } = world;
  const memory = openMemory(() => time.now() + weather.skew.cache);
  const config: StreamCacheConfig = {
    cache: atTheEndOf(line, memory.store, weather.cache.isCluster),
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
    handler: NewStreamCacheHandler({ ...config, onReport: (report) => tellRecord(world, report) }),
    newClient() {
      let unconfirmed = 0;
      const send = middlewareOf({
        ...config,
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
      const text = memory.values.get(keyOfItem(sk));
      return text === undefined ? undefined : decode(text);
    },
    evict: (sk) => memory.values.delete(keyOfItem(sk)),
    clear() {
      memory.values.clear();
      memory.guards.clear();
    },
  };
};

function tellRecord(world: World, report: Parameters<NonNullable<StreamCacheConfig['onReport']>>[0]): void {
  if (report.type !== 'record') return;
  world.tell(() => `handler: ${report.sequenceNumber.replace(/^10+/, '…')} is ${report.outcome}`);
}

/** A store that is reached over a line, and answers for calls that fail as every store does. */
function atTheEndOf(line: Line, store: CacheStore, isCluster: boolean): CacheStore {
  const failure = new CacheError('The line is down.');

  async function each<I, O>(
    inputs: readonly I[],
    ask: (inputs: readonly I[]) => Promise<Settled<O>[]>,
  ): Promise<Settled<O>[]> {
    if (isCluster && inputs.length > 1) {
      const answers = await Promise.all(inputs.map((input) => each([input], ask)));
      return answers.flat();
    }
    return line.call(() => ask(inputs)).catch(() => inputs.map(() => failure));
  }

  return {
    get: (keys) => (isNote(keys[0]) ? store.get(keys) : each(keys, (some) => store.get(some))),
    apply: (changes, rules) => each(changes, (some) => store.apply(some, rules)),
    begin: (keys, rules) => each(keys, (some) => store.begin(some, rules)),
    release: (released, rules) => each(released, (some) => store.release(some, rules)),
    fill: (fills, rules) => each(fills, (some) => store.fill(some, rules)),
    void: (keys, rules) => each(keys, (some) => store.void(some, rules)),
    claim: (keys, rules) => each(keys, (some) => store.claim(some, rules)),
    move: (tags, rules) => each(tags, (some) => store.move(some, rules)),
    generations: (tags) => each(tags, (some) => store.generations(some)),
    put: (results) =>
      isNote(results[0]?.key) ? store.put(results) : each(results, (some) => store.put(some)),
    delete: (keys) => each(keys, (some) => store.delete(some)),
    close: () => store.close(),
  };
}

/** Notes of key names say what is declared here anyhow: they pass beside the line, which decides how each world goes. */
function isNote(key = ''): boolean {
  return key.endsWith('}:keys');
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

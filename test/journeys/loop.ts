import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { build } from 'esbuild';
import { Cluster, Redis } from 'ioredis';
import { vi } from 'vitest';
import { lambdaBundle } from '../../esbuild.config.mjs';
import { type CacheStore, NewCachingMiddleware, type StreamCacheHandler } from '../../src/index.js';
import { LocalEventSourceMapping } from '../../src/local/index.js';
import { glideStore } from '../../src/store/glide/index.js';
import { memcachedStore } from '../../src/store/memcached/index.js';
import { momentoStore } from '../../src/store/momento/index.js';
import type { DynamoDBServer } from '../support/dynamodb.js';
import { glideClient } from '../support/glide.js';
import { createOrders, ORDERS } from './orders.js';

/** A table, its stream, a function and a cache: everything of the product, and everything real. */
export interface Loop {
  readonly TableName: string;
  /** A client of an application that knows nothing of the cache. */
  readonly direct: DynamoDBClient;
  /** A client of an application with the middleware: each call makes another application. */
  application(): DynamoDBClient;
  /** From now on the function waits, as if the stream were slow, until what is returned is called. */
  hold(): () => void;
  /** Resolves when the function has handled every change made so far. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

export interface LoopOptions {
  readonly server: DynamoDBServer;
  readonly cacheUrl: string;
  readonly bundle: Bundle;
  /** Comes between the stream and the function. */
  readonly around?: ((handler: StreamCacheHandler) => StreamCacheHandler) | undefined;
}

/** The function, and who tells it the keys of the table and its index; else all queries hang on the table as a whole. */
export type Bundle =
  | 'the built bundle'
  | 'the built bundle, told of keys'
  | 'a bundle with keys in its code'
  | 'a bundle that uses GLIDE';

/** Index reads cannot be strong, so results are stored only after this: the journeys have to wait for it. */
const SETTLE_SECONDS = 1;

export async function openLoop({ server, cacheUrl, bundle, around }: LoopOptions): Promise<Loop> {
  const namespace = `journey${randomBytes(6).toString('hex')}`;
  const TableName = `orders-${namespace}`;
  const tables = bundle === 'the built bundle' ? [TableName] : { [TableName]: ORDERS };
  const direct = server.client();
  await createOrders(direct, TableName);

  const usesGlide = bundle === 'a bundle that uses GLIDE';
  const { handler, close: closeFunction } = await loadBundle(bundle, {
    [usesGlide ? 'CACHE_URL' : 'STREAM_CACHE_URL']: cacheUrl,
    STREAM_CACHE_NAMESPACE: namespace,
    STREAM_CACHE_SETTLE_SECONDS: String(SETTLE_SECONDS),
    ...((usesGlide || bundle === 'the built bundle, told of keys') && {
      STREAM_CACHE_TABLES: JSON.stringify(tables),
    }),
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    ORDERS_TABLE: TableName,
  });
  const wrapped = around?.(handler) ?? handler;
  let gate = Promise.resolve();
  const mapping = new LocalEventSourceMapping({
    endpoint: server.endpoint,
    tableName: TableName,
    timeoutInSeconds: 60,
    retryDelayInMilliseconds: 1,
    async handler(event, context) {
      await gate;
      return wrapped(event, context);
    },
  });
  await mapping.start();

  const { cache, disconnect } = await (usesGlide ? connectGlide(cacheUrl) : connect(cacheUrl));
  const clients = [direct];
  return {
    TableName,
    direct,
    application() {
      const client = server.client();
      client.middlewareStack.use(
        NewCachingMiddleware({
          cache,
          namespace,
          tables,
          settleSeconds: SETTLE_SECONDS,
          readTimeoutMs: 5_000, // these tests are about what is answered, not about how soon
        }),
      );
      clients.push(client);
      return client;
    },
    hold() {
      let release = () => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    drained: () => mapping.drained(),
    async close() {
      await mapping.stop();
      for (const client of clients) client.destroy();
      await disconnect();
      closeFunction?.();
    },
  };
}

/** The functions that are of an entry of their own. */
const SOURCES: Partial<Record<Bundle, string>> = {
  'a bundle with keys in its code': 'declared-handler.ts',
  'a bundle that uses GLIDE': 'glide-handler.ts',
};

interface LoadedFunction {
  readonly handler: StreamCacheHandler;
  readonly close?: () => void;
}

/** A function as Lambda loads it: alone in a folder, told what to do by the environment. */
async function loadBundle(bundle: Bundle, environment: Record<string, string>): Promise<LoadedFunction> {
  const folder = new URL(
    `../../node_modules/.cache/journeys/${randomBytes(6).toString('hex')}/`,
    import.meta.url,
  );
  const file = fileURLToPath(new URL('lambda.mjs', folder));
  await mkdir(folder, { recursive: true });
  const source = SOURCES[bundle];
  if (source !== undefined) {
    const options = lambdaBundle(fileURLToPath(new URL(source, import.meta.url)), file);
    await build({ ...options, external: ['@valkey/valkey-glide'] }); // native, so it cannot be in a bundle
  } else {
    for (const name of ['lambda.mjs', 'lambda-memcached.mjs', 'lambda-momento.mjs']) {
      const built = fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
      await copyFile(built, fileURLToPath(new URL(name, folder))).catch((cause) => {
        throw new Error(`There is no dist/${name}: build it with \`npm run build\`.`, { cause });
      });
    }
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  }
}

async function connectGlide(url: string): Promise<{ cache: CacheStore; disconnect(): unknown }> {
  const client = await glideClient(url);
  return { cache: glideStore(client), disconnect: () => client.close() };
}

const STORES: Partial<Record<string, (url: string) => CacheStore>> = {
  'memcached:': memcachedStore,
  'momento-local:': momentoStore,
};

/** A cache of the application's own: a client of Redis, or a store. */
function connect(url: string): { cache: Redis | Cluster | CacheStore; disconnect(): unknown } {
  const open = STORES[new URL(url).protocol];
  if (open !== undefined) {
    const store = open(url);
    return { cache: store, disconnect: () => store.close() };
  }
  const { hostname: host, port, searchParams } = new URL(url);
  const node = { host, port: Number(port) };
  const client = searchParams.has('cluster') ? new Cluster([node]) : new Redis(node);
  return { cache: client, disconnect: () => client.disconnect() };
}

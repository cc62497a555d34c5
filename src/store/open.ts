import { ConfigError } from '../errors.js';
import { memoryStore } from './memory.js';
import { type Authentication, borrowedConnection, ownConnection } from './redis/connection.js';
import { ioredisWire } from './redis/ioredis-wire.js';
import type { RedisClient } from './redis/redis-client.js';
import { redisStore } from './redis/store.js';
import type { CacheStore } from './store.js';

/**
 * The store that the option `cache` names. It does not connect before it is used.
 *
 * @param stallMs how long a Redis store waits while nothing is answered at all
 * @param iam how its connections authenticate, when not with what the URL says
 */
export function openStore(
  cache: string | RedisClient | CacheStore,
  stallMs: number,
  iam?: Authentication,
): CacheStore {
  if (typeof cache === 'string') {
    if (cache === 'memory:' && iam === undefined) return memoryStore();
    const [, other] = /^(memcached|momento)(?:s|-local)?:/i.exec(cache) ?? [];
    if (other !== undefined) throw new ConfigError(needsStore(other.toLowerCase()));
    const connection = iam === undefined ? ownConnection(cache) : iam(cache, ownConnection);
    return redisStore(ioredisWire(connection, stallMs));
  }
  if (iam !== undefined)
    throw new ConfigError('Option iam needs a URL in the option cache: leave it out where there is none.');
  if (isStore(cache)) return cache;
  if (isRedisClient(cache)) return redisStore(ioredisWire(borrowedConnection(cache), stallMs));
  throw new ConfigError(
    'Option cache is wrong: expected a URL, an ioredis client or a CacheStore, which a Valkey GLIDE client becomes by glideStore(client) of dynamodb-stream-cache/glide.',
  );
}

function needsStore(other: string): string {
  return `Option cache (STREAM_CACHE_URL): ${other} needs a store in its place: ${other}Store(url) of dynamodb-stream-cache/${other}.`;
}

/**
 * What all stores of one cache have in common: of a URL where it leads to, without who asks; else the object itself.
 */
export function cacheIdentity(cache: string | object, store: CacheStore): string | object {
  if (typeof cache !== 'string') return store.identity ?? cache;
  if (cache === 'memory:') return store;
  const { hostname, port, pathname } = new URL(cache);
  return `${hostname.toLowerCase()}:${port || 6379}/${Number(pathname.slice(1))}`;
}

const STORE_METHODS: readonly (keyof CacheStore)[] = [
  'get',
  'apply',
  'begin',
  'release',
  'fill',
  'void',
  'claim',
  'move',
  'generations',
  'put',
  'delete',
  'close',
];

function isStore(cache: object): cache is CacheStore {
  return STORE_METHODS.every((method) => has(cache, method));
}

function isRedisClient(cache: object): cache is RedisClient {
  return has(cache, 'evalsha') && has(cache, 'call') && 'options' in cache;
}

function has(object: object, method: string): boolean {
  return typeof (object as Record<string, unknown>)[method] === 'function';
}

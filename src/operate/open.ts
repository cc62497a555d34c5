import { ConfigError } from '../errors.js';
import { type Authentication, ownConnection } from '../store/redis/connection.js';
import { operatedCas } from './cas.js';
import type { Operated } from './operated.js';
import { operatedRedis } from './redis.js';

/** For how long a memcached may say nothing, in milliseconds. */
const STALL_MS = 4_000;

/**
 * The cache of a URL, to be looked into. It does not connect before it is used.
 *
 * @param iam how connections to a Redis or Valkey authenticate, when not with what the URL says
 * @throws ConfigError when the URL cannot be, or names no cache that a second process reaches
 */
export async function openOperated(url: string, iam?: Authentication): Promise<Operated> {
  if (url === 'memory:') {
    throw new ConfigError(
      'What is in memory: is known to the process alone that put it there. Name a cache.',
    );
  }
  if (/^memcacheds?:/i.test(url)) {
    const [{ memcachedDriver }, { parseMemcachedUrl }] = await Promise.all([
      import('../store/memcached/driver.js'),
      import('../store/memcached/target.js'),
    ]);
    return operatedCas(memcachedDriver(parseMemcachedUrl(url), STALL_MS));
  }
  if (/^momento(?:-local)?:/i.test(url)) {
    const [{ momentoDriver }, { newClients }, { parseMomentoUrl }] = await Promise.all([
      import('../store/momento/driver.js'),
      import('../store/momento/clients.js'),
      import('../store/momento/target.js'),
    ]);
    const { cacheName, local } = parseMomentoUrl(url);
    return operatedCas(momentoDriver(newClients({}, local).open, cacheName));
  }
  return operatedRedis(iam === undefined ? ownConnection(url) : iam(url, ownConnection));
}

import { environmentUrl } from '../../environment.js';
import { casStore } from '../cas/store.js';
import type { CacheStore } from '../store.js';
import { memcachedDriver } from './driver.js';
import { parseMemcachedUrl } from './target.js';

export interface MemcachedOptions {
  /**
   * For how long a connection may say nothing while something waits for it, and how long it may take to be made, in milliseconds.
   * It is given up then; what waited goes to the next, once. Default 1,500.
   */
  readonly stallMs?: number;
  /**
   * How far the clocks of two processes that use the cache may be apart, in milliseconds. Items take so much longer to settle
   * after a change. Default 4,000: each process is within two seconds of the true time.
   */
  readonly clocksApartMs?: number;
}

/**
 * A cache on memcached, for the option `cache` of handler and middleware. It does not connect before it is used.
 *
 * @param url `memcached://[user:password@]host[:port][,host[:port]…]`, `memcacheds://…` for TLS; `?discover` behind one host that
 *   is the configuration endpoint of an ElastiCache cluster. Default: `STREAM_CACHE_URL`
 * @throws ConfigError when the URL cannot be; it never repeats it
 */
export function memcachedStore(
  url: string = environmentUrl(),
  { stallMs = 1_500, clocksApartMs }: MemcachedOptions = {},
): CacheStore {
  const target = parseMemcachedUrl(url);
  const store = casStore(
    memcachedDriver(target, stallMs),
    clocksApartMs === undefined ? {} : { clocksApartMs },
  );
  return { ...store, identity: target.nodes.map(({ host, port }) => `${host.toLowerCase()}:${port}`).join() };
}

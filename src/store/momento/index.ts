import { environmentUrl } from '../../environment.js';
import { casStore } from '../cas/store.js';
import type { CacheStore } from '../store.js';
import { type ClientOptions, newClients } from './clients.js';
import { momentoDriver } from './driver.js';
import { parseMomentoUrl } from './target.js';

export interface MomentoOptions extends ClientOptions {
  /**
   * How far the clocks of two processes that use the cache may be apart, in milliseconds. Items take so much longer to settle
   * after a change. Default 4,000: each process is within two seconds of the true time.
   */
  readonly clocksApartMs?: number;
}

/**
 * A cache on Momento, for the option `cache` of handler and middleware. It does not connect before it is used.
 *
 * @param url `momento:CACHE`; or `momento-local://host[:port]/CACHE`, without TLS, for momento-local.
 *   Default: `STREAM_CACHE_URL`
 * @throws ConfigError when the URL cannot be, or there is no API key
 */
export function momentoStore(
  url: string = environmentUrl(),
  { clocksApartMs, ...options }: MomentoOptions = {},
): CacheStore {
  const { cacheName, local } = parseMomentoUrl(url);
  const clients = newClients(options, local);
  const store = casStore(
    momentoDriver(clients.open, cacheName),
    clocksApartMs === undefined ? {} : { clocksApartMs },
  );
  return { ...store, identity: `${clients.endpoint}/${cacheName}` };
}

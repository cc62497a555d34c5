import { otherCache, wantsIam } from '../environment.js';
import { ConfigError } from '../errors.js';
import type { StreamCacheConfig } from '../options.js';
import type { Authentication } from '../store/redis/connection.js';
import type { CacheStore } from '../store/store.js';

/** What not every application uses, as far as it is there: what is not cannot be asked for by `STREAM_CACHE_URL`. */
export interface Kinds {
  readonly iamAuthentication?: () => Authentication;
  readonly memcachedStore?: (url: string) => CacheStore;
  readonly momentoStore?: (url: string) => CacheStore;
}

/**
 * The options that the environment cannot give by itself: the cache, where its URL asks for more than Redis.
 *
 * @throws ConfigError when that was left out of the bundle
 */
export function kindOfCache(kinds: Kinds): Pick<StreamCacheConfig, 'cache' | 'iam'> {
  const { memcachedStore, momentoStore, iamAuthentication } = kinds;
  const { memcached, momento } = otherCache();
  if (memcached && memcachedStore) return { cache: memcachedStore(memcached) };
  if (momento && momentoStore) return { cache: momentoStore(momento) };
  if (momento) throw missing('Momento, whose store', 'give cachingClients() the option momento: true');
  if (wantsIam() && iamAuthentication) return { iam: iamAuthentication() };
  if (wantsIam()) throw missing('IAM, which', 'install @smithy/signature-v4 where the bundle is built');
  return {};
}

function missing(what: string, remedy: string): ConfigError {
  return new ConfigError(`STREAM_CACHE_URL asks for ${what} is not in this bundle: ${remedy}.`);
}

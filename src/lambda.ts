import { otherCache, wantsIam, wantsMetrics } from './environment.js';
import { NewStreamCacheHandler, type StreamCacheHandler } from './stream/handler.js';

// What not every function uses is in files of its own beside the bundle, so that only its users load it.
const iam = wantsIam() ? (await import('./lambda-iam.mjs')).iamAuthentication() : undefined;
const { memcached, momento } = otherCache();
const cache =
  (memcached && (await import('./lambda-memcached.mjs')).memcachedStore(memcached)) ||
  (momento && (await import('./lambda-momento.mjs')).momentoStore(momento));
const plain = NewStreamCacheHandler({ cache, iam });

/** The stream handler without any code: configured by the environment alone. */
export const handler: StreamCacheHandler = wantsMetrics()
  ? (await import('./lambda-metrics.mjs')).withMetrics(plain)
  : plain;

import type { Construct } from 'constructs';
import type { Cache, Network } from './cache.js';
import { type ExistingCache, existingCache } from './existing-cache.js';
import { type NodeCache, nodeCache } from './node-cache.js';
import { type ServerlessCache, serverlessCache } from './serverless-cache.js';

/** Which cache: a new serverless one, new nodes, or one that is there. */
export type CacheOptions = ServerlessCache | NodeCache | ExistingCache;

export function openCache(
  scope: Construct,
  network: Network,
  options: CacheOptions = { type: 'serverless' },
): Cache {
  switch (options.type) {
    case 'serverless':
      return serverlessCache(scope, network, options);
    case 'nodes':
      return nodeCache(scope, network, options);
    case 'existing':
      return existingCache(scope, options);
  }
}

import type { Construct } from 'constructs';
import type { Cache, Network } from './cache.js';
import { type ExistingCache, existingCache } from './existing-cache.js';
import { type MomentoCache, momentoCache } from './momento-cache.js';
import { type NodeCache, nodeCache } from './node-cache.js';
import { type ServerlessCache, serverlessCache } from './serverless-cache.js';

/** Which cache: a new serverless one, new nodes, or one that is there, of yours or of Momento's. */
export type CacheOptions = ServerlessCache | NodeCache | ExistingCache | MomentoCache;

/** @throws Error for a cache that has to be in a network, without one */
export function openCache(
  scope: Construct,
  network: Network | undefined,
  options: CacheOptions = { type: 'serverless' },
): Cache {
  if (options.type === 'momento') return momentoCache(options);
  if (network === undefined) {
    throw new Error(
      `StreamCache ${scope.node.path}: a cache of the type ${options.type} is in a network. Give the option \`vpc\`.`,
    );
  }
  switch (options.type) {
    case 'serverless':
      return serverlessCache(scope, network, options);
    case 'nodes':
      return nodeCache(scope, network, options);
    case 'existing':
      return existingCache(scope, options);
  }
}

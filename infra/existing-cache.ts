import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Connections, type ISecurityGroup, Port } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { connectGrant } from './access.js';
import { type Cache, type IamAuthentication, IN_NETWORK } from './cache.js';
import { cacheUrl, memcachedUrl } from './cache-url.js';
import { CACHE_PORT, MEMCACHED_PORT, SERVERLESS_PORTS } from './ports.js';

/**
 * A cache that is there already. It is not watched: its alarms are yours. The `maxmemory-policy` of a Redis or Valkey should be
 * `volatile-lru`, `allkeys-lru` or `noeviction`: the others take guards before values.
 */
export interface ExistingCache {
  readonly type: 'existing';
  /** What it is. Default `redis`, which stands for Valkey too. */
  readonly engine?: 'redis' | 'memcached';
  readonly host: string;
  /** Default 6379, of a memcached 11211. */
  readonly port?: number;
  /** Whether a Redis or Valkey is in cluster mode. Default false. */
  readonly cluster?: boolean;
  /** Whether the host is the configuration endpoint of a cluster of memcacheds, which names the others. Default false. */
  readonly discover?: boolean;
  /** Default true. */
  readonly tls?: boolean;
  /** Its security group, which the function and the readers are let into. Default: you let them in. */
  readonly securityGroup?: ISecurityGroup;
  /** IAM authentication, for a cache of ElastiCache. Default: none. */
  readonly iam?: IamAuthentication;
}

/** @throws Error for IAM authentication without TLS, and for what its engine does not have */
export function existingCache(scope: Construct, options: ExistingCache): Cache {
  const { engine = 'redis', securityGroup, iam } = options;
  const isMemcached = engine === 'memcached';
  const { port = isMemcached ? MEMCACHED_PORT : CACHE_PORT } = options;
  const foreign = isMemcached ? (['cluster', 'iam'] as const) : (['discover'] as const);
  const wrong = foreign.find((option) => options[option]);
  if (wrong !== undefined) {
    throw new Error(
      `StreamCache ${scope.node.path}: a cache of the engine ${engine} has no \`${wrong}\`. Leave it out.`,
    );
  }
  if (iam !== undefined && options.tls === false) {
    throw new Error(
      `StreamCache ${scope.node.path}: cannot use IAM authentication without TLS. Leave out \`tls: false\`.`,
    );
  }
  const ports = iam?.serverless ? SERVERLESS_PORTS : Port.tcp(port);
  const connections = new Connections({
    defaultPort: ports,
    ...(securityGroup && { securityGroups: [securityGroup] }),
  });
  return {
    ...IN_NETWORK,
    url: isMemcached ? memcachedUrl(options) : cacheUrl(options),
    connections,
    watch: undefined,
    admit: (peer) =>
      securityGroup
        ? connections.allowDefaultPortFrom(peer, 'To the cache')
        : peer.connections.allowToAnyIpv4(ports, 'To the cache'),
    grantConnect: iam ? grantOf(scope, iam) : () => undefined,
  };
}

function grantOf(
  scope: Construct,
  { user, cacheName, serverless }: IamAuthentication,
): Cache['grantConnect'] {
  const arn = (resource: string, resourceName: string) =>
    Stack.of(scope).formatArn({
      service: 'elasticache',
      resource,
      resourceName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  return connectGrant(arn(serverless ? 'serverlesscache' : 'replicationgroup', cacheName), arn('user', user));
}

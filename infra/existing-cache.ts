import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Connections, type ISecurityGroup, Port } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { connectGrant } from './access.js';
import type { Cache, IamAuthentication } from './cache.js';
import { cacheUrl } from './cache-url.js';
import { CACHE_PORT, SERVERLESS_PORTS } from './ports.js';

/**
 * A Redis or Valkey server that is there already. It is not watched: its alarms are yours. Its `maxmemory-policy` should be
 * `volatile-lru`, `allkeys-lru` or `noeviction`: the others take guards before values.
 */
export interface ExistingCache {
  readonly type: 'existing';
  readonly host: string;
  /** Default 6379. */
  readonly port?: number;
  /** Default false. */
  readonly cluster?: boolean;
  /** Default true. */
  readonly tls?: boolean;
  /** Its security group, which the function and the readers are let into. Default: you let them in. */
  readonly securityGroup?: ISecurityGroup;
  /** IAM authentication, for a cache of ElastiCache. Default: none. */
  readonly iam?: IamAuthentication;
}

/** @throws Error for IAM authentication without TLS */
export function existingCache(scope: Construct, options: ExistingCache): Cache {
  const { port = CACHE_PORT, securityGroup, iam } = options;
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
    url: cacheUrl(options),
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

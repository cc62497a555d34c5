import { Port } from 'aws-cdk-lib/aws-ec2';
import { CfnServerlessCache } from 'aws-cdk-lib/aws-elasticache';
import type { Construct } from 'constructs';
import { connectGrant, iamUser, newSecurityGroup, resourceName } from './access.js';
import { type Cache, IN_NETWORK, type Network } from './cache.js';
import { cacheUrl, memcachedUrl } from './cache-url.js';
import { MEMCACHED_PORT, SERVERLESS_PORTS } from './ports.js';

/** A new ElastiCache Serverless cache: always TLS, always over several zones. */
export interface ServerlessCache {
  readonly type: 'serverless';
  /**
   * Default `valkey`, in cluster mode and with IAM authentication. `memcached` has neither: who is let into its security group may
   * use it.
   */
  readonly engine?: 'valkey' | 'memcached';
  /** Lower-case letters, digits and single hyphens, at most 40. Also names its user. Default: made from the construct's path. */
  readonly name?: string;
  /** Beyond this it evicts. 1 to 5,000 GB, default 10: a bound on the bill. */
  readonly maxStorageGb?: number;
  /** Beyond this it throttles. 1,000 to 15,000,000, default 30,000, which it serves without having to grow. */
  readonly maxEcpuPerSecond?: number;
  /** The engine's version. Default `9` of Valkey, `1.6` of Memcached. A cache that is there goes up with it, and never down. */
  readonly majorEngineVersion?: string;
  /** A KMS key of yours for data at rest, by ARN. Default: one that AWS owns. */
  readonly kmsKeyArn?: string;
}

export function serverlessCache(
  scope: Construct,
  { vpc, subnets }: Network,
  {
    engine = 'valkey',
    name = resourceName(scope),
    maxStorageGb = 10,
    maxEcpuPerSecond = 30_000,
    majorEngineVersion = engine === 'valkey' ? '9' : '1.6',
    kmsKeyArn,
  }: ServerlessCache,
): Cache {
  const iam = engine === 'valkey' ? iamUser(scope, name) : undefined;
  const securityGroup = newSecurityGroup(
    scope,
    vpc,
    engine === 'valkey' ? SERVERLESS_PORTS : Port.tcp(MEMCACHED_PORT),
  );
  const cache = new CfnServerlessCache(scope, 'Serverless', {
    serverlessCacheName: name,
    description: `Kept true to its tables by ${scope.node.path}`,
    engine,
    majorEngineVersion,
    // It takes two or three, each in a zone of its own.
    subnetIds: subnets.subnetIds.slice(0, 3),
    securityGroupIds: [securityGroup.group.securityGroupId],
    ...(iam && { userGroupId: iam.group.ref }),
    cacheUsageLimits: {
      dataStorage: { maximum: maxStorageGb, unit: 'GB' },
      ecpuPerSecond: { maximum: maxEcpuPerSecond },
    },
    ...(kmsKeyArn !== undefined && { kmsKeyId: kmsKeyArn }),
  });
  const host = cache.attrEndpointAddress;
  return {
    ...IN_NETWORK,
    url:
      iam === undefined
        ? memcachedUrl({ host })
        : cacheUrl({
            ...{ host, cluster: true },
            iam: { user: iam.user.ref, cacheName: name, serverless: true },
          }),
    connections: securityGroup.connections,
    watch: { type: 'serverless', cacheName: name, maxStorageGb, maxEcpuPerSecond },
    admit: securityGroup.admit,
    grantConnect: iam === undefined ? () => undefined : connectGrant(cache.attrArn, iam.user.attrArn),
  };
}

import { CfnServerlessCache } from 'aws-cdk-lib/aws-elasticache';
import type { Construct } from 'constructs';
import { connectGrant, iamUser, newSecurityGroup, resourceName } from './access.js';
import type { Cache, Network } from './cache.js';
import { cacheUrl } from './cache-url.js';
import { SERVERLESS_PORTS } from './ports.js';

/** A new ElastiCache Serverless cache for Valkey: always TLS, always in cluster mode, always over several zones. */
export interface ServerlessCache {
  readonly type: 'serverless';
  /** Lower-case letters, digits and hyphens, at most 36. Also names its user. Default: made from the construct's path. */
  readonly name?: string;
  /** Beyond this it evicts. 1 to 5,000 GB, default 10: a bound on the bill. */
  readonly maxStorageGb?: number;
  /** Beyond this it throttles. 1,000 to 15,000,000, default 30,000, which it serves without having to grow. */
  readonly maxEcpuPerSecond?: number;
  /** Valkey's version. Default `8`. */
  readonly majorEngineVersion?: string;
  /** A KMS key of yours for data at rest, by ARN. Default: one that AWS owns. */
  readonly kmsKeyArn?: string;
}

export function serverlessCache(
  scope: Construct,
  { vpc, subnets }: Network,
  {
    name = resourceName(scope),
    maxStorageGb = 10,
    maxEcpuPerSecond = 30_000,
    majorEngineVersion = '8',
    kmsKeyArn,
  }: ServerlessCache,
): Cache {
  const { user, group } = iamUser(scope, name);
  const securityGroup = newSecurityGroup(scope, vpc, SERVERLESS_PORTS);
  const cache = new CfnServerlessCache(scope, 'Serverless', {
    serverlessCacheName: name,
    description: `Kept true to its tables by ${scope.node.path}`,
    engine: 'valkey',
    majorEngineVersion,
    // It takes two or three, each in a zone of its own.
    subnetIds: subnets.subnetIds.slice(0, 3),
    securityGroupIds: [securityGroup.group.securityGroupId],
    userGroupId: group.ref,
    cacheUsageLimits: {
      dataStorage: { maximum: maxStorageGb, unit: 'GB' },
      ecpuPerSecond: { maximum: maxEcpuPerSecond },
    },
    ...(kmsKeyArn !== undefined && { kmsKeyId: kmsKeyArn }),
  });
  return {
    url: cacheUrl({
      host: cache.attrEndpointAddress,
      cluster: true,
      iam: { user: user.ref, cacheName: name, serverless: true },
    }),
    connections: securityGroup.connections,
    watch: { type: 'serverless', cacheName: name, maxStorageGb, maxEcpuPerSecond },
    admit: securityGroup.admit,
    grantConnect: connectGrant(cache.attrArn, user.attrArn),
  };
}

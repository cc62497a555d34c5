import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Port } from 'aws-cdk-lib/aws-ec2';
import { CfnReplicationGroup, CfnSubnetGroup } from 'aws-cdk-lib/aws-elasticache';
import type { Construct } from 'constructs';
import { connectGrant, iamUser, newSecurityGroup, resourceName } from './access.js';
import { type Cache, IN_NETWORK, type Network } from './cache.js';
import { cacheUrl } from './cache-url.js';
import { CACHE_PORT } from './ports.js';

/** New nodes with Valkey: a replication group with TLS, encryption at rest and automatic failover. */
export interface NodeCache {
  readonly type: 'nodes';
  /** Lower-case letters, digits and single hyphens, at most 40. Also names its user. Default: made from the construct's path. */
  readonly name?: string;
  /** Such as `cache.r7g.large`. */
  readonly nodeType: string;
  /** Cluster mode, with this many shards. Default: one shard, without cluster mode. */
  readonly shards?: number;
  /** Replicas of each shard, 0 to 5. Default 1. Without any, a node that fails empties its shard. */
  readonly replicasPerShard?: number;
  /** Valkey's version. Default `9.0`. Nodes that are there go up with it, and never down. */
  readonly engineVersion?: string;
  /**
   * Keeps what was confirmed when a node fails: `sync` all of it, and a write takes some milliseconds; `async` all but the last 10 seconds. Valkey from
   * 9.0 on, in cluster mode, with a replica of each shard, on R6g, M6g or newer nodes. Default: what a failed primary had not copied is lost.
   */
  readonly durability?: 'sync' | 'async';
  /** A KMS key of yours for data at rest, by ARN. Default: one that AWS owns. */
  readonly kmsKeyArn?: string;
}

export function nodeCache(
  scope: Construct,
  { vpc, subnets }: Network,
  {
    name = resourceName(scope),
    nodeType,
    shards,
    replicasPerShard = 1,
    engineVersion = '9.0',
    durability,
    kmsKeyArn,
  }: NodeCache,
): Cache {
  const major = Number(engineVersion.split('.')[0]);
  const { user, group } = iamUser(scope, name);
  const securityGroup = newSecurityGroup(scope, vpc, Port.tcp(CACHE_PORT));
  const subnetGroup = new CfnSubnetGroup(scope, 'Subnets', {
    description: `Subnets of the cache ${name}`,
    subnetIds: subnets.subnetIds,
  });
  const hasReplicas = replicasPerShard > 0;
  const isCluster = shards !== undefined;
  // https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Durability.Limitations.html
  if (durability !== undefined && !(isCluster && hasReplicas && major >= 9)) {
    throw new Error(
      `StreamCache ${scope.node.path}: cannot make the nodes of ${name} durable: that takes Valkey from 9.0 on, cluster mode and a replica. Give shards, replicasPerShard of 1 or more, and no older engineVersion; or leave durability out.`,
    );
  }
  const replicationGroup = new CfnReplicationGroup(scope, 'Nodes', {
    replicationGroupId: name,
    replicationGroupDescription: `Kept true to its tables by ${scope.node.path}`,
    engine: 'valkey',
    engineVersion,
    cacheNodeType: nodeType,
    // With their `volatile-lru` what was used least recently goes first: values before guards, as other policies do not.
    cacheParameterGroupName: `default.valkey${major}${isCluster ? '.cluster.on' : ''}`,
    ...(isCluster
      ? { numNodeGroups: shards, replicasPerNodeGroup: replicasPerShard }
      : { numCacheClusters: 1 + replicasPerShard }),
    automaticFailoverEnabled: hasReplicas || isCluster,
    multiAzEnabled: hasReplicas,
    cacheSubnetGroupName: subnetGroup.ref,
    securityGroupIds: [securityGroup.group.securityGroupId],
    port: CACHE_PORT,
    transitEncryptionEnabled: true,
    atRestEncryptionEnabled: true,
    userGroupIds: [group.ref],
    ...(kmsKeyArn !== undefined && { kmsKeyId: kmsKeyArn }),
  });
  // Not a property of the resource in the oldest aws-cdk-lib that will do.
  if (durability !== undefined) replicationGroup.addPropertyOverride('Durability', durability);
  const arn = Stack.of(scope).formatArn({
    service: 'elasticache',
    resource: 'replicationgroup',
    resourceName: replicationGroup.ref,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return {
    ...IN_NETWORK,
    url: cacheUrl({
      host: isCluster
        ? replicationGroup.attrConfigurationEndPointAddress
        : replicationGroup.attrPrimaryEndPointAddress,
      cluster: isCluster,
      iam: { user: user.ref, cacheName: name, serverless: false },
    }),
    connections: securityGroup.connections,
    watch: { type: 'nodes', shards: nodeIds(name, shards, replicasPerShard) },
    admit: securityGroup.admit,
    grantConnect: connectGrant(arn, user.attrArn),
  };
}

/** ElastiCache names nodes `name-001`, in cluster mode `name-0001-001`. */
function nodeIds(name: string, shards: number | undefined, replicasPerShard: number): string[][] {
  const nodes = Array.from({ length: 1 + replicasPerShard }, (_, node) => `${node + 1}`.padStart(3, '0'));
  if (shards === undefined) return [nodes.map((node) => `${name}-${node}`)];
  return Array.from({ length: shards }, (_, shard) =>
    nodes.map((node) => `${name}-${`${shard + 1}`.padStart(4, '0')}-${node}`),
  );
}

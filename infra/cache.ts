import type { Connections, IConnectable, IVpc, SelectedSubnets } from 'aws-cdk-lib/aws-ec2';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';

export interface Network {
  readonly vpc: IVpc;
  readonly subnets: SelectedSubnets;
}

/** What caches have in common that are on machines in a network of yours. */
export const IN_NETWORK = { environment: {}, zip: 'lambda.zip', isInNetwork: true } as const;

/** A cache, as far as the function, the readers and the alarms have to know it. */
export interface Cache {
  /** What stands in `STREAM_CACHE_URL`. */
  readonly url: string;
  /** What else has to stand in the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Which zip of this package its function is. */
  readonly zip: 'lambda.zip' | 'lambda-momento.zip';
  /** Whether only what is in its network reaches it. */
  readonly isInNetwork: boolean;
  readonly connections: Connections;
  /** What CloudWatch knows it by; `undefined` for a cache that is not ours to watch. */
  readonly watch: WatchedServerless | WatchedNodes | undefined;
  /** Lets a function, or whatever has a network, into the cache's. */
  admit(peer: IConnectable): void;
  /** Permits to connect with IAM; `undefined` where the cache has no IAM authentication. */
  grantConnect(grantee: IGrantable): Grant | undefined;
}

/** Whom a cache of ElastiCache takes tokens of. */
export interface IamAuthentication {
  /** The user's name, which is its id too. */
  readonly user: string;
  /** The name of the serverless cache, or the id of the replication group. */
  readonly cacheName: string;
  readonly serverless: boolean;
}

export interface WatchedServerless {
  readonly type: 'serverless';
  readonly cacheName: string;
  readonly maxStorageGb: number;
  readonly maxEcpuPerSecond: number;
}

export interface WatchedNodes {
  readonly type: 'nodes';
  /** The ids of the nodes, by shard. */
  readonly shards: readonly (readonly string[])[];
}

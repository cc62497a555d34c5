import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { memcachedStore } from '../../src/store/memcached/index.js';
import { isMemcachedUrl } from '../../src/store/memcached/target.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore } from '../../src/store/store.js';
import { type MemcachedServer, startMemcached } from '../../test/support/memcached.js';
import { startProxy, type TcpProxy } from '../../test/support/proxy.js';
import { type RedisServer, startRedis, startRedisCluster } from '../../test/support/redis.js';
import type { Topology } from './options.js';

/** The cache of a soak: real servers that keep what they confirmed when they are killed. */
export interface CacheServers {
  /** What handler and middleware are told. */
  readonly url: string;
  readonly servers: readonly RedisServer[];
  readonly memcached?: MemcachedServer;
  /** In front of the only server; a cluster has none. */
  readonly proxy?: TcpProxy | undefined;
  /** Connections of clients. */
  connections(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * A command is handed to the kernel before it is answered, so that a server that is killed has lost nothing: only a machine
 * that fails would, and only replication can here.
 */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'no'];

export async function startCacheServers(topology: Topology): Promise<CacheServers> {
  if (topology === 'cluster') {
    const { url, nodes, stop } = await startRedisCluster({ masters: 3, replicas: 1, args: DURABLE });
    return { url, servers: nodes, connections: () => countConnections(nodes), stop };
  }
  if (topology === 'memcached') return startMemcachedServer();
  const server = await startRedis({ args: DURABLE });
  const proxy = await startProxy(server.port);
  const stop = async () => {
    await proxy.close();
    await server.stop();
  };
  return { url: proxy.url, servers: [server], proxy, connections: () => countConnections([server]), stop };
}

async function startMemcachedServer(): Promise<CacheServers> {
  const memcached = await startMemcached(['-m', '256']);
  const proxy = await startProxy(memcached.port);
  return {
    ...{ url: `memcached://127.0.0.1:${proxy.port}`, servers: [], memcached, proxy },
    connections: async () => proxy.connections,
    async stop() {
      await proxy.close();
      await memcached.stop();
    },
  };
}

/** The store at a URL, of whatever kind. */
export function storeAt(url: string, stallMs?: number): CacheStore {
  return isMemcachedUrl(url)
    ? memcachedStore(url, stallMs === undefined ? {} : { stallMs })
    : openStore(url, stallMs ?? 4_000);
}

/** Sends one command to one server, on a connection of its own. */
export async function ask(port: number, name: string, ...args: (string | number)[]): Promise<unknown> {
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => null, commandTimeout: 5_000 });
  client.on('error', () => {});
  try {
    return await client.call(name, args);
  } finally {
    client.disconnect();
  }
}

/** One node of a cluster, as another sees it. */
export interface ClusterNode {
  readonly id: string;
  readonly port: number;
  readonly isMaster: boolean;
  readonly masterId: string;
  readonly failed: boolean;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

export async function clusterNodes(port: number): Promise<ClusterNode[]> {
  const lines = String(await ask(port, 'CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [id = '', address = '', flags = '', masterId = '', , , , link = '', ...slots] = line.split(' ');
    return {
      id,
      port: Number(/:(\d+)@/.exec(address)?.[1]),
      isMaster: flags.includes('master'),
      masterId,
      failed: /fail|handshake|noaddr/.test(flags) || (link !== 'connected' && !flags.includes('myself')),
      ranges: slots
        .filter((range) => !range.startsWith('['))
        .map((range) => range.split('-').map(Number))
        .map(([first = 0, last = first]) => [first, last] as const),
    };
  });
}

/** Whether every server knows all others to be up, all slots are served and every replica follows its master. */
export async function isWhole(servers: readonly RedisServer[]): Promise<boolean> {
  const views = await Promise.all(
    servers.map(async ({ port }) => {
      const [info, replication, nodes] = await Promise.all([
        ask(port, 'CLUSTER', 'INFO'),
        ask(port, 'INFO', 'replication'),
        clusterNodes(port),
      ]);
      const owned = nodes.filter(({ isMaster }) => isMaster).flatMap(({ ranges }) => ranges);
      return (
        String(info).includes('cluster_state:ok') &&
        !String(replication).includes('master_link_status:down') &&
        nodes.every(({ failed }) => !failed) &&
        owned.reduce((sum, [first, last]) => sum + last - first + 1, 0) === 16_384
      );
    }),
  );
  return views.every(Boolean);
}

/** Longer than every timeout: the function has 5 s, handler and ioredis less, readers 50 ms. */
export const FROZEN_MS = 8_000;

export async function freeze(server: { pause(): Promise<void>; resume(): unknown }): Promise<void> {
  await server.pause();
  await delay(FROZEN_MS);
  await server.resume();
}

/** Redis has no event for what a fault waits for, so it is asked again and again. */
export async function until(what: string, isTrue: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isTrue().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`Not after ${limitMs} ms: ${what}.`);
    await delay(50);
  }
}

/** Connections of clients, on all servers that answer; those of replication and our own short ones are not counted. */
async function countConnections(servers: readonly RedisServer[]): Promise<number> {
  const lists = await Promise.all(servers.map(({ port }) => ask(port, 'CLIENT', 'LIST').catch(() => '')));
  const clients = lists.flatMap((list) => String(list).trim().split('\n'));
  return clients.filter((line) => / flags=[NPx]+ /.test(line) && !line.includes('cmd=client|list')).length;
}

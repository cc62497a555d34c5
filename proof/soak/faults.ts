import { setTimeout as delay } from 'node:timers/promises';
import type { RedisServer } from '../../test/support/redis.js';
import type { Random } from '../random.js';
import { ask, type CacheServers, FROZEN_MS, freeze } from './cache-servers.js';
import { clusterFaults } from './cluster-faults.js';
import type { Fault } from './fault.js';
import type { SoakFunction } from './function.js';
import { memcachedFaults } from './memcached-faults.js';

const FULL_MS = 5_000;

/** @param forget what to do when the cache loses its memory, guards and all, without having been told to */
export function faultsOf(
  cache: CacheServers,
  consumer: SoakFunction,
  random: Random,
  forget: () => void,
): Fault[] {
  const { servers, memcached, proxy } = cache;
  if (memcached && proxy) return memcachedFaults(memcached, proxy, consumer, forget);
  const isCluster = proxy === undefined;
  const one = () => random.pick(servers);
  const onEach = (...command: [string, ...(string | number)[]]) =>
    Promise.all(servers.map(({ port }) => ask(port, ...command)));

  const faults: Fault[] = [
    {
      name: 'all client connections are killed',
      async inject() {
        await onEach('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      },
    },
    {
      name: 'the function is frozen for 8 s',
      inject: () => consumer.freeze(FROZEN_MS),
    },
    {
      name: 'the cache is full for 5 s',
      inject: () => fill(servers, onEach),
    },
    {
      name: 'scripts are flushed',
      async inject() {
        await onEach('SCRIPT', 'FLUSH');
      },
    },
  ];
  if (isCluster) return [...faults, ...clusterFaults(servers, random)];
  return [
    { name: 'the server is killed and started again', inject: () => one().restart() },
    { name: 'the server is frozen for 8 s', inject: () => freeze(one()) },
    ...faults,
    {
      name: 'the server is away for 8 s',
      async inject() {
        await one().kill();
        await delay(FROZEN_MS);
        await one().restart();
      },
    },
    {
      name: 'connections go dead without a word',
      inject: async () => proxy.blackholeExisting(),
    },
    { name: 'connections are reset', inject: async () => proxy.reset() },
  ];
}

async function fill(
  servers: readonly RedisServer[],
  onEach: (...command: [string, ...(string | number)[]]) => Promise<unknown>,
): Promise<void> {
  await onEach('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await onEach('CONFIG', 'SET', 'maxmemory', '100kb');
  await delay(FULL_MS);
  // A server that was restarted meanwhile has no limit any more.
  for (const { port } of servers) await ask(port, 'CONFIG', 'SET', 'maxmemory', '0');
}

import { setTimeout as delay } from 'node:timers/promises';
import type { MemcachedServer } from '../../test/support/memcached.js';
import type { TcpProxy } from '../../test/support/proxy.js';
import { FROZEN_MS, freeze } from './cache-servers.js';
import type { Fault } from './fault.js';
import type { SoakFunction } from './function.js';

const FULL_MS = 5_000;

export function memcachedFaults(
  server: MemcachedServer,
  proxy: TcpProxy,
  consumer: SoakFunction,
  forget: () => void,
): Fault[] {
  return [
    {
      name: 'the server is killed and started again',
      async inject() {
        await server.restart();
        forget();
      },
    },
    { name: 'the server is frozen for 8 s', inject: () => freeze(server) },
    {
      name: 'all is flushed',
      async inject() {
        await server.say('flush_all');
        forget();
      },
    },
    { name: 'the function is frozen for 8 s', inject: () => consumer.freeze(FROZEN_MS) },
    { name: 'connections are reset', inject: async () => proxy.reset() },
    {
      name: 'memory is short for 5 s',
      async inject() {
        await server.say('cache_memlimit 1');
        await delay(FULL_MS);
        await server.say('cache_memlimit 256');
        forget();
      },
    },
    {
      name: 'the server is away for 8 s',
      async inject() {
        await server.kill();
        await delay(FROZEN_MS);
        await server.restart();
        forget();
      },
    },
    { name: 'connections go dead without a word', inject: async () => proxy.blackholeExisting() },
  ];
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/open.js';
import { RULES } from '../contract/store-contract.js';
import { afterwards } from '../support/afterwards.js';
import { freePort } from '../support/machine.js';
import { type RedisServer, startRedis } from '../support/redis.js';

/** What a connection could not do is said of every command, soon, and nothing is done elsewhere instead. */

const newRedis = async (...args: string[]) =>
  afterwards(await startRedis({ args }), (server) => server.stop());

/** A node in cluster mode without a neighbour, which could have told it its own address. */
async function newLonelyNode(): Promise<RedisServer> {
  const server = await newRedis('--cluster-enabled', 'yes');
  const admin = afterwards(new Redis(server.port), (client) => client.disconnect());
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
  return server;
}

async function newWebServer(): Promise<{ port: number }> {
  const server = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(server, () => server.close());
  return server.address() as AddressInfo;
}

const withPassword = () => newRedis('--requirepass', 'right');
const unused = async () => ({ port: await freePort() });
const nowhere = async () => ({ port: 6379 });

type Server = () => Promise<{ port: number }>;

test.each<[finding: RegExp, what: string, url: string, server: Server]>([
  [/DB index is out of range/, 'a database that is not there', 'redis://127.0.0.1/77', newRedis],
  [/SELECT is not allowed in cluster mode/, 'a database of a node', 'redis://127.0.0.1/1', newLonelyNode],
  [/WRONGPASS/, 'a wrong password', 'redis://:wrong@127.0.0.1', withPassword],
  [/WRONGPASS/, 'a user that is not there', 'redis://ada:wrong@127.0.0.1', newRedis],
  [/NOAUTH/, 'no password', 'redis://127.0.0.1', withPassword],
  [/WRONGPASS/, 'a wrong user of a cluster', 'redis://ada:wrong@127.0.0.1?cluster', newLonelyNode],
  [/NOAUTH/, 'no password of a cluster', 'redis://127.0.0.1?cluster', withPassword],
  [/cluster support disabled/, 'cluster mode that is off', 'redis://127.0.0.1?cluster', newRedis],
  [/CLUSTER SLOTS names no address/, 'a node lost in thought', 'redis://127.0.0.1?cluster', newLonelyNode],
  [/not speak as Redis.*"H"/, 'a web server', 'redis://127.0.0.1', newWebServer],
  [/not speak as Redis.*"H"/, 'a web server for a cluster', 'redis://127.0.0.1?cluster', newWebServer],
  [/TLS is not answered/, 'a web server for a TLS server', 'rediss://127.0.0.1', newWebServer],
  [/TLS is not answered/, 'a server without TLS', 'rediss://127.0.0.1', newRedis],
  [/TLS is not answered/, 'a cluster without TLS', 'rediss://127.0.0.1?cluster', newLonelyNode],
  [/ECONNREFUSED/, 'nothing', 'redis://127.0.0.1', unused],
  [/ECONNREFUSED/, 'nothing for a cluster', 'redis://127.0.0.1?cluster', unused],
  [/ENOTFOUND|EAI_AGAIN/, 'a name without a cluster', 'redis://cache.invalid?cluster', nowhere],
])(
  '%s is said of %s',
  async (finding, _, url, start) => {
    const { port } = await start();
    const target = new URL(url);
    target.port = String(port);
    const store = afterwards(openStore(target.href, 4_000), (each) => each.close());
    const since = performance.now();
    const answers = [
      ...(await store.void(['a'], RULES)),
      ...(await store.get(['a', 'b'])),
      ...(await store.begin(['a'], RULES)),
    ];
    expect(performance.now() - since).toBeLessThan(target.protocol === 'rediss:' ? 6_000 : 3_500);
    for (const answer of answers) {
      expect(answer).toMatchObject({ code: 'CACHE_UNAVAILABLE', message: expect.stringMatching(finding) });
      expect((answer as Error).message).not.toMatch(/\.\.|wrong@/);
    }
  },
  15_000,
);

test('a database that was refused leaves no key in another', async () => {
  const server = await newRedis();
  const admin = afterwards(new Redis(server.port), (client) => client.disconnect());
  const own = afterwards(openStore(`${server.url}/77`, 4_000), (store) => store.close());
  const client = afterwards(new Redis(server.port, { db: 77 }), (each) => each.disconnect());
  client.on('error', () => {});
  const borrowing = openStore(client, 4_000);
  for (const store of [own, borrowing, own, borrowing]) {
    expect(await store.void(['a'], RULES)).toMatchObject([{ code: 'CACHE_UNAVAILABLE' }]);
    expect(await store.begin(['a', 'b'], RULES)).toMatchObject([
      { code: 'CACHE_UNAVAILABLE', message: expect.stringContaining('DB index is out of range') },
      { code: 'CACHE_UNAVAILABLE' },
    ]);
  }
  expect(await admin.keys('*')).toEqual([]);
});

describe('what is over is said as what it is', () => {
  test('the time of a command, not silence of the cache', async () => {
    const server = await newRedis();
    await server.pause();
    const store = afterwards(openStore(server.url, 4_000), (each) => each.close());
    for (const ms of [100, 0, -5]) {
      const [answer] = await store.get(['a'], { deadline: Date.now() + ms });
      expect((answer as Error).message).toContain('the time for it was over');
    }
  });
});

describe('a client that keeps no queue', () => {
  test('is waited for while it connects', async () => {
    const server = await newRedis();
    for (const lazyConnect of [true, false]) {
      const client = afterwards(new Redis(server.port, { enableOfflineQueue: false, lazyConnect }), (each) =>
        each.disconnect(),
      );
      const store = openStore(client, 4_000);
      expect(await Promise.all([store.void(['a'], RULES), store.get(['a', 'b'])])).toEqual([
        ['voided'],
        [undefined, undefined],
      ]);
    }
  });

  test('is waited for after it lost its connection', async () => {
    const server = await newRedis();
    const client = afterwards(new Redis(server.port, { enableOfflineQueue: false }), (each) =>
      each.disconnect(),
    );
    client.on('error', () => {});
    const store = openStore(client, 4_000);
    expect(await store.void(['a'], RULES)).toEqual(['voided']);
    client.disconnect(true);
    expect(await store.void(['a'], RULES)).toEqual(['voided']);
    await server.restart();
    expect(await store.void(['a'], RULES)).toEqual(['voided']);
  });

  test('is waited for only as long as there is time', async () => {
    const client = afterwards(new Redis(await freePort(), { enableOfflineQueue: false }), (each) =>
      each.disconnect(),
    );
    client.on('error', () => {});
    const since = performance.now();
    expect(await openStore(client, 4_000).get(['a'], { deadline: Date.now() + 100 })).toMatchObject([
      { code: 'CACHE_UNAVAILABLE' },
    ]);
    expect(performance.now() - since).toBeLessThan(2_000);
  });
});

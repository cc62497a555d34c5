import { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';
import { guardKey } from '../../src/key.js';
import { openStore } from '../../src/store/open.js';
import { change, RULES } from '../contract/store-contract.js';
import { afterwards } from '../support/afterwards.js';
import { freePort } from '../support/machine.js';
import { startProxy, type TcpProxy } from '../support/proxy.js';
import { type RedisServer, startRedis, startRedisCluster } from '../support/redis.js';

/** What a process that only reads does when the server it reads from is demoted. */

const KEY = 'failover:id=1';

interface Pair {
  readonly old: RedisServer;
  readonly oldAdmin: Redis;
  readonly new: RedisServer;
  readonly newAdmin: Redis;
  /** Leads to the old primary until told otherwise, as a cache's name does. */
  readonly url: string;
  /** From now on, new connections reach the new primary. Those that are open stay. */
  follow(): void;
}

async function newPair(...args: string[]): Promise<Pair> {
  const [one, two] = await Promise.all([newServer(...args), newServer(...args)]);
  const name = await newName(one.port);
  return {
    ...{ old: one, oldAdmin: adminOf(one), new: two, newAdmin: adminOf(two) },
    url: `redis://127.0.0.1:${name.port}`,
    follow: () => name.leadTo(two.port),
  };
}

const newServer = async (...args: string[]) =>
  afterwards(await startRedis({ args: ['--repl-diskless-sync-delay', '0', ...args] }), (server) =>
    server.stop(),
  );
const adminOf = ({ port }: RedisServer) => afterwards(new Redis(port), (client) => client.disconnect());
const storeAt = (url: string) => afterwards(openStore(url, 4_000), (store) => store.close());

/** A name that leads to one server at first and to another later, as DNS does. */
async function newName(first: number) {
  const port = await freePort();
  let target = first;
  const { createServer, connect } = await import('node:net');
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => {}).on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  afterwards(server, () => server.close());
  return {
    port,
    leadTo: (other: number) => {
      target = other;
    },
  };
}

/** A second later, without waiting for it. */
function aSecondLater(): void {
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_001);
}

const unavailable = { code: 'CACHE_UNAVAILABLE' };

async function replicates(admin: Redis): Promise<void> {
  await expect.poll(() => admin.info('replication'), { timeout: 10_000 }).toContain('master_link_status:up');
}

describe('a reader of a server that was demoted', () => {
  test('finds the new primary after one failure, though it only reads what is stored', async () => {
    const pair = await newPair();
    const reader = storeAt(pair.url);
    await reader.apply([change(KEY, 1)], RULES);
    expect(await reader.get([KEY])).toEqual(['"v1"']);

    await pair.newAdmin.set(KEY, '"v2"');
    await pair.oldAdmin.replicaof('127.0.0.1', pair.new.port);
    pair.follow();
    aSecondLater();
    expect(await reader.get([KEY])).toMatchObject([
      { ...unavailable, answered: false, message: expect.stringContaining('replica') },
    ]);
    expect(await reader.get([KEY])).toEqual(['"v2"']);
  });

  test('is not given what a replica holds that has lost its primary', async () => {
    const pair = await newPair();
    const link = afterwards(await startProxy(pair.new.port), (proxy) => proxy.close());
    const reader = storeAt(pair.url);
    await reader.apply([change(KEY, 1)], RULES);
    await pair.newAdmin.set(KEY, '"v1"');
    await pair.oldAdmin.replicaof('127.0.0.1', link.port);
    await replicates(pair.oldAdmin);
    cut(link);
    await pair.newAdmin.set(KEY, '"v2"');
    expect(await pair.oldAdmin.get(KEY)).toBe('"v1"');

    aSecondLater();
    for (const _ of [1, 2, 3]) {
      expect(await reader.get([KEY])).toMatchObject([unavailable]);
      expect(await reader.get([KEY, 'failover:id=2'])).toMatchObject([unavailable, unavailable]);
    }
    pair.follow();
    await reader.get([KEY]); // may still be on its way to the old one
    expect(await reader.get([KEY])).toEqual(['"v2"']);
  });

  test.each<[what: string, args: string[]]>([
    ['as it is', []],
    ['that takes writes all the same', ['--replica-read-only', 'no']],
    ['that answers nothing without its primary', ['--replica-serve-stale-data', 'no']],
  ])('finds it at its first miss on a replica %s', async (_, args) => {
    const pair = await newPair(...args);
    const reader = storeAt(pair.url);
    await reader.begin([KEY], RULES);
    await pair.oldAdmin.replicaof('127.0.0.1', await freePort());
    pair.follow();
    if (args[0] === '--replica-read-only') aSecondLater(); // nothing else tells it from a primary
    const [refused] = await reader.begin(['failover:id=2'], RULES);
    expect(refused).toMatchObject(unavailable);
    expect((refused as Error).message).not.toContain('full');
    expect(await reader.begin(['failover:id=2'], RULES)).toMatchObject([{ strong: false }]);
    expect(await pair.newAdmin.exists(guardKey('failover:id=2'))).toBe(1);
  });

  test('with a client of the caller is answered again once that leads to a primary', async () => {
    const pair = await newPair();
    const client = afterwards(new Redis(pair.url), (each) => each.disconnect());
    client.on('error', () => {});
    const reader = openStore(client, 4_000);
    await reader.apply([change(KEY, 1)], RULES);
    await pair.oldAdmin.replicaof('127.0.0.1', pair.new.port);
    aSecondLater();
    for (const _ of [1, 2]) expect(await reader.get([KEY])).toMatchObject([unavailable]);
    pair.follow();
    client.disconnect(true);
    expect(await reader.get([KEY])).toEqual([undefined]);
  });
});

test('a primary that is told to have replicas, and has none, is not read from', async () => {
  const server = await newServer();
  const admin = adminOf(server);
  const reader = storeAt(server.url);
  await reader.apply([change(KEY, 1)], RULES);
  await admin.config('SET', 'min-replicas-to-write', 1);
  const [refused] = await reader.begin(['failover:id=2'], RULES);
  expect(refused).toMatchObject({ ...unavailable, message: expect.stringContaining('NOREPLICAS') });
  aSecondLater();
  expect(await reader.get([KEY])).toMatchObject([unavailable]);
  await admin.config('SET', 'min-replicas-to-write', 0);
  await reader.get([KEY]);
  expect(await reader.get([KEY])).toEqual(['"v1"']);
});

describe('a reader of a cluster', () => {
  test('follows a failover that was asked for, and is served by the new primary', async () => {
    const cluster = afterwards(await startRedisCluster({ masters: 3, replicas: 1 }), (each) => each.stop());
    const reader = storeAt(cluster.url);
    const keys = Array.from({ length: 30 }, (_, n) => `failover:id=${n}`);
    await reader.apply(
      keys.map((key) => change(key, 1)),
      RULES,
    );
    const replica = adminOf(cluster.nodes[3] as RedisServer);
    await replica.call('CLUSTER', 'FAILOVER');
    await expect.poll(() => replica.info('replication'), { timeout: 10_000 }).toContain('role:master');
    const writer = storeAt(cluster.url);
    expect(
      await writer.apply(
        keys.map((key) => change(key, 2)),
        RULES,
      ),
    ).toEqual(keys.map(() => 'written'));
    expect(await reader.get(keys)).toEqual(keys.map(() => '"v2"'));
    expect(await Promise.all(keys.map((key) => reader.get([key])))).toEqual(keys.map(() => ['"v2"']));
  }, 30_000);
});

function cut(link: TcpProxy): void {
  link.refuse();
  link.reset();
}

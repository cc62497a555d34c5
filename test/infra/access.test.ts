import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ACCESS_STRING } from '../../infra/access.js';
import { openStore } from '../../src/store/open.js';
import type { Lease } from '../../src/store/store.js';

/** A user of the servers of the tests, with the rights that the user of ElastiCache gets. */
const user = `user${randomBytes(6).toString('hex')}`;
const RULES = { lateAfterMs: 60_000, guardMs: 300_000, settleMs: 5_000 };

describe.each([
  ['a server', 'redisUrl'],
  ['a cluster', 'redisClusterUrl'],
] as const)('with the access string, on %s,', (_name, server) => {
  const url = inject(server);
  const own = new URL(url);
  own.username = user;
  own.password = 'secret';

  beforeAll(() =>
    everyNode(url, (node) => node.call('ACL', 'SETUSER', user, '>secret', ...ACCESS_STRING.split(' '))),
  );
  afterAll(() => everyNode(url, (node) => node.call('ACL', 'DELUSER', user)));

  test('the store does every step that the handler and readers take', async () => {
    const store = openStore(own.href, 4_000);
    const key = `acl${randomBytes(6).toString('hex')}`;
    const change = { key, version: '1', at: Date.now(), action: 'set' as const, value: '{}', ttlMs: 60_000 };
    expect(await store.apply([change], RULES)).toEqual(['written']);
    expect(await store.get([key, `${key}-2`])).toEqual(['{}', undefined]);
    expect(await store.void([key], RULES)).toEqual(['voided']);
    const [lease] = (await store.begin([key], RULES)) as Lease[];
    if (lease === undefined) throw new Error('there is no lease');
    expect(await store.fill([{ key, value: '{}', ttlMs: 60_000, lease, strong: true }], RULES)).toEqual([
      'filled',
    ]);
    expect(await store.move([`{${key}}`], RULES)).toEqual(['moved']);
    expect(await store.generations([`{${key}}`])).toEqual([expect.any(String)]);
    expect(await store.put([{ key: `${key}-3`, value: '[]', ttlMs: 60_000 }])).toEqual(['stored']);
    expect(await store.delete([key, `${key}-3`])).toEqual(['deleted', 'deleted']);
    await store.close();
  });

  test('nobody empties, lists or reconfigures the cache', async () => {
    const redis = new Redis({
      host: own.hostname,
      port: Number(own.port),
      username: user,
      password: 'secret',
      disableClientInfo: true,
    });
    try {
      for (const command of [
        ['FLUSHALL'],
        ['KEYS', '*'],
        ['SCAN', '0'],
        ['CONFIG', 'GET', '*'],
        ['ACL', 'LIST'],
      ]) {
        const [name = '', ...rest] = command;
        await expect(redis.call(name, ...rest)).rejects.toThrow(/NOPERM/);
      }
    } finally {
      redis.disconnect();
    }
  });
});

async function everyNode(url: string, act: (node: Redis) => Promise<unknown>): Promise<void> {
  const { hostname, port } = new URL(url);
  const first = new Redis({ host: hostname, port: Number(port) });
  const slots = url.endsWith('?cluster') ? ((await first.call('CLUSTER', 'SLOTS')) as SlotRange[]) : [];
  const others = slots.flatMap(([, , ...nodes]) =>
    nodes.map(([host, nodePort]) => new Redis({ host, port: nodePort })),
  );
  const nodes = slots.length === 0 ? [first] : others;
  try {
    await Promise.all(nodes.map(act));
  } finally {
    for (const node of [first, ...others]) node.disconnect();
  }
}

type SlotRange = [from: number, to: number, ...nodes: [host: string, port: number, ...unknown[]][]];

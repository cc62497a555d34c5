import { randomUUID } from 'node:crypto';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { encode } from '../../src/codec.js';
import {
  guardKey,
  indexTag,
  itemKey,
  keyNamesKey,
  partitionTag,
  resultKey,
  tableOfName,
  tableTag,
} from '../../src/key.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore } from '../../src/store/store.js';
import { change, RULES } from '../contract/store-contract.js';
import { thoroughly } from '../support/thorough.js';
import { runCli } from './run-cli.js';

describe.each(['redisUrl', ...thoroughly('redisClusterUrl' as const)] as const)(
  'stats, on %s',
  (injected) => {
    const url = inject(injected);
    const namespace = `stats${randomUUID().replaceAll('-', '')}`;
    let store: CacheStore;
    let client: Redis | Cluster;
    beforeAll(async () => {
      const { port, searchParams } = new URL(url);
      client = searchParams.has('cluster')
        ? new Cluster([{ host: '127.0.0.1', port: Number(port) }])
        : new Redis(url);
      store = openStore(url, 4_000);
      const key = (table: string, n: number) => itemKey(namespace, table, { id: { S: `u${n}` } });
      const value = encode({ id: { S: 'u' }, name: { S: 'é' } });
      const changes = Array.from({ length: 1_200 }, (_, n) =>
        change(key('users', n), 1, { value: n < 3 ? 'null' : value, ttlMs: n < 10 ? 30_000 : 7_200_000 }),
      );
      await store.apply(changes, { ...RULES, settleMs: 60_000 }); // for longer than this test takes
      await store.begin([key('orders', 1)], { ...RULES, leaseMs: 60_000 });
      const tag = tableTag(namespace, 'orders');
      await store.begin([tag], RULES);
      await store.put([{ key: resultKey(tag, 'q'), value: 'g\nresult', ttlMs: 60_000 }]);
      await client.set(guardKey(key('orders', 2)), 'rubbish');
      await client.sadd(guardKey(key('orders', 3)), 'of', 'somebody');
      await client.set(guardKey(key('orders', 4)), 'x'.repeat(2_000));
      // Begins as another does.
      await store.apply([change(key('users2', 1), 1)], RULES);
      await client.set(`${namespace}:notes`, 'of somebody');
      await client.sadd(`${namespace}:set`, 'of', 'somebody');
    });
    afterAll(async () => {
      client.disconnect();
      await store.close();
    });
    const stats = (...args: string[]) => runCli(['stats', ...args, '--cache', url, '--namespace', namespace]);

    test('counts what is there, by table, with its size and when it ends', async () => {
      const { code, stdout } = await stats('--json');
      expect(code).toBe(0);
      const { tables } = JSON.parse(stdout);
      const of = (name: string | null) =>
        tables.find(({ table }: { table: string | null }) => table === name);
      expect(of(`${namespace}:users`)).toMatchObject({
        ...{
          items: 1_200,
          absent: 3,
          guards: 1_200,
          settling: 1_200,
          leased: 0,
          damaged: 0,
          results: 0,
          tags: 0,
        },
        ends: [{ withinMs: 60_000, entries: 10 }, {}, {}, { withinMs: 21_600_000, entries: 1_190 }, {}, {}],
        endless: 0,
      });
      const key = `${namespace}:users:id=u`.length;
      const digits = 10 + 2 * 90 + 3 * 900 + 4 * 200;
      const text = Buffer.byteLength('{"id":"u","name":"é"}');
      expect(of(`${namespace}:users`).bytes).toBe(1_200 * key + digits + 3 * 4 + 1_197 * text);
      expect(of(`${namespace}:orders`)).toMatchObject({
        ...{ items: 0, guards: 5, leased: 1, damaged: 3, results: 1, tags: 1 },
      });
      expect(of(null)).toMatchObject({ items: 2, endless: 2 });
    });

    test('of one table shows that alone, for people', async () => {
      const { code, stdout } = await stats('users');
      expect(code).toBe(0);
      expect(stdout).toContain(`${namespace}:users\n  items   1,200, of which 3 are known not to exist\n`);
      expect(stdout).toMatch(
        / {2}guards {2}1,200, 1,200 settle\n {2}end {5}10 within 1 min, 1,190 within 6 h\n/,
      );
      expect(stdout).not.toMatch(/orders|users2/);
    });

    test('of several tables shows each once, one of which nothing is cached too', async () => {
      const { code, stdout } = await stats('orders', 'users2', 'nowhere', 'orders', '--json');
      expect(code).toBe(0);
      const { tables } = JSON.parse(stdout);
      const counted = tables.map(({ table, items, results, guards }: Record<string, unknown>) => [
        String(table).replace(`${namespace}:`, ''),
        ...[items, results, guards],
      ]);
      expect(counted.sort()).toEqual([
        ['nowhere', 0, 0, 0],
        ['orders', 0, 1, 5],
        ['users2', 1, 0, 1],
      ]);
    });
  },
);

test.each<[string, string, ReturnType<typeof tableOfName>]>([
  ['an item', itemKey('a:b', 't,x', { id: { S: ':*{}' } }), { table: 'a:b:t,x', kind: 'item' }],
  ['a number', itemKey(undefined, 't', { n: { N: '-1' } }), { table: 't', kind: 'item' }],
  ['a hash', itemKey('n', 't', { id: { S: 'x'.repeat(2_000) } }), { table: 'n:t', kind: 'item' }],
  ['a guard', guardKey(itemKey('n', 't', { id: { S: 'a' } })), { table: 'n:t', kind: 'guard' }],
  ['a tag', guardKey(partitionTag('n', 't', 'i', { a: { S: 'x' } })), { table: 'n:t', kind: 'tag' }],
  ['a result', resultKey(indexTag(undefined, 't', 'i'), 'q'), { table: 't', kind: 'result' }],
  ['a note', keyNamesKey('n', 't'), { table: 'n:t', kind: 'note' }],
  ["a caller's own key", 'user-by-email:a@b.c', undefined],
  ["a caller's guard", guardKey('user:42'), undefined],
  ['an empty name', '', undefined],
])('the name of %s tells its table', (_, name, found) => {
  expect(tableOfName(name)).toEqual(found);
});

test.each<[string, string[], RegExp]>([
  ['no cache', [], /no cache is named/],
  ['an unknown option', ['--what'], /--what/],
  ['a cache that does not list', ['--cache', 'memcached://127.0.0.1:1'], /does not tell what it has/],
])('called with %s, stats says so', async (_, args, message) => {
  const { code, stderr } = await runCli(['stats', ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

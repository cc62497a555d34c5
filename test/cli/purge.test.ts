import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { PURGE_HELP } from '../../src/cli/purge-options.js';
import { guardKey, itemKey, partitionTag, resultKey, tableTag } from '../../src/key.js';
import { memcachedStore } from '../../src/store/memcached/index.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore, Lease } from '../../src/store/store.js';
import { change, RULES } from '../contract/store-contract.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { thoroughly } from '../support/thorough.js';
import { runCli } from './run-cli.js';

describe.each(['redisUrl', ...thoroughly('redisClusterUrl' as const)] as const)(
  'purge, on %s',
  (injected) => {
    const url = inject(injected);
    let store: CacheStore;
    let client: Redis | Cluster;
    beforeAll(() => {
      const { port, searchParams } = new URL(url);
      client = searchParams.has('cluster')
        ? new Cluster([{ host: '127.0.0.1', port: Number(port) }])
        : new Redis(url);
      store = openStore(url, 4_000);
    });
    afterAll(async () => {
      client.disconnect();
      await store.close();
    });

    const namespace = () => `purge${randomUUID().replaceAll('-', '')}`;
    const purge = (...args: string[]) => runCli(['purge', ...args, '--cache', url]);

    /** Items, one of them only being read, and results of a table and of one partition. */
    async function filled(ns: string, count: number) {
      const keys = Array.from({ length: count }, (_, n) => itemKey(ns, 'users', { id: { S: `u${n}` } }));
      await store.apply(
        keys.map((key) => change(key, 1)),
        RULES,
      );
      const being = itemKey(ns, 'users', { id: { S: 'being read' } });
      const [lease] = (await store.begin([being], RULES)) as [Lease];
      const tags = [tableTag(ns, 'users'), partitionTag(ns, 'users', undefined, { id: { S: 'p' } })];
      await store.begin(tags, RULES);
      const results = tags.map((tag) => resultKey(tag, 'a query'));
      await store.put(results.map((key) => ({ key, value: 'g\nr', ttlMs: 60_000 })));
      return { keys, being, lease, tags, results };
    }

    test('of a partition: its items and all results that may have one are gone, other items and partitions stay', async () => {
      const ns = namespace();
      const item = (customerId: string, orderId: string) =>
        itemKey(ns, 'orders', { customerId: { S: customerId }, orderId: { N: orderId } });
      const [own, other] = [
        [item('c,1', '1'), item('c,1', '2'), item('c,1', 'x'.repeat(2_000).replace(/x/g, '7'))],
        [item('c,11', '1'), item('c', '1')],
      ] as const;
      await store.apply(
        [...own, ...other].map((key) => change(key, 1)),
        RULES,
      );
      const partition = (indexName: string | undefined, id: string) =>
        partitionTag(ns, 'orders', indexName, { customerId: { S: id } });
      const ending = [tableTag(ns, 'orders'), partition(undefined, 'c,1'), partition('byState', 'z')];
      const staying = [partition(undefined, 'c,11')];
      const before = (await store.begin([...ending, ...staying], RULES)) as Lease[];
      const { code, stdout } = await purge(
        ...['orders', '--namespace', ns, '--partition', '{"customerId":"c,1"}', '--yes'],
      );
      expect(code).toBe(0);
      expect(stdout).toBe('Purged 3 items, 0 results and 3 tags of {"customerId":"c,1"} in orders.\n');
      expect(await store.get([...own, ...other])).toEqual([undefined, undefined, undefined, '"v1"', '"v1"']);
      const after = await store.generations([...ending, ...staying]);
      expect(after.map((generation, index) => generation === before[index]?.generation)).toEqual([
        ...[false, false, false, true],
      ]);
    });

    test('of a table leaves names that are none of its items, and a namespace of the same name', async () => {
      const table = namespace();
      const own = itemKey(undefined, table, { id: { S: 'a' } });
      const others = [`${table}:online`, itemKey(table, 'users', { id: { S: 'k1' } })];
      await store.apply(
        [own, ...others].map((key) => change(key, 1)),
        RULES,
      );
      await client.sadd(`${table}:queue`, 'somebody');
      expect((await purge(table, '--yes')).stdout).toBe(`Purged 1 item, 0 results and 0 tags of ${table}.\n`);
      expect(await store.get([own, ...others])).toEqual([undefined, '"v1"', '"v1"']);
      expect(await client.smembers(`${table}:queue`)).toEqual(['somebody']);
    });

    test('of a namespace: all of its tables, and not the table that has its name', async () => {
      const ns = namespace();
      const { keys, results } = await filled(ns, 20);
      const more = itemKey(ns, 'orders', { id: { S: '1' } });
      const namesake = itemKey(undefined, ns, { id: { S: 'a' } });
      await store.apply([change(more, 1), change(namesake, 1)], RULES);
      const { code, stdout } = await purge('--all-tables', '--namespace', ns, '--yes');
      expect(code).toBe(0);
      expect(stdout).toBe(`Purged 22 items, 2 results and 2 tags of the namespace ${ns}.\n`);
      expect(new Set(await store.get([...keys, ...results, more]))).toEqual(new Set([undefined]));
      expect(await store.get([namesake])).toEqual(['"v1"']);
    });

    test('of a table: items and results are gone, what is being read is refused, other tables stay', async () => {
      const ns = namespace();
      const { keys, being, lease, tags, results } = await filled(ns, 2_500);
      const others = [
        itemKey(ns, 'users2', { id: { S: '1' } }),
        itemKey(`${ns}x`, 'users', { id: { S: '1' } }),
      ];
      await store.apply(
        others.map((key) => change(key, 1)),
        RULES,
      );
      const generations = await store.generations(tags);

      const dry = await purge('users', '--namespace', ns, '--dry-run');
      expect(dry).toMatchObject({
        code: 0,
        stdout: 'Would purge 2,501 items, 2 results and 2 tags of users.\n',
      });
      expect((await store.get([keys[0] as string]))[0]).toBe('"v1"');

      const { code, stdout, stderr } = await purge('users', '--namespace', ns, '--yes');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toBe('Purged 2,501 items, 2 results and 2 tags of users.\n');
      expect(new Set(await store.get([...keys, ...results]))).toEqual(new Set([undefined]));
      expect(await store.get(others)).toEqual(['"v1"', '"v1"']);
      const late = { key: being, lease, strong: true, value: '"late"', ttlMs: 60_000 };
      expect(await store.fill([late], RULES)).toEqual(['moved']);
      const moved = await store.generations(tags);
      expect(moved.map((generation, index) => generation !== generations[index])).toEqual([true, true]);
    });

    test('of keys: these and no others, and a change of before is not written after it', async () => {
      const ns = namespace();
      const { keys } = await filled(ns, 3);
      const [first = '', second = ''] = keys;
      const { stdout } = await purge('users', 'id=u0', first, '--namespace', ns, '--json');
      expect(JSON.parse(stdout)).toEqual({ dryRun: false, isDone: true, items: 2, tags: 0, results: 0 });
      expect(await store.get([first, second])).toEqual([undefined, '"v1"']);
      expect(await store.apply([change(first, 2, { at: Date.now() - 10_000 })], RULES)).toEqual(['included']);
    });

    test('what has no guard any more, and names with what patterns use, are found too', async () => {
      const ns = `${namespace()}[a-z]*?`;
      const key = itemKey(ns, 'users', { id: { S: '*[x]?' } });
      await store.apply([change(key, 1)], RULES);
      await client.del(guardKey(key));
      expect((await purge('users', '--namespace', ns, '--yes')).stdout).toContain('Purged 1 item,');
      expect(await store.get([key])).toEqual([undefined]);
    });

    test('beside readers no one gets a value of before once it has ended', async () => {
      const ns = namespace();
      const { keys } = await filled(ns, 5_000);
      let isOver = false;
      let seen = 0;
      const reader = (async () => {
        while (!isOver) {
          await store.get(keys.slice(0, 200));
          seen += 1;
          await delay(1);
        }
        return store.get(keys);
      })();
      await purge('users', '--namespace', ns, '--yes');
      isOver = true;
      expect(new Set(await reader)).toEqual(new Set([undefined]));
      expect(seen).toBeGreaterThan(0);
    });
  },
);

describe('purge, on memcached', () => {
  let server: MemcachedServer;
  beforeAll(async () => {
    server = await startMemcached();
  });
  afterAll(() => server?.stop());

  test('takes keys, and says that it needs them', async () => {
    const store = memcachedStore(server.url);
    await store.apply([change('users:id=1', 1)], RULES);
    expect((await runCli(['purge', 'users', 'id=1', '--cache', server.url])).stdout).toBe(
      'Purged 1 item, 0 results and 0 tags of users.\n',
    );
    expect(await store.get(['users:id=1'])).toEqual([undefined]);
    await store.close();
    const { code, stderr } = await runCli(['purge', 'users', '--yes', '--cache', server.url]);
    expect(code).toBe(1);
    expect(stderr).toContain('This cache does not tell what it has. Name the keys');
  });
});

describe('called wrongly, it does nothing', () => {
  test.each<[string, string[], RegExp]>([
    ['no table', [], /no table is named/],
    ['nobody to ask', ['users', '--cache', inject('redisUrl')], /Nobody is there to be asked. Give --yes/],
    ['no key', ['users', '42', '--cache', inject('redisUrl')], /"42" is no key of an item/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await runCli(['purge', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('and with --help says how', async () => {
    expect((await runCli(['purge', '--help'])).stdout).toBe(PURGE_HELP);
  });

  test('a cache that is not there is a failure', async () => {
    const { code, stderr } = await runCli(['purge', 'users', '--yes', '--cache', 'redis://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^stream-cache purge: The cache cannot be reached.*ECONNREFUSED/);
  });
});

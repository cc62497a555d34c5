import calculateSlot from 'cluster-key-slot';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CacheError } from '../../src/errors.js';
import { guardKey } from '../../src/key.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore, Lease } from '../../src/store/store.js';
import { change, RULES } from '../contract/store-contract.js';
import { afterwards } from '../support/afterwards.js';
import { type RedisCluster, startRedisCluster } from '../support/redis.js';
import { startRewritingFront } from '../support/rewriting-front.js';
import { beginMove, endMove, type Move, moveKeys } from '../support/slots.js';

/** One script call for items of many slots of a cluster node, and what becomes of those that it cannot take. */

let cluster: RedisCluster;
let nodes: [Redis, Redis, Redis];
/** From the first node to the second, which own the first and the second third of the slots. */
let move: Move;

/** Slots that the first node has given away. */
const gone = new Set<number>();

beforeAll(async () => {
  cluster = await startRedisCluster();
  nodes = cluster.nodes.map(({ port }) => new Redis({ host: '127.0.0.1', port })) as typeof nodes;
  const [from, to, other] = nodes;
  move = { from, to, others: [other] };
}, 60_000);
afterAll(async () => {
  for (const node of nodes ?? []) node.disconnect();
  await cluster?.stop();
});

const clientOf = (more = {}) =>
  afterwards(new Cluster([{ host: '127.0.0.1', port: cluster.nodes[0]?.port ?? 0 }], more), (client) =>
    client.disconnect(),
  );
const storeOf = (on: string | Cluster = cluster.url) =>
  afterwards(openStore(on, 4_000), (store) => store.close());

const slotOf = (key: string) => calculateSlot(key);
const isOnFirst = (key: string) => slotOf(key) < 5_461 && !gone.has(slotOf(key));
async function arrive(slot: number): Promise<void> {
  await endMove(move, slot);
  gone.add(slot);
}
async function moveAway(slot: number): Promise<void> {
  await beginMove(move, slot);
  await arrive(slot);
}

let keyCount = 0;
const newKey = () => `cross:id=${keyCount++}`;
const newKeys = (count: number) => Array.from({ length: count }, newKey);
/** As many keys as asked, each of another slot of the first node. */
function keysOnFirst(count: number): string[] {
  const bySlot = new Map<number, string>();
  while (bySlot.size < count) {
    const key = newKey();
    if (isOnFirst(key)) bySlot.set(slotOf(key), key);
  }
  return [...bySlot.values()];
}
const all = <T>(list: readonly unknown[], value: T) => list.map(() => value);
const applied = (store: CacheStore, keys: readonly string[], version: number) =>
  store.apply(
    keys.map((key) => change(key, version)),
    RULES,
  );

/** How often each command was called since, on all nodes together. */
async function countCalls(work: () => Promise<unknown>): Promise<Record<string, number>> {
  for (const node of nodes) await node.config('RESETSTAT');
  await work();
  const counts: Record<string, number> = {};
  for (const node of nodes) {
    for (const [, name = '', calls] of (await node.info('commandstats')).matchAll(
      /cmdstat_(\S+?):calls=(\d+)/g,
    ))
      counts[name] = (counts[name] ?? 0) + Number(calls);
  }
  return counts;
}

describe('items of many slots', () => {
  test('go in as few calls as on one server, in every step that is a script', async () => {
    const store = storeOf();
    const keys = newKeys(600);
    await applied(store, keys, 1); // from here on the servers know the script
    const rules = { ...RULES, leaseMs: 25 };
    const leases: Lease[] = [];
    const steps: [name: string, take: () => Promise<unknown[]>, answer: unknown][] = [
      ['apply', () => applied(store, keys, 2), 'written'],
      ['void', () => store.void(keys, RULES), 'voided'],
      [
        'begin',
        async () => {
          const begun = (await store.begin(keys, rules)) as Lease[];
          leases.push(...begun);
          return begun.map(({ strong }) => strong);
        },
        true,
      ],
      [
        'release',
        () =>
          store.release(
            keys.map((key, index) => ({ key, lease: leases[index] as Lease, toAll: false })),
            rules,
          ),
        'released',
      ],
      [
        'fill',
        () =>
          store.fill(
            keys.map((key, index) => ({
              ...{ key, lease: leases[index] as Lease, strong: true, value: '"filled"', ttlMs: 600_000 },
            })),
            RULES,
          ),
        'filled',
      ],
      ['claim', async () => (await store.claim(keys, rules)).map((lease) => (lease as Lease).strong), true],
      ['move', () => store.move(keys, RULES), 'moved'],
      ['put', () => store.put(keys.map((key) => ({ key, value: 'g\nr', ttlMs: 600_000 }))), 'stored'],
    ];
    for (const [name, take, answer] of steps) {
      let answers: unknown[] = [];
      const { evalsha } = await countCalls(async () => {
        answers = await take();
      });
      expect([name, answers]).toEqual([name, all(keys, answer)]);
      expect([name, evalsha]).toEqual([name, expect.toSatisfy((calls) => calls >= 5 && calls <= 9)]);
    }
  });

  test('go in calls of no more bytes than on one server', async () => {
    const store = storeOf();
    const keys = newKeys(96);
    await applied(store, keys, 1);
    const value = JSON.stringify('x'.repeat(64 * 1024));
    const { evalsha } = await countCalls(async () =>
      expect(
        await store.apply(
          keys.map((key) => change(key, 2, { value })),
          RULES,
        ),
      ).toEqual(all(keys, 'written')),
    );
    expect(evalsha).toEqual(expect.toSatisfy((calls) => calls >= 14 && calls <= 18)); // 7 of 64 KB a call
  });

  test('are told their script again by servers that forgot it', async () => {
    const store = storeOf();
    const keys = newKeys(300);
    await applied(store, keys, 1);
    for (const node of nodes) await node.script('FLUSH');
    expect(await applied(store, keys, 2)).toEqual(all(keys, 'written'));
    const { eval: anew = 0 } = await countCalls(() => applied(store, keys, 3));
    expect(anew).toBe(0);
  });

  test('of which one is in trouble are taken all the same', async () => {
    const keys = newKeys(100);
    const changes = keys.map((key, index) => change(key, 1, index === 50 ? { ttlMs: 1e300 } : {}));
    const answers = await storeOf().apply(changes, RULES);
    expect(answers.filter((answer) => answer === 'written')).toHaveLength(99);
    expect(answers[50]).toMatchObject({ answered: true, message: expect.stringMatching(/integer|expire/) });
  });
});

describe('a slot that has moved', () => {
  test('since the client asked who owns it is found, and its neighbours are taken', async () => {
    const client = clientOf();
    const store = storeOf(client);
    const keys = keysOnFirst(200);
    await applied(store, keys, 1);
    const moved = keys.slice(0, 20).map(slotOf);
    for (const slot of moved) await moveAway(slot);
    expect(moved.map((slot) => client.slots[slot]?.[0])).toEqual(
      all(moved, `127.0.0.1:${cluster.nodes[0]?.port}`),
    );
    const { evalsha = 0 } = await countCalls(async () =>
      expect(await applied(store, keys, 2)).toEqual(all(keys, 'written')),
    );
    expect(evalsha).toBeLessThan(100);
    expect(await store.get(keys)).toEqual(all(keys, '"v2"'));
  });

  test('and was the one by which a call was led is found, and so are all of the call', async () => {
    const store = storeOf(clientOf());
    const keys = keysOnFirst(100).sort((a, b) => slotOf(a) - slotOf(b));
    await applied(store, keys, 1);
    await moveAway(slotOf(keys[0] as string));
    expect(await applied(store, keys, 2)).toEqual(all(keys, 'written'));
    expect(await store.get(keys)).toEqual(all(keys, '"v2"'));
  });
});

describe('a slot on the move', () => {
  /** Items of which value and guard are in all the places that they can be in, each of a slot that is on the move. */
  async function halfway(store: CacheStore) {
    const items = keysOnFirst(5);
    const [here, valueMoved, guardMoved, moved] = items as [string, string, string, string];
    await applied(store, [here, valueMoved, guardMoved, moved], 1);
    for (const key of items) await beginMove(move, slotOf(key));
    for (const key of [valueMoved, guardKey(guardMoved), moved, guardKey(moved)]) await moveKeys(move, [key]);
    const arriveAll = async () => {
      for (const key of items) await arrive(slotOf(key));
    };
    return { items, arriveAll };
  }

  test('takes the items that are whole at one end, and no other is changed by half', async () => {
    const store = storeOf(clientOf());
    const others = keysOnFirst(50);
    await applied(store, others, 1);
    const { items, arriveAll } = await halfway(store);
    const answers = await applied(store, [...items, ...others], 2);
    expect(answers.slice(items.length)).toEqual(all(others, 'written'));
    const isRefused = items.map((_, index) => answers[index] instanceof CacheError);
    expect(isRefused).toEqual([false, true, true, false, true]);
    await arriveAll();
    const again = items.filter((_, index) => isRefused[index]);
    expect(await applied(store, again, 2)).toEqual(all(again, 'written'));
    expect(await store.get(items)).toEqual(all(items, '"v2"'));
    expect(await applied(store, items, 1)).toEqual(all(items, 'stale'));
  }, 30_000);

  test('never keeps a value that was said to be void', async () => {
    const store = storeOf(clientOf());
    const { items, arriveAll } = await halfway(store);
    const answers = await store.void([...items, ...keysOnFirst(50)], RULES);
    const isVoid = items.map((_, index) => answers[index] === 'voided');
    expect(isVoid).toEqual([true, false, false, true, false]);
    expect(answers.slice(items.length)).toEqual(all(answers.slice(items.length), 'voided'));
    await arriveAll();
    const left = await store.get(items);
    expect(items.filter((_, index) => isVoid[index] && left[index] !== undefined)).toEqual([]);
    const again = items.filter((_, index) => !isVoid[index]);
    expect(await store.void(again, RULES)).toEqual(all(again, 'voided'));
    expect(await store.get(items)).toEqual(all(items, undefined));
  }, 30_000);

  test('has each tag moved where it is', async () => {
    const store = storeOf(clientOf());
    const [here, away, unknown] = keysOnFirst(3) as [string, string, string];
    const tags = [here, away, unknown, ...keysOnFirst(50)];
    await store.move([here, away], RULES);
    const before = await store.generations([here, away]);
    for (const tag of [here, away, unknown]) await beginMove(move, slotOf(tag));
    await moveKeys(move, [guardKey(away)]);
    expect(await store.move(tags, RULES)).toEqual(all(tags, 'moved'));
    for (const tag of [here, away, unknown]) await arrive(slotOf(tag));
    const after = await store.generations([here, away]);
    expect(after).not.toContain(undefined);
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
  }, 30_000);
});

test('1,000 slots that move while their items are changed lose no change', async () => {
  const store = storeOf();
  const keys = [...keysOnFirst(1_500), ...newKeys(1_500)];
  const slots = [...new Set(keys.filter(isOnFirst).map(slotOf))].slice(0, 1_000);
  expect(slots.length).toBe(1_000);
  let isMoving = true;
  const moving = (async () => {
    for (let first = 0; first < slots.length; first += 25)
      await Promise.all(slots.slice(first, first + 25).map((slot) => moveAway(slot)));
    isMoving = false;
  })();

  let version = 0;
  let rounds = 0;
  const failed = new Map<string, number>();
  while (isMoving || failed.size > 0) {
    if (isMoving) version += 1;
    const asked = isMoving ? keys : [...failed.keys()];
    const answers = await applied(store, asked, version);
    // A replay of older changes, as Lambda may deliver them, on another way at once.
    const replayed = await applied(store, keys.slice(0, 200), Math.max(1, version - 1));
    expect(replayed.filter((answer) => answer === 'written' && version > 1)).toEqual([]);
    asked.forEach((key, index) => {
      if (answers[index] instanceof CacheError) failed.set(key, version);
      else failed.delete(key);
    });
    rounds += 1;
  }
  await moving;
  expect(rounds).toBeGreaterThan(3);
  expect(await store.get(keys)).toEqual(all(keys, `"v${version}"`));
  expect(await applied(store, keys, version)).toEqual(all(keys, 'stale'));
}, 120_000);

describe('a server that takes no such script', () => {
  /** A store whose commands go through fronts that make of a script's first line another that is as long. */
  async function behindFronts(line: string) {
    const natMap: Record<string, { host: string; port: number }> = {};
    for (const { port } of cluster.nodes) {
      const front = afterwards(
        await startRewritingFront(port, '#!lua flags=allow-cross-slot-keys', line),
        (each) => each.close(),
      );
      natMap[`127.0.0.1:${port}`] = { host: '127.0.0.1', port: front.port };
    }
    for (const node of nodes) await node.script('FLUSH'); // which other tests have told it
    return storeOf(clientOf({ natMap }));
  }

  test.each([
    // What Redis 6.2 says: user_script:1: unexpected symbol near '#'. Here the same compiler meets another symbol.
    ['of Redis 6.2, to which its first line is no Lua', '?!lua flags=allow-cross-slot-keys'],
    ['that refuses the flag', '#!lua flags=allow-cross-slot-keyz'],
    ['that takes it and then allows one slot all the same', '#!lua flags=allow-oom,allow-stale'],
  ])('%s: is asked once', async (_, line) => {
    const store = await behindFronts(line);
    const keys = newKeys(300);
    expect(await applied(store, keys, 1)).toEqual(all(keys, 'written'));
    const { eval: anew = 0, evalsha = 0 } = await countCalls(async () =>
      expect(await applied(store, keys, 2)).toEqual(all(keys, 'written')),
    );
    expect(anew).toBe(0);
    expect(evalsha).toBe(new Set(keys.map(slotOf)).size);
    expect(await store.get(keys)).toEqual(all(keys, '"v2"'));
  });
});

describe('a node that fails over', () => {
  const newCluster = async () => {
    const own = afterwards(await startRedisCluster({ replicas: 1 }), (each) => each.stop());
    const [master, replica] = [own.nodes[0], own.nodes[3]].map((node) =>
      afterwards(new Redis(node?.port ?? 0), (client) => client.disconnect()),
    ) as [Redis, Redis];
    master.on('error', () => {});
    const isMaster = () =>
      expect.poll(() => replica.info('replication'), { timeout: 20_000 }).toContain('role:master');
    return { own, replica, isMaster, store: storeOf(own.url) };
  };

  test('because it was asked to has its items taken by the one that took over', async () => {
    const { replica, isMaster, store } = await newCluster();
    const keys = newKeys(600);
    expect(await applied(store, keys, 1)).toEqual(all(keys, 'written'));
    await replica.call('CLUSTER', 'FAILOVER');
    await isMaster();
    expect(await applied(store, keys, 2)).toEqual(all(keys, 'written'));
    expect(await store.get(keys)).toEqual(all(keys, '"v2"'));
  }, 60_000);

  test('because it was killed has no change lost that was confirmed, and takes all once another took over', async () => {
    const { own, isMaster, store } = await newCluster();
    const keys = newKeys(600);
    await applied(store, keys, 1);
    await own.nodes[0]?.kill();
    const answers = await applied(store, keys, 2);
    const isTaken = keys.map((_, index) => answers[index] === 'written');
    expect(isTaken.filter(Boolean).length).toBeGreaterThan(300);
    expect(answers.filter((answer) => answer instanceof CacheError).length).toBe(
      isTaken.filter((each) => !each).length,
    );
    await isMaster();
    const left = keys.filter((_, index) => !isTaken[index]);
    await expect
      .poll(() => applied(store, left, 3), { timeout: 20_000 })
      .toEqual(expect.toSatisfy((again: unknown[]) => again.every((answer) => typeof answer === 'string')));
    expect(await store.get(keys)).toEqual(isTaken.map((each) => (each ? '"v2"' : '"v3"')));
  }, 60_000);
});

describe('what is wrong with every form is said as for one slot', () => {
  test.each(['first', 'last'])(
    'a user who may not have all keys, the %s of a call among them',
    async (which) => {
      const name = `user-${which}`;
      for (const node of nodes)
        await node.call('ACL', 'SETUSER', name, 'on', '>secret', '~cross:*', '~{cross:*', '&*', '+@all');
      const url = new URL(cluster.url);
      Object.assign(url, { username: name, password: 'secret' });
      const store = storeOf(url.href);
      const sorted = keysOnFirst(40).sort((a, b) => slotOf(a) - slotOf(b));
      const at = which === 'first' ? 0 : sorted.length - 1;
      const slot = slotOf(sorted[at] as string);
      const foreign = Array.from({ length: 1_000_000 }, (_, n) => `other:id=${n}`).find(
        (key) => slotOf(key) === slot,
      ) as string;
      const keys = sorted.with(at, foreign);
      const answers = await applied(store, keys, 1);
      const [alone] = await applied(store, [foreign], 1);
      expect(alone).toMatchObject({ answered: true, message: expect.stringContaining('NOPERM') });
      expect(answers[at]).toEqual(alone);
      expect(answers.toSpliced(at, 1)).toEqual(all(keys.slice(1), 'written'));
    },
  );

  test('a full server', async () => {
    const store = storeOf();
    const keys = newKeys(300);
    await applied(store, keys, 1);
    const limit = (bytes: number) => Promise.all(nodes.map((node) => node.config('SET', 'maxmemory', bytes)));
    await limit(1);
    try {
      expect(await applied(store, keys, 2)).toEqual(all(keys, 'full'));
      const begun = await store.begin(newKeys(50), RULES);
      expect(begun.every((answer) => answer instanceof CacheError && answer.answered)).toBe(true);
    } finally {
      await limit(0);
    }
    expect(await store.get(keys)).toEqual(all(keys, undefined));
    expect(await applied(store, keys, 1)).toEqual(all(keys, 'stale'));
  });

  test('a server that wants replicas', async () => {
    const store = storeOf();
    const keys = newKeys(300);
    const want = (count: number) =>
      Promise.all(nodes.map((node) => node.config('SET', 'min-replicas-to-write', count)));
    await want(1);
    try {
      for (const answer of await applied(store, keys, 1))
        expect(answer).toMatchObject({ answered: true, message: expect.stringContaining('NOREPLICAS') });
    } finally {
      await want(0);
    }
    expect(await applied(store, keys, 1)).toEqual(all(keys, 'written'));
  });
});

import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { CacheError } from '../../src/errors.js';
import { guardKey } from '../../src/key.js';
import { openStore } from '../../src/store/open.js';
import clock from '../../src/store/redis/clock.lua?raw';
import type { CacheStore, Fill, Lease } from '../../src/store/store.js';
import { change, RULES } from '../contract/store-contract.js';
import { afterwards } from '../support/afterwards.js';
import { type RedisServer, startRedis } from '../support/redis.js';

/** What the scripts do on a server that the contract of all stores does not speak of. */
const client = new Redis(inject('redisUrl'));
const store = openStore(inject('redisUrl'), 4_000);
afterAll(async () => {
  client.disconnect();
  await store.close();
});

const newKey = () => `scripts:id=${randomUUID()}`;

async function leaseOf(from: CacheStore, key: string): Promise<Lease> {
  const [begun] = await from.begin([key], RULES);
  if (begun === undefined || begun instanceof Error || 'value' in begun) throw new Error('no lease');
  return begun;
}

const fillOf = (key: string, lease: Lease, more: Partial<Fill> = {}): Fill => ({
  ...{ key, lease, strong: true, value: '"filled"', ttlMs: 600_000 },
  ...more,
});

/** About so many milliseconds, of which a busy machine may have lost some. */
const about = (ms: number) =>
  expect.toSatisfy((left: number) => left > ms - 20_000 && left <= ms, `about ${ms}`);

test.each([
  ['1700000000', '500000', 1_700_000_000_500, '1700000000500000'],
  ['1700000000', '42', 1_700_000_000_000, '1700000000000042'],
])('the moment of a script at TIME %s %s is %d, and its token %s', async (seconds, micros, now, token) => {
  const time = `local redis = { call = function() return { '${seconds}', '${micros}' } end }`;
  expect(await client.eval(`${time}\n${clock}\nreturn { now, token }`, 0)).toEqual([now, token]);
});

test.each([
  [3_001, 'included'],
  [3_000, 'overlapping'],
])('a change made %d ms before what a reader stored is known to be %s', async (ms, outcome) => {
  const [key, asOf] = [newKey(), Date.now()];
  await client.set(guardKey(key), `- - generation 0 ${asOf} ${asOf}`);
  expect(await store.apply([change(key, 1, { at: asOf - ms })], RULES)).toEqual([outcome]);
});

describe('what a step leaves behind lives as long as it should', () => {
  const steps: [step: string, take: (key: string) => Promise<unknown>][] = [
    ['a change', (key) => store.apply([change(key, 1)], RULES)],
    ['a late change', (key) => store.apply([change(key, 1, { at: 0 })], RULES)],
    ['a miss', (key) => store.begin([key], RULES)],
    ['a miss that others wait for', (key) => store.begin([key], { ...RULES, leaseMs: 25 })],
    [
      'a lease that is given back',
      async (key) => {
        const rules = { ...RULES, leaseMs: 25 };
        const [lease] = await store.begin([key], rules);
        await client.pexpire(guardKey(key), 60_000);
        await store.release([{ key, lease: lease as Lease, toAll: false }], rules);
      },
    ],
    ['a fill', async (key) => store.fill([fillOf(key, await leaseOf(store, key))], RULES)],
    ['a void', (key) => store.void([key], RULES)],
    ['a claim', (key) => store.claim([key], { ...RULES, leaseMs: 25 })],
    ['a move', (key) => store.move([key], RULES)],
  ];

  test.each(steps)('%s: its guard', async (_, take) => {
    const key = newKey();
    await take(key);
    expect(await client.pttl(guardKey(key))).toEqual(about(RULES.guardMs));
  });

  test('a second miss begins the time of a guard anew, and keeps its generation', async () => {
    const key = newKey();
    const { generation } = await leaseOf(store, key);
    await client.pexpire(guardKey(key), 60_000);
    expect((await leaseOf(store, key)).generation).toBe(generation);
    expect(await client.pttl(guardKey(key))).toEqual(about(RULES.guardMs));
  });

  test('a value: its own time, but not beyond that of its item', async () => {
    const key = newKey();
    await store.apply([change(key, 1)], RULES);
    expect(await client.pttl(key)).toEqual(about(600_000));
    await store.apply([change(key, 2, { expiresAt: Date.now() + 100_000 })], RULES);
    expect(await client.pttl(key)).toEqual(about(100_000));
    const other = newKey();
    const entry = fillOf(other, await leaseOf(store, other), { expiresAt: Date.now() + 100_000 });
    expect(await store.fill([entry], RULES)).toEqual(['filled']);
    expect(await client.pttl(other)).toEqual(about(100_000));
    const third = newKey();
    await store.fill([fillOf(third, await leaseOf(store, third))], RULES);
    expect(await client.pttl(third)).toEqual(about(600_000));
  });
});

test('each step takes many items in one call, and answers in their order', async () => {
  const keys = [newKey(), newKey(), newKey(), newKey()];
  const [one, two, three, four] = keys as [string, string, string, string];
  await store.apply([change(two, 1)], RULES);
  const begun = (await store.begin(keys, RULES)) as (Lease | { value: string })[];
  expect(begun.map((each) => ('value' in each ? each.value : 'lease'))).toEqual([
    ...['lease', '"v1"', 'lease', 'lease'],
  ]);
  expect(await client.exists(...keys.map(guardKey))).toBe(4);

  const lease = (index: number) => begun[index] as Lease;
  const fills = [
    fillOf(one, lease(0), { value: '"1"' }),
    fillOf(two, lease(0)),
    fillOf(four, lease(3), { value: '"4"' }),
  ];
  expect(await store.fill(fills, RULES)).toEqual(['filled', 'occupied', 'filled']);
  expect(await store.get(keys)).toEqual(['"1"', '"v1"', undefined, '"4"']);

  expect(await store.void([one, three, four], RULES)).toEqual(['voided', 'voided', 'voided']);
  expect(await store.get(keys)).toEqual([undefined, '"v1"', undefined, undefined]);
  const before = await store.generations(keys);
  expect(await store.move([three, two], RULES)).toEqual(['moved', 'moved']);
  const isMoved = (await store.generations(keys)).map((generation, index) => generation !== before[index]);
  expect(isMoved).toEqual([false, true, true, false]);
});

test('each of many leases that are given back is its own', async () => {
  const rules = { ...RULES, leaseMs: 10_000 };
  const keys = [newKey(), newKey(), newKey()] as const;
  const leases = (await store.begin(keys, rules)) as Lease[];
  const damaged = keys[2];
  await client.mset(keys[0], '"one"', damaged, '"three"', guardKey(damaged), 'x');
  const released = keys.map((key, index) => ({ key, lease: leases[index] as Lease, toAll: index === 1 }));
  expect(await store.release(released, rules)).toEqual(['released', 'released', 'released']);
  expect(await store.get(keys)).toEqual(['"one"', undefined, undefined]);
  const { generation } = leases[1] as Lease;
  expect(await client.get(guardKey(keys[0]))).not.toMatch(/ \d+ - - \d+$/);
  expect(await client.get(guardKey(keys[1]))).toBe(`- - ${generation} 0 - - 0`);
});

test('a lease may be of one millisecond', async () => {
  const rules = { ...RULES, leaseMs: 1 };
  for (const step of ['begin', 'claim'] as const) {
    const key = newKey();
    await store[step]([key], rules);
    expect(await client.get(guardKey(key))).toMatch(/^(?:\S+ ){6}\d{13}$/);
  }
});

describe("the cache server's clock", () => {
  test('gives the time of a lease in whole milliseconds', async () => {
    const before = Date.now();
    const { begunAt, generation } = await leaseOf(store, newKey());
    expect(begunAt).toBe(Math.floor(Number(generation) / 1000)); // a new guard's generation is of the same moment
    expect(begunAt).toBeGreaterThanOrEqual(before - 1);
    expect(begunAt).toBeLessThanOrEqual(Date.now() + 1);
  });

  test('gives tokens of microseconds in 16 digits, also in the first tenth of a second', async () => {
    const generations = new Set<string>();
    let isEarly = false;
    while (!isEarly) {
      const { generation } = await leaseOf(store, newKey());
      expect(generation).toMatch(/^\d{16}$/);
      expect(Math.abs(Number(generation) / 1000 - Date.now())).toBeLessThan(20_000);
      generations.add(generation);
      isEarly = generation.slice(-6, -5) === '0';
    }
    expect(generations.size).toBeGreaterThan(0);
  });
});

describe("somebody else's keys", () => {
  test('in the place of a value are replaced by a change, and by a reader that misses', async () => {
    const [key, other] = [newKey(), newKey()];
    for (const each of [key, other]) await client.rpush(each, 'a', 'b');
    expect(await store.get([key])).toEqual([undefined]);
    expect(await store.get([key, other])).toEqual([undefined, undefined]);
    expect(await store.fill([fillOf(key, await leaseOf(store, key))], RULES)).toEqual(['filled']);
    expect(await store.apply([change(other, 1)], RULES)).toEqual(['written']);
    expect(await client.mget(key, other)).toEqual(['"filled"', '"v1"']);
  });

  test('in the place of a value are not what a change says that may be older than it', async () => {
    const key = newKey();
    await client.set(guardKey(key), `- - generation 0 ${Date.now()} ${Date.now()}`);
    await client.rpush(key, 'a', 'b');
    expect(await store.apply([change(key, 1)], RULES)).toEqual(['overlapping']);
    expect(await client.exists(key)).toBe(0);
  });

  test('in the place of a tag are none, and are replaced by the next reader', async () => {
    const tag = newKey();
    await client.hset(guardKey(tag), 'a', 'b');
    expect(await store.generations([tag])).toEqual([undefined]);
    const { generation } = await leaseOf(store, tag);
    expect(await store.generations([tag])).toEqual([generation]);
  });

  test('in the place of a result are replaced', async () => {
    const key = newKey();
    await client.hset(key, 'a', 'b');
    await store.put([{ key, value: 'generation\nresult', ttlMs: 600_000 }]);
    expect(await client.get(key)).toBe('generation\nresult');
  });
});

describe('a guard that cannot be read', () => {
  const now = Date.now();
  const long = now + 86_400_000;
  const damaged: [what: string, spoil: (guard: string) => Promise<unknown>][] = [
    ...[
      ...['', '1 2 3', 'x x x x x x', '- - 5 5 5 -', '- - 5 5 - 5', '- 5 5 5 - -', '1 - 5 5 - -'],
      ...['zzzz 9999999999999999 1 2 - -', 'zzzz 5 1 2 - -', `1 ${long} 1 2 - -`, '1 5 1 x - -'],
      ...[`- - 5 ${long} - -`, `- - 5 5 ${long} 5`, `- - 5 5 5 ${long}`, '- - 5 1e3 - -', '- - 5 - - -'],
      ...['- - 5 5 nan inf', ' - - 5 5 - -', '- - 5 5 - - -', `- - 5 5 - - ${long}`, '\0\xff'],
    ].map((text): [string, (guard: string) => Promise<unknown>] => [
      JSON.stringify(text),
      (guard) => client.set(guard, text),
    ]),
    ['a list', (guard) => client.rpush(guard, 'a')],
    ['a hash', (guard) => client.hset(guard, 'a', 'b')],
  ];

  test.each(damaged)('is void, and its item is: %s', async (_, spoil) => {
    const keys = [newKey(), newKey(), newKey(), newKey(), newKey()] as const;
    const [changed, old, begun, filled, voided] = keys;
    const lease = await leaseOf(store, filled);
    for (const key of keys) {
      await client.del(guardKey(key));
      await spoil(guardKey(key));
      await client.set(key, '"old"');
    }
    // What the guard knew may have been newer than either change.
    const changes = [change(changed, 1), change(old, 1, { at: Date.now() - 10_000 })];
    expect(await store.apply(changes, RULES)).toEqual(['overlapping', 'included']);
    await client.del(begun, filled);
    expect(await leaseOf(store, begun)).toMatchObject({ strong: true });
    expect(await store.fill([fillOf(filled, lease)], RULES)).toEqual(['moved']);
    expect(await store.void([voided], RULES)).toEqual(['voided']);
    expect(await store.get(keys)).toEqual(keys.map(() => undefined));
    for (const key of keys) {
      expect(await client.get(guardKey(key))).toMatch(/^(- -|00000001 \d+) \d{16} \d{13} \d{13} \d{13}$/);
      expect(await client.pttl(guardKey(key))).toEqual(about(300_000));
      expect(await leaseOf(store, key)).toMatchObject({ strong: true });
    }
    // A replay of what came after the lost version writes nothing, and what is newer is written.
    expect(await store.apply([change(begun, 2, { at: Date.now() - 3_500 })], RULES)).toEqual(['included']);
    expect(await store.apply([change(begun, 3, { at: Date.now() + 2_500 })], RULES)).toEqual(['written']);
  });

  test.each(damaged)('is no guard of a tag: %s', async (_, spoil) => {
    const tag = newKey();
    await spoil(guardKey(tag));
    const [generation] = await store.generations([tag]);
    const lease = await leaseOf(store, tag);
    expect(lease.generation).not.toBe(generation);
    expect(await store.move([tag], RULES)).toEqual(['moved']);
  });
});

test("one entry's trouble is its own reply and leaves its neighbours alone, in every step", async () => {
  const [one, bad, two] = [newKey(), newKey(), newKey()];
  const outcomes = async (answers: Promise<unknown[]>) =>
    (await answers).map((answer) => (answer instanceof CacheError ? answer.answered : answer));
  const ttlMs = 1e300; // refused by SET, which stands for whatever goes wrong with one item
  const changes = [change(one, 1), change(bad, 1, { ttlMs }), change(two, 1)];
  expect(await outcomes(store.apply(changes, RULES))).toEqual(['written', true, 'written']);

  const keys = [newKey(), newKey(), newKey()];
  const leases = await Promise.all(keys.map((key) => leaseOf(store, key)));
  const fills = keys.map((key, index) => fillOf(key, leases[index] as Lease, index === 1 ? { ttlMs } : {}));
  expect(await outcomes(store.fill(fills, RULES))).toEqual(['filled', true, 'filled']);

  const results = [newKey(), newKey(), newKey()].map((key, index) => ({
    ...{ key, value: 'g\nr', ttlMs: index === 1 ? ttlMs : 600_000 },
  }));
  expect(await outcomes(store.put(results))).toEqual(['stored', true, 'stored']);

  const [answer] = await store.apply([change(bad, 2, { ttlMs })], RULES);
  expect((answer as CacheError).message).toMatch(/^The cache refused a command: .*(integer|expire)/);
});

describe('a full server', () => {
  let server: RedisServer;
  let full: CacheStore;
  let admin: Redis;
  const limit = (bytes: number) => admin.config('SET', 'maxmemory', bytes);
  const stored = (key: string) => admin.get(key);

  beforeAll(async () => {
    server = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] });
    admin = new Redis(server.url);
    full = openStore(server.url, 4_000);
  });
  afterAll(async () => {
    admin?.disconnect();
    await full?.close();
    await server?.stop();
  });

  test('gives a reader no lease', async () => {
    await limit(1);
    const [begun] = await full.begin([newKey()], RULES);
    expect(begun).toBeInstanceOf(CacheError);
    expect(begun).toMatchObject({ answered: true, message: expect.stringContaining('full') });
  });

  test('gives a reader a lease where there is a guard, and the value where there is one', async () => {
    await limit(0);
    const [key, other] = [newKey(), newKey()];
    await full.apply([change(key, 1), change(other, 1, { action: 'delete' })], RULES);
    await limit(1);
    expect(await full.begin([key], RULES)).toEqual([{ value: '"v1"' }]);
    expect(await leaseOf(full, other)).toMatchObject({ strong: true });
    const waiting = { ...RULES, leaseMs: 10_000 }; // nothing can be noted, so nobody has to wait
    for (const _ of [1, 2]) {
      const [lease] = await full.begin([other], waiting);
      expect(lease).toEqual({ generation: expect.any(String), begunAt: expect.any(Number), strong: true });
    }
    expect(await admin.pttl(guardKey(other))).toEqual(about(RULES.guardMs));
  });

  test('refuses a fill, and with the guard refuses the slower reader too', async () => {
    await limit(0);
    const key = newKey();
    const lease = await leaseOf(full, key);
    await limit(1);
    expect(await full.fill([fillOf(key, lease)], RULES)).toEqual(['full']);
    expect(await stored(key)).toBeNull();
    await limit(0);
    expect(await full.fill([fillOf(key, lease)], RULES)).toEqual(['moved']);
  });

  test('deletes what it cannot note that a change leaves as it is', async () => {
    await limit(0);
    const key = newKey();
    const value = '"the same"';
    await full.fill([fillOf(key, await leaseOf(full, key), { value })], RULES);
    await limit(1);
    expect(await full.apply([change(key, 1, { value })], RULES)).toEqual(['full']);
    expect(await stored(key)).toBeNull();
  });

  test('deletes instead of writing, and says so only where a value was to be stored', async () => {
    await limit(0);
    const keys = [newKey(), newKey(), newKey(), newKey()] as const;
    await full.apply(
      keys.slice(0, 3).map((key) => change(key, 1)),
      RULES,
    );
    await limit(1);
    const changes = [
      change(keys[0], 2),
      change(keys[1], 2, { action: 'delete' }),
      change(keys[2], 2, { action: 'refresh' }),
      change(keys[3], 2, { action: 'refresh' }),
    ];
    expect(await full.apply(changes, RULES)).toEqual(['full', 'deleted', 'full', 'full']);
    expect(await admin.mget(...keys)).toEqual([null, null, null, null]);
    await limit(0);
    const again = keys.map((key) => change(key, 1));
    expect(await full.apply(again, RULES)).toEqual(['stale', 'stale', 'stale', 'stale']);
    expect(await admin.pttl(guardKey(keys[0]))).toEqual(about(RULES.guardMs));
  });

  test('takes voids and moves', async () => {
    await limit(0);
    const [key, tag] = [newKey(), newKey()];
    await full.apply([change(key, 1)], RULES);
    const lease = await leaseOf(full, tag);
    await limit(1);
    expect(await full.void([key], RULES)).toEqual(['voided']);
    expect(await full.move([tag], RULES)).toEqual(['moved']);
    expect(await stored(key)).toBeNull();
    const [generation] = await full.generations([tag]);
    expect(generation).toMatch(/^\d{16}$/);
    expect(generation).not.toBe(lease.generation);
  });
});

test.each([
  ['READONLY', 'replicaof 127.0.0.1 1'],
  ['NOREPLICAS', 'config set min-replicas-to-write 1'],
  ['NOPERM|can.t run', 'acl setuser default -set'],
])(
  '%s is a refusal of every step, which the client sees for what it is, and never a full cache',
  async (word, command) => {
    const server = afterwards(await startRedis(), (each) => each.stop());
    const seen: string[] = [];
    const reconnectOnError = ({ message }: Error) => {
      seen.push(message);
      return false;
    };
    const clientOf = () =>
      afterwards(new Redis(server.url, { reconnectOnError }), (each) => each.disconnect());
    const [admin, spoiled] = [clientOf(), clientOf()];
    const voided = newKey();
    await admin.set(voided, 'what was there');
    const steps: [string, (store: CacheStore, key: string) => Promise<unknown[]>][] = [
      ['apply', (store, key) => store.apply([change(key, 1)], RULES)],
      ['begin', (store, key) => store.begin([key], RULES)],
      ['void', (store, key) => store.void([key], RULES)],
      ['claim', (store, key) => store.claim([key], RULES)],
      ['move', (store, key) => store.move([key], RULES)],
      ['put', (store, key) => store.put([{ key, value: 'g\nr', ttlMs: 1_000 }])],
    ];
    await spoiled.ping(); // ioredis asks for `info` itself before it is ready
    await admin.call(...(command.split(' ') as [string, ...string[]]));
    // A client that has asked what its server is before, and does not do so again soon.
    const refused = openStore(spoiled, 4_000);
    vi.spyOn(spoiled, 'info').mockResolvedValue('role:master');
    for (const [name, step] of steps) {
      const [answer] = await step(refused, newKey());
      expect([name, answer]).toMatchObject([
        name,
        { code: 'CACHE_UNAVAILABLE', answered: true, message: expect.stringMatching(new RegExp(word)) },
      ]);
    }
    // What is refused to all ends the script; what one command may not do is the reply of its item.
    if (/^[A-Z]+$/.test(word))
      expect(seen.filter((message) => message.includes(word))).toHaveLength(steps.length);
    await refused.void([voided], RULES);
    expect(await admin.get(voided)).toBe('what was there');
  },
);

import { randomUUID } from 'node:crypto';
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import { encode } from '../../src/codec.js';
import { itemKey } from '../../src/key.js';
import { openOperated } from '../../src/operate/open.js';
import type { Operated } from '../../src/operate/operated.js';
import { openTable, type Table } from '../../src/operate/table.js';
import {
  newVerifyState,
  repair,
  upperBound,
  type VerifyOptions,
  verifyTable,
} from '../../src/operate/verify.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import type { Lease } from '../../src/store/store.js';
import { runCli } from '../cli/run-cli.js';
import { change, RULES } from '../contract/store-contract.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { thoroughly } from '../support/thorough.js';

let dynamodb: DynamoDBServer;
let memcached: MemcachedServer;
beforeAll(async () => {
  [dynamodb, memcached] = await Promise.all([startDynamoDB(), startMemcached()]);
});
afterAll(() => Promise.all([dynamodb?.stop(), memcached?.stop()]));

const COUNT = 300;
const keyOf = (id: number): AttributeMap => ({ id: { S: `u${id}` }, at: { N: String(id) } });
const pick = ({ id, at }: Record<string, unknown>) => ({ id, at }) as never;
const itemOf = (id: number, name = 'Ada'): AttributeMap => ({
  ...keyOf(id),
  name: { S: name },
  tags: { SS: ['b', 'a'] },
});

describe.each([
  ['Redis', () => inject('redisUrl')],
  ...thoroughly(['Redis Cluster', () => inject('redisClusterUrl')] as const),
  ['memcached', () => memcached.url],
] as const)('verify, on %s', (name, urlOf) => {
  const namespace = `verify${randomUUID().replaceAll('-', '')}`;
  const tableName = `users-${name.replaceAll(' ', '-')}`;
  let cache: Operated;
  let table: Table;

  const nameOf = (id: number) => itemKey(namespace, tableName, keyOf(id));
  const put = (id: number, value: string) => cache.store.apply([change(nameOf(id), 1, { value })], RULES);
  /** As a reader does. */
  async function refill(id: number): Promise<void> {
    const key = nameOf(id);
    const [lease] = (await cache.store.begin([key], RULES)) as [Lease];
    const fill = { key, lease, strong: true, value: encode(itemOf(id)), ttlMs: 600_000 };
    expect(await cache.store.fill([fill], RULES)).toEqual(['filled']);
  }
  const verify = (againAfterMs: number[] = [], more: Partial<VerifyOptions> = {}) =>
    verifyTable({ cache, table, tableName, namespace, againAfterMs, ...more });
  const differing = async (againAfterMs?: number[]) =>
    (await verify(againAfterMs)).different.map(({ key }) => key).sort();

  beforeAll(async () => {
    cache = await openOperated(urlOf());
    const client = dynamodb.client();
    await createTable(client, tableName, { id: 'S', at: 'N' });
    table = openTable({ client, tableName });
    for (let from = 0; from < COUNT; from += 25) {
      const requests = Array.from({ length: 25 }, (_, n) => ({
        PutRequest: { Item: itemOf(from + n) as never },
      }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } }));
    }
    for (let id = 0; id < COUNT; id += 1) await put(id, encode(itemOf(id)));
  });
  afterAll(() => cache?.close());

  test('finds nothing where nothing differs', async () => {
    expect(await verify()).toEqual({ items: COUNT, results: 0, inFlight: 0, different: [], unknown: 0 });
  });

  test('finds an old value, and what is cached as not existing', async () => {
    await put(3, encode(itemOf(3, 'Bob')));
    await cache.store.apply([change(nameOf(3), 2, { value: encode(itemOf(3, 'Bob')) })], RULES);
    await cache.store.apply([change(nameOf(4), 2, { value: 'null' })], RULES);
    expect(await differing()).toEqual([nameOf(3), nameOf(4)].sort());
    await cache.store.apply([change(nameOf(3), 3, { value: encode(itemOf(3)) })], RULES);
    await cache.store.apply([change(nameOf(4), 3, { value: encode(itemOf(4)) })], RULES);
  });

  test.skipIf(name === 'memcached')('finds what the table has no more', async () => {
    await dynamodb.client().send(new DeleteItemCommand({ TableName: tableName, Key: keyOf(5) as never }));
    expect(await differing()).toEqual([nameOf(5)]);
    const Item = itemOf(5) as never;
    await dynamodb.client().send(new PutItemCommand({ TableName: tableName, Item }));
  });

  test('does not count what is repaired, or changed, between the looks', async () => {
    await cache.store.apply([change(nameOf(6), 4, { value: encode(itemOf(6, 'Bob')) })], RULES);
    await cache.store.apply([change(nameOf(7), 4, { value: encode(itemOf(7, 'Bob')) })], RULES);
    let changed: Promise<unknown> | undefined;
    const change67 = () =>
      Promise.all([
        cache.store.apply([change(nameOf(6), 5, { value: encode(itemOf(6)) })], RULES),
        dynamodb.client().send(new PutItemCommand({ TableName: tableName, Item: itemOf(7, 'Cyd') as never })),
      ]);
    // Once all is compared, and long before it is looked at again.
    const onProgress = ({ items }: { items: number }) => {
      if (items === COUNT) changed ??= change67();
    };
    const verified = verify([3_000], { onProgress });
    expect(await verified).toMatchObject({ inFlight: 2, different: [] });
    await changed;
    await cache.store.apply([change(nameOf(7), 5, { value: encode(itemOf(7, 'Cyd')) })], RULES);
  });

  test.skipIf(name === 'memcached')(
    'goes by the name of an entry, whatever stands under it, and leaves alone what can be no key of the table',
    async () => {
      const texts = { 12: 'rubbish{', 13: encode(itemOf(14)), 14: '[1,2]' };
      for (const [id, value] of Object.entries(texts)) {
        await cache.store.apply([change(nameOf(Number(id)), 9, { value })], RULES);
      }
      const strange = [':id#5', ':online', ':at=1,id=u1', ':at#1,id=u1,x=2'].map(
        (end) => `${namespace}:${tableName}${end}`,
      );
      await cache.store.apply(
        strange.map((key) => change(key, 1, { value: encode(itemOf(1)) })),
        RULES,
      );
      const verified = await verify();
      expect(verified.different.map(({ key }) => key).sort()).toEqual([12, 13, 14].map(nameOf).sort());
      expect(verified.unknown).toBe(strange.length);
      await repair(cache, verified.different, RULES);
      expect(await verify()).toMatchObject({ items: COUNT - 3, different: [] });
      await cache.store.delete(strange);
      for (const id of [12, 13, 14]) await refill(id);
    },
  );

  test.skipIf(name === 'memcached')(
    'finds a result that is no longer what the table answers, and repairs it',
    async () => {
      const reader = dynamodb.client();
      reader.middlewareStack.use(
        NewCachingMiddleware({
          cache: cache.store,
          namespace,
          tables: { [tableName]: { partitionKey: 'id' } },
        }),
      );
      const read = (id: string) =>
        reader.send(
          new QueryCommand({
            TableName: tableName,
            KeyConditionExpression: 'id = :id',
            ExpressionAttributeValues: { ':id': { S: id } },
          }),
        );
      for (const id of ['u10', 'u11']) await read(id);
      expect(await verify()).toMatchObject({ items: COUNT, results: 2, different: [] });

      const Item = { ...itemOf(10), at: { N: '10.5' } };
      await dynamodb.client().send(new PutItemCommand({ TableName: tableName, Item: Item as never }));
      const { different } = await verify([100]);
      expect(different).toEqual([
        { kind: 'result', key: expect.stringMatching(/\*id=u10\}:result:/), ageMs: expect.any(Number) },
      ]);
      // What it hung on has not moved: it was wrong to its end.
      let deleted: Promise<unknown> | undefined;
      // Once all is compared, and long before it is looked at again.
      const onProgress = ({ items, results }: { items: number; results: number }) => {
        if (items + results === COUNT + 2) deleted ??= cache.store.delete(different.map(({ key }) => key));
      };
      const ended = verify([3_000], { onProgress });
      expect((await ended).different).toMatchObject([{ kind: 'result', ageMs: undefined }]);
      await deleted;
      await repair(cache, different, RULES);
      expect(await verify()).toMatchObject({ results: 1, different: [] });
      expect((await read('u10')).Items).toHaveLength(2);
      await dynamodb.client().send(new DeleteItemCommand({ TableName: tableName, Key: pick(Item) }));
      await repair(cache, (await verify()).different, RULES);
    },
  );

  test('stopped in the middle it goes on where it was, and compares each entry once', async () => {
    const stop = new AbortController();
    const state = newVerifyState();
    const first = await verify([], { state, signal: stop.signal, onProgress: () => stop.abort() });
    expect(first.items).toBeLessThan(COUNT + 1);
    const restored = JSON.parse(JSON.stringify(state));
    expect(await verify([], { state: restored })).toMatchObject({ items: COUNT, different: [] });
  });

  test('what is of other servers, or of another way to go through them, is refused', async () => {
    const state = { ...newVerifyState(), places: { 'elsewhere:1 users:*': '17' } };
    await expect(verify([], { state })).rejects.toThrow(/there is no elsewhere:1 users:\* now. Begin anew/);
  });

  test('keeps to the read capacity that it is given', async () => {
    const client = dynamodb.client();
    const slow = openTable({ client, tableName, rcu: COUNT / 2 });
    const begun = performance.now();
    const { items } = await verifyTable({
      cache,
      table: slow,
      tableName,
      namespace,
      againAfterMs: [],
      sample: 200,
    });
    expect(items).toBeGreaterThan(name === 'memcached' ? 0 : 199);
    // 200 strong reads are 200 units; of a Scan they are fewer, and the page is not waited for.
    expect(performance.now() - begun).toBeGreaterThan(name === 'memcached' ? 0 : 600);
  });

  test('as a command: says what differs, repairs it, and its exit code says so', async () => {
    await cache.store.apply([change(nameOf(8), 6, { value: encode(itemOf(8, 'Bob')) })], RULES);
    const run = (...more: string[]) =>
      runCli(
        [
          ...['verify', tableName, '--namespace', namespace, '--cache', urlOf()],
          ...['--endpoint', dynamodb.endpoint, '--again', '0.2', ...more],
        ],
        { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
      );
    const first = await run('--repair');
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(
      new RegExp(
        `^${COUNT} cached items and \\d results? of ${tableName} compared: 1 differs, 0 were in flight.\n`,
      ),
    );
    expect(first.stdout).toContain(
      `  ${nameOf(8)}\nThey have been stored for: 1 less than 1 d.\nThey were taken out of the cache.\n`,
    );
    const second = await run('--json');
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ items: COUNT - 1, different: [], repaired: 0 });
  });
});

test.each([
  [0, 0, 1],
  [1_204_331, 0, 3 / 1_204_331],
  [1_000, 10, 0.0183],
])('of %i compared and %i different, at most so many differ', (compared, different, bound) => {
  expect(upperBound(compared, different)).toBeCloseTo(bound, 4);
});

const EMPTY = Buffer.from('{"command":"verify","table":"users","state":{"places":5}}').toString('base64url');
const TOKEN = Buffer.from('{"command":"verify","table":"orders","state":{}}').toString('base64url');

test.each<[string, string[], RegExp]>([
  ['no table', [], /no table is named/],
  ['two tables', ['a', 'b'], /b is one table too many/],
  ['a wrong number', ['users', '--rcu', 'many'], /--rcu many is no number above 0/],
  ['half an item', ['users', '--sample', '1.5'], /--sample 1.5 is no whole number/],
  ['a sample to go on with', ['users', '--sample', '1', '--resume', 'x'], /--sample cannot be gone on with/],
  ['no token', ['users', '--resume', 'rubbish'], /--resume: it is no report file and no token/],
  ['a token of nothing', ['users', '--resume', EMPTY], /it is no state of a run/],
  ['no endpoint', ['users', '--endpoint', 'rubbish'], /"rubbish" is no endpoint/],
  ['a token of another table', ['users', '--resume', TOKEN], /it is of table orders, not users/],
])('called with %s, verify says so', async (_, args, message) => {
  const { code, stderr } = await runCli(['verify', ...args, '--cache', inject('redisUrl')]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

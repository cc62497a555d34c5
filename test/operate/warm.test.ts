import { randomUUID } from 'node:crypto';
import { BatchWriteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import { encode } from '../../src/codec.js';
import { resolveConfig } from '../../src/config.js';
import { itemKey } from '../../src/key.js';
import type { Lane, Places } from '../../src/operate/lanes.js';
import { openOperated } from '../../src/operate/open.js';
import type { Operated } from '../../src/operate/operated.js';
import { openTable, type Page, type Table } from '../../src/operate/table.js';
import { estimateWarming, type Portion, type WarmOptions, warmTable } from '../../src/operate/warm.js';
import { change, RULES } from '../contract/store-contract.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { type MomentoStandIn, startMomento } from '../support/momento.js';
import { thoroughly } from '../support/thorough.js';

let dynamodb: DynamoDBServer;
let memcached: MemcachedServer;
let momento: MomentoStandIn;
beforeAll(async () => {
  [dynamodb, memcached, momento] = await Promise.all([startDynamoDB(), startMemcached(), startMomento()]);
});
afterAll(() => Promise.all([dynamodb?.stop(), memcached?.stop(), momento?.stop()]));

const COUNT = 250;
const tableName = 'orders';
const keyOf = (id: number): AttributeMap => ({
  customerId: { S: `c${id % 10}` },
  orderId: { N: String(id) },
});
const itemOf = (id: number, state = 'new'): AttributeMap => ({ ...keyOf(id), state: { S: state } });

describe.each([
  ['Redis', () => inject('redisUrl')],
  ...thoroughly(['Redis Cluster', () => inject('redisClusterUrl')] as const),
  ['memcached', () => memcached.url],
  ["Momento's stand-in", () => momento.url],
] as const)('warm, on %s', (_, urlOf) => {
  const namespace = `warm${randomUUID().replaceAll('-', '')}`;
  let ns = 0;
  let cache: Operated;
  let table: Table;

  beforeAll(async () => {
    cache = await openOperated(urlOf());
    const client = dynamodb.client();
    await createTable(client, tableName, { customerId: 'S', orderId: 'N' }).catch(() => {}); // another cache's turn made it
    for (let from = 0; from < COUNT; from += 25) {
      const requests = Array.from({ length: 25 }, (_, n) => ({
        PutRequest: { Item: itemOf(from + n) as never },
      }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } }));
    }
    table = openTable({ client, tableName });
  });
  afterAll(() => cache?.close());

  /** A cache of its own for each test. */
  function fresh() {
    ns += 1;
    const own = `${namespace}x${ns}`;
    const nameOf = (id: number) => itemKey(own, tableName, keyOf(id));
    const warm = (lanes: readonly Lane<Portion>[], more: Partial<WarmOptions> = {}) =>
      warmTable({
        ...{ cache, table, tableName, lanes, namespace: own, keyNames: ['customerId', 'orderId'] },
        settings: resolveConfig({ cache: 'memory:' }).table(tableName),
        ...more,
      });
    const cached = async (id: number) => (await cache.store.get([nameOf(id)]))[0];
    return { own, nameOf, warm, cached };
  }
  const page = (portion: Page): Lane<Portion> => ({
    name: 'a page',
    async *portions() {
      yield { portion, place: 'end' };
    },
  });
  const nothing = { filled: 0, cached: 0, refused: 0, absent: 0, unstorable: 0 };

  test('stores what is not cached, and leaves alone what is', async () => {
    const { warm, cached, nameOf } = fresh();
    await cache.store.apply([change(nameOf(3), 1, { value: encode(itemOf(3, 'newer')) })], RULES);
    const warmed = await warm(table.segments(3, { isStrong: true }));
    expect(warmed).toEqual({ ...nothing, filled: COUNT - 1, cached: 1 });
    expect(await cached(3)).toBe(encode(itemOf(3, 'newer')));
    const others = await Promise.all([0, 1, COUNT - 1].map(cached));
    expect(others).toEqual([0, 1, COUNT - 1].map((id) => encode(itemOf(id))));
  });

  test('reads again what changed after a page was read: the page may be older', async () => {
    const { warm, cached, nameOf } = fresh();
    const readAt = performance.now();
    await cache.store.apply([change(nameOf(5), 1, { action: 'delete', value: '' })], RULES);
    const old = [5, 6].map((id) => itemOf(id, 'of before'));
    expect(await warm([page({ items: old, readAt })])).toEqual({ ...nothing, filled: 2 });
    expect(await cached(5)).toBe(encode(itemOf(5)));
    expect(await cached(6)).toBe(encode(itemOf(6, 'of before'))); // nothing changed it: the page counts
  });

  test('reads again what stood on a page that is older than a change takes to settle', async () => {
    const { warm, cached } = fresh();
    const readAt = performance.now() - 1_001;
    expect(await warm([page({ items: [itemOf(7, 'of before')], readAt })])).toEqual({
      ...nothing,
      filled: 1,
    });
    expect(await cached(7)).toBe(encode(itemOf(7)));
  });

  test('stores nothing over a change that comes while it reads', async () => {
    const { warm, cached, nameOf } = fresh();
    const readAll: Table['readAll'] = async (keys) => {
      const items = await table.readAll(keys);
      await cache.store.apply([change(nameOf(8), 1, { value: encode(itemOf(8, 'newer')) })], RULES);
      return items;
    };
    const keys = { name: 'keys', portions: () => of([{ portion: { keys: [keyOf(8)] }, place: '1' }]) };
    expect(await warm([keys], { table: { ...table, readAll } })).toEqual({ ...nothing, refused: 1 });
    expect(await cached(8)).toBe(encode(itemOf(8, 'newer')));
  });

  test('a change that was made after the page was read is applied when it comes, not held to be included', async () => {
    const { warm, cached, nameOf } = fresh();
    const at = Date.now() - 3_500; // of a page that old it would be included; what is filled may be older than it
    const readAt = performance.now() - 900;
    await warm([page({ items: [itemOf(9, 'of before')], readAt })]);
    await cache.store.apply([change(nameOf(9), 1, { at, value: encode(itemOf(9, 'newer')) })], RULES);
    expect(await cached(9)).not.toBe(encode(itemOf(9, 'of before')));
  });

  test('keys that the table has no item of are counted, and nothing is stored for them', async () => {
    const { warm, cached } = fresh();
    const keys = [keyOf(1), keyOf(COUNT + 1), keyOf(1)];
    const lane = { name: 'keys', portions: () => of([{ portion: { keys }, place: '3' }]) };
    expect(await warm([lane])).toMatchObject({ absent: 1 });
    expect(await cached(1)).toBe(encode(itemOf(1)));
    expect(await cached(COUNT + 1)).toBeUndefined();
  });

  test('a partition is a query', async () => {
    const { warm, cached } = fresh();
    const lanes = [table.partition({ customerId: { S: 'c4' } }, { isStrong: true })];
    expect(await warm(lanes)).toEqual({ ...nothing, filled: COUNT / 10 });
    expect([await cached(4), await cached(5)]).toEqual([encode(itemOf(4)), undefined]);
  });

  test('stopped in the middle it goes on where it was', async () => {
    const { warm } = fresh();
    const stop = new AbortController();
    const places: Places = {};
    const lanes = () => table.segments(1, { isStrong: true, limit: 100 });
    const before = await warm(lanes(), { places, signal: stop.signal, onProgress: () => stop.abort() });
    expect(before).toEqual({ ...nothing, filled: 100 });
    const restored = JSON.parse(JSON.stringify(places));
    expect(await warm(lanes(), { places: restored, before })).toEqual({ ...nothing, filled: COUNT });
  });

  test('writers of the table see what they write, whatever it stores meanwhile', async () => {
    const { warm, nameOf } = fresh();
    const client = dynamodb.client();
    let version = 0;
    const write = async (id: number) => {
      version += 1;
      const item = itemOf(id, `v${version}`);
      await client.send(new PutItemCommand({ TableName: tableName, Item: item as never }));
      await cache.store.apply([change(nameOf(id), version, { value: encode(item) })], RULES);
    };
    const warming = warm(table.segments(1, { isStrong: true, limit: 10 }));
    for (let id = 0; id < COUNT; id += 5) await write(id);
    await warming;
    const keys = Array.from({ length: COUNT }, (_, id) => id);
    const texts = await cache.store.get(keys.map(nameOf));
    const items = await table.readAll(keys.map(keyOf));
    expect(
      texts.filter((text, id) => text !== undefined && text !== encode(items[id] as AttributeMap)),
    ).toEqual([]);
    for (let id = 0; id < COUNT; id += 5) {
      await client.send(new PutItemCommand({ TableName: tableName, Item: itemOf(id) as never }));
    }
  });
});

test('what it will take is told of a sample, with what the cache has', async () => {
  const cache = await openOperated(inject('redisUrl'));
  const settings = resolveConfig({
    ...{
      cache: 'memory:',
      tables: {
        [tableName]: {
          partitionKey: 'customerId',
          sortKey: 'orderId',
          items: [{ key: { customerId: 'c3' }, cached: false }],
        },
      },
    },
  }).table(tableName);
  const of = { cache, tableName, keyNames: ['customerId', 'orderId'], settings };
  const sample = [itemOf(1), itemOf(2), itemOf(3)];
  const estimate = await estimateWarming(of, 1_500_000, sample);
  const text = `${itemKey(undefined, tableName, keyOf(1))}${encode(itemOf(1))}`;
  expect(estimate.bytesPerItem - text.length).toBeGreaterThan(80);
  expect(estimate.bytes).toBe(estimate.bytesPerItem * 1_000_000);
  expect(estimate.bytesAtFirst).toBeGreaterThan(estimate.bytes * 1.5);
  expect(estimate.memory).toMatchObject({ usedBytes: expect.any(Number) });
  await cache.close();
});

async function* of<T>(portions: readonly T[]): AsyncGenerator<T> {
  yield* portions;
}

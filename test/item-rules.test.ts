import {
  BatchGetItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { filterCriteriaOf, type ItemRule } from '../src/index.js';
import { guardKey, itemKey } from '../src/key.js';
import { readFilter } from '../src/local/filter.js';
import { newPair, type Pair } from './read/rig.js';
import { record } from './support/records.js';
import type { Change } from './support/table.js';

/** One table with customers, their profiles, their sessions and their events: which are cached, and for how long. */

const RULES: readonly ItemRule[] = [
  { key: { sk: { prefix: 'EVENT#' } }, cached: false },
  { key: { pk: { prefix: 'USER#' }, sk: 'SESSION' }, ttlSeconds: 60 },
];
type Key = Record<string, { S: string }>;
const id = (pk: string, sk: string): Key => ({ pk: { S: pk }, sk: { S: sk } });
const PROFILE = id('USER#1', 'PROFILE');
const SESSION = id('USER#1', 'SESSION');
const EVENT = id('USER#1', 'EVENT#7');

let pair: Pair;
function open(more: { items?: readonly ItemRule[]; writeThrough?: boolean; filtered?: boolean } = {}): void {
  const app = { partitionKey: 'pk', sortKey: 'sk', items: RULES, ...more };
  pair = newPair({ tables: { app }, ttlJitter: 0 }, 1, { app: ['pk', 'sk'] });
}
beforeEach(() => open());

const put = (key: Key, n = '1'): Change => pair.table.put({ ...key, n: { N: n } }, 'app');
const get = async (Key: Key) =>
  (await pair.client.send(new GetItemCommand({ TableName: 'app', Key }))).Item?.n;
const cached = async (key: Key) => (await pair.cache.get([itemKey(undefined, 'app', key)]))[0];
const guard = async (key: Key) => (await pair.cache.get([guardKey(itemKey(undefined, 'app', key))]))[0];
const declined = () => pair.reports.flatMap((report) => (report.type === 'declined' ? [report.reason] : []));

describe('the stream', () => {
  test('brings what is cached, and nothing else', async () => {
    await pair.deliver(put(PROFILE), put(SESSION), put(EVENT));
    expect(pair.outcomes('record')).toEqual(['written', 'written', 'skipped']);
    expect(await cached(PROFILE)).toBeDefined();
    expect(await cached(SESSION)).toBeDefined();
    expect([await cached(EVENT), await guard(EVENT)]).toEqual([undefined, undefined]);
  });

  test('keeps it for as long as the first rule that fits says', async () => {
    await pair.deliver(put(PROFILE), put(SESSION));
    pair.clock.pass(61_000);
    expect(await cached(SESSION)).toBeUndefined();
    expect(await cached(PROFILE)).toBeDefined();
  });

  test('ends results that an item is in which is not cached itself', async () => {
    const ofUser = new QueryCommand({
      TableName: 'app',
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: 'USER#1' } },
    });
    const query = async () => (await pair.client.send(ofUser)).Items?.map(({ n }) => n?.N);
    await pair.deliver(put(EVENT, '1'));
    pair.clock.pass(10_000);
    expect(await query()).toEqual(['1']);
    expect(await query()).toEqual(['1']);
    expect(pair.count('hit')).toBe(1);
    await pair.deliver(put(EVENT, '2'));
    expect(await query()).toEqual(['2']);
  });
});

describe('a reader', () => {
  test('leaves to DynamoDB what is not cached', async () => {
    put(EVENT);
    await get(EVENT);
    await get(EVENT);
    expect(pair.table.requests('GetItem')).toHaveLength(2);
    expect(declined()).toEqual(['item', 'item']);
    expect([await cached(EVENT), await guard(EVENT)]).toEqual([undefined, undefined]);
  });

  test('stores what is cached for as long as the stream would', async () => {
    put(SESSION);
    await get(SESSION);
    await get(SESSION);
    expect(pair.count('hit')).toBe(1);
    pair.clock.pass(61_000);
    expect(await cached(SESSION)).toBeUndefined();
  });

  test('asks for the rest of a batch in one request, as the caller did', async () => {
    for (const key of [PROFILE, SESSION, EVENT]) put(key);
    await get(PROFILE);
    const batch = (...Keys: Key[]) =>
      pair.client.send(new BatchGetItemCommand({ RequestItems: { app: { Keys } } }));
    const { Responses, ...rest } = await batch(EVENT, PROFILE, SESSION);
    expect(Responses?.app).toHaveLength(3);
    expect((rest as { CacheMetadata?: object }).CacheMetadata).toMatchObject({
      CacheHitCount: 1,
      CacheMissCount: 2,
    });
    expect(pair.table.requests('BatchGetItem').map(({ RequestItems }) => RequestItems.app.Keys)).toEqual([
      [EVENT, SESSION],
    ]);
    await batch(EVENT, PROFILE, SESSION);
    expect(pair.table.requests('BatchGetItem').at(-1)?.RequestItems.app.Keys).toEqual([EVENT]);
    await batch(EVENT, id('USER#2', 'EVENT#8'));
    expect(await cached(EVENT)).toBeUndefined();
  });
});

describe('a writer', () => {
  test('voids nothing of what is not cached, and ends the results that it is in', async () => {
    await pair.client.send(new PutItemCommand({ TableName: 'app', Item: { ...EVENT, n: { N: '1' } } }));
    await pair.client.send(
      new UpdateItemCommand({
        ...{ TableName: 'app', Key: EVENT, UpdateExpression: 'SET n = :n' },
        ExpressionAttributeValues: { ':n': { N: '2' } },
      }),
    );
    expect(await guard(EVENT)).toBeUndefined();
    expect(pair.reports.flatMap((report) => (report.type === 'void' ? [report.keys] : []))).toEqual([[], []]);
  });

  test('writes through what is cached alone', async () => {
    open({ writeThrough: true });
    for (const key of [EVENT, SESSION]) {
      await pair.client.send(new PutItemCommand({ TableName: 'app', Item: { ...key, n: { N: '1' } } }));
    }
    expect([await cached(EVENT), await cached(SESSION)]).toEqual([undefined, expect.any(String)]);
  });
});

test('a rule that fits every item turns the others into those that are cached', async () => {
  open({ items: [{ key: { sk: 'PROFILE' } }, { key: {}, cached: false }] });
  await pair.deliver(put(PROFILE), put(SESSION));
  expect(pair.outcomes('record')).toEqual(['written', 'skipped']);
});

describe('of a table whose stream is filtered by the same rules', () => {
  const FILTERED: readonly ItemRule[] = [
    { key: { pk: { prefix: 'USER#' }, sk: 'PROFILE' } },
    { key: { pk: { prefix: 'SHOP#' } }, ttlSeconds: 60 },
    { key: {}, cached: false },
  ];
  const queryOf = (pk: string, more = {}) =>
    pair.client.send(
      new QueryCommand({
        ...{ TableName: 'app', KeyConditionExpression: 'pk = :pk', ...more },
        ExpressionAttributeValues: { ':pk': { S: pk } },
      }),
    );

  test('every record of an item that is cached passes, and no other', () => {
    const passes = readFilter(filterCriteriaOf(FILTERED));
    const keys = [id('USER#1', 'PROFILE'), id('USER#1', 'EVENT#1'), id('SHOP#1', 'x'), id('x', 'PROFILE')];
    expect(keys.map((Keys) => passes(record({ keys: Keys })))).toEqual([true, false, true, false]);
  });

  test('results are cached of partitions of which all is, and of no other, no index and no scan', async () => {
    open({ items: FILTERED, filtered: true });
    put(id('SHOP#1', 'x'));
    for (const pk of ['SHOP#1', 'USER#1', 'ELSE']) for (const _ of [1, 2]) await queryOf(pk);
    await queryOf('SHOP#1', { IndexName: 'byStatus' }).catch(() => {});
    for (const _ of [1, 2, 3]) await pair.client.send(new ScanCommand({ TableName: 'app' }));
    expect(pair.count('hit')).toBe(1);
    expect(declined()).toEqual(Array(4 + 1 + 3).fill('item'));
  });

  test('rules that name what is left out are refused: no filter can say them', () => {
    expect(() => filterCriteriaOf(RULES)).toThrow(
      /^filterCriteriaOf cannot filter by these rules: the last has to be/,
    );
  });
});

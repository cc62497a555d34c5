import {
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { StreamCacheConfig } from '../../src/options.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import type { Report } from '../../src/report.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore } from '../../src/store/store.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import { event } from '../support/records.js';
import { type UnreliableStore, unreliable } from '../support/stores.js';
import { FAILURES, newTableStub, recordOf, type TableStub } from '../support/table.js';
import { thoroughly } from '../support/thorough.js';
import { batchGetUsers, getUser, nameIn, silent, user } from './rig.js';

/** Environments of a function: each has a middleware of its own, and knows nothing of the others. */
const PROCESSES = 200;

describe.each([
  ['memory', () => 'memory:'],
  ['a Redis server', () => inject('redisUrl')],
  ...thoroughly<[string, () => string]>(['a Redis Cluster', () => inject('redisClusterUrl')]),
])('a fleet with one cache: %s', (_, url) => {
  let store: CacheStore;
  let cache: UnreliableStore;
  let table: TableStub;
  let reports: Report[];
  let config: StreamCacheConfig;
  let id: string;

  beforeEach(() => {
    store = openStore(url(), 4_000);
    cache = unreliable(store);
    table = newTableStub();
    reports = [];
    id = `hot-${Math.random()}`;
    // A busy machine is no reason to give up on the cache, or to take a reader for dead.
    config = {
      cache,
      logger: silent,
      readTimeoutMs: 10_000,
      leaseMs: 10_000,
      onReport: (each) => reports.push(each),
    };
  });
  afterEach(() => store.close());

  function newFleet(size = PROCESSES, more: StreamCacheConfig = {}): DynamoDBClient[] {
    return Array.from({ length: size }, () => {
      const client = table.client();
      client.middlewareStack.use(NewCachingMiddleware({ ...config, ...more }));
      return client;
    });
  }

  const begun = (count: number) =>
    until(() => cache.calls.filter(([method]) => method === 'begin').length >= count);
  const reads = () => table.log.filter(({ operation }) => operation !== 'PutItem').length;
  const outcomes = (type: Report['type']) =>
    reports.flatMap((each) => (each.type === type && 'outcome' in each ? [each.outcome] : []));

  test('200 processes that miss one item at once read the table once', async () => {
    table.put(user(id, 'Ada'));
    const read = table.hold('GetItem', 'after');
    const answers = newFleet().map((client) => getUser(client, id));
    await begun(PROCESSES);
    read.release();
    expect(new Set((await Promise.all(answers)).map(nameIn))).toEqual(new Set(['Ada']));
    expect(reads()).toBe(1);
  });

  test('an item that is known not to exist is waited for like any other', async () => {
    const read = table.hold('GetItem', 'after');
    const answers = newFleet(20).map((client) => getUser(client, id));
    await begun(20);
    read.release();
    expect(new Set((await Promise.all(answers)).map(nameIn))).toEqual(new Set([undefined]));
    expect(reads()).toBe(1);
  });

  test('when the one that reads is killed, the others lose one leaseMs, and one of them reads', async () => {
    table.put(user(id, 'Ada'));
    const [dies, ...fleet] = newFleet(PROCESSES, { leaseMs: 500 }) as [DynamoDBClient, ...DynamoDBClient[]];
    const read = table.hold('GetItem', 'before');
    const killed = getUser(dies, id);
    await read.reached;
    const start = performance.now();
    const answers = await Promise.all(fleet.map((client) => getUser(client, id)));
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(new Set(answers.map(nameIn))).toEqual(new Set(['Ada']));
    expect(reads()).toBe(2);
    read.release();
    await killed;
  });

  test('when the read fails, one of those who waited takes it over', async () => {
    table.put(user(id, 'Ada'));
    const read = table.hold('GetItem', 'before');
    table.fail(FAILURES.throttled);
    const [fails, ...fleet] = newFleet(50) as [DynamoDBClient, ...DynamoDBClient[]];
    const failing = expect(getUser(fails, id)).rejects.toThrow();
    await read.reached;
    const answers = fleet.map((client) => getUser(client, id));
    await begun(50);
    read.release();
    await failing;
    expect(new Set((await Promise.all(answers)).map(nameIn))).toEqual(new Set(['Ada']));
    expect(reads()).toBe(2);
  });

  test('nobody waits for an item that cannot be stored, once that is known', async () => {
    const expired = { ...user(id, 'Ada'), expires: { N: String(Math.floor(Date.now() / 1000) - 60) } };
    table.put(expired);
    for (const client of newFleet(3, { ttlAttribute: 'expires' }))
      expect(nameIn(await getUser(client, id))).toBe('Ada');
    expect(outcomes('fill')).toEqual(['expired', 'expired', 'expired']);
    expect(reads()).toBe(3);
  });

  test('who has waited long enough reads the table, and stores what it read', async () => {
    table.put(user(id, 'Ada'));
    const read = table.hold('GetItem', 'before');
    const [slow] = newFleet(1) as [DynamoDBClient];
    const [hasty] = newFleet(1, { readTimeoutMs: 1_000 }) as [DynamoDBClient];
    const slowly = getUser(slow, id);
    await read.reached;
    expect(nameIn(await getUser(hasty, id))).toBe('Ada');
    expect(outcomes('fill')).toEqual(['filled']);
    read.release();
    await slowly;
    expect(outcomes('fill')).toEqual(['filled', 'occupied']);
  });

  test('so does another client of the same middleware: nobody waits longer than it would for its own request', async () => {
    table.put(user(id, 'Ada'));
    const read = table.hold('GetItem', 'before');
    const middleware = NewCachingMiddleware({ ...config, readTimeoutMs: 200 });
    const [slow, hasty] = [table.client(), table.client()];
    for (const client of [slow, hasty]) client.middlewareStack.use(middleware);
    const slowly = getUser(slow, id);
    await read.reached;
    expect(nameIn(await getUser(hasty, id))).toBe('Ada');
    read.release();
    await slowly;
    expect(reads()).toBe(2);
  });

  test('who waits obeys its signal', async () => {
    const read = table.hold('GetItem', 'before');
    const [slow, waits] = newFleet(2) as [DynamoDBClient, DynamoDBClient];
    const slowly = getUser(slow, id);
    await read.reached;
    const abort = new AbortController();
    const waiting = getUser(waits, id, { abortSignal: abort.signal });
    await begun(2);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(reads()).toBe(1);
    read.release();
    await slowly;
  });

  test('with leaseMs 0 nobody waits', async () => {
    const read = table.hold('GetItem', 'before');
    const [slow, other] = newFleet(2, { leaseMs: 0 }) as [DynamoDBClient, DynamoDBClient];
    const slowly = getUser(slow, id);
    await read.reached;
    await getUser(other, id);
    expect(reads()).toBe(2);
    read.release();
    await slowly;
  });

  describe('a batch', () => {
    const named = ({ Responses }: { Responses?: Record<string, Record<string, unknown>[]> | undefined }) =>
      (Responses?.users ?? []).map((Item) => nameIn({ Item }));
    const keysRead = () =>
      table.requests('BatchGetItem').map(({ RequestItems }) => RequestItems.users.Keys.length);

    test('reads what nobody reads, and waits for what others are reading', async () => {
      for (const each of ['a', 'b', 'c']) table.put(user(`${id} ${each}`, each));
      const read = table.hold('GetItem', 'after');
      const [other, batch] = newFleet(2) as [DynamoDBClient, DynamoDBClient];
      const slowly = getUser(other, `${id} b`);
      await read.reached;
      const batched = batchGetUsers(batch, `${id} a`, `${id} b`, `${id} c`);
      await until(() => keysRead().length === 1);
      read.release();
      const answer = await batched;
      expect(named(answer)).toEqual(['a', 'b', 'c']);
      expect(answer).toMatchObject({
        UnprocessedKeys: {},
        CacheMetadata: { CacheHitCount: 1, CacheMissCount: 2 },
      });
      expect(keysRead()).toEqual([2]);
      expect(reports.filter(({ type }) => type === 'hit')).toHaveLength(1);
      expect(reports.filter(({ type }) => type === 'miss')).toHaveLength(3);
      await slowly;
    });

    test('of which others are reading everything reads nothing', async () => {
      const ids = ['a', 'b', 'c'].map((each) => `${id} ${each}`);
      for (const each of ids) table.put(user(each, each));
      const read = table.hold('BatchGetItem', 'after');
      const answers = newFleet(50).map((client) => batchGetUsers(client, ...ids));
      await begun(50);
      read.release();
      for (const answer of await Promise.all(answers)) expect(named(answer)).toEqual(ids);
      expect(keysRead()).toEqual([3]);
    });

    test('asks in a second request for what it has waited for in vain, and answers as one', async () => {
      for (const each of ['a', 'b']) table.put(user(`${id} ${each}`, each));
      const read = table.hold('GetItem', 'before');
      const [other] = newFleet(1) as [DynamoDBClient];
      const [hasty] = newFleet(1, { readTimeoutMs: 200 }) as [DynamoDBClient];
      const slowly = getUser(other, `${id} b`);
      await read.reached;
      const answer = await batchGetUsers(hasty, `${id} a`, `${id} b`);
      expect(named(answer)).toEqual(['a', 'b']);
      expect(answer.$metadata.httpStatusCode).toBe(200);
      expect(answer).toMatchObject({ CacheMetadata: { CacheHitCount: 0, CacheMissCount: 2 } });
      expect(keysRead()).toEqual([1, 1]);
      read.release();
      await slowly;
    });

    test('stores what it reads before it is done waiting: others may be waiting for that', async () => {
      for (const each of ['a', 'b']) table.put(user(`${id} ${each}`, each));
      const read = table.hold('GetItem', 'before');
      const [other, batch, third] = newFleet(3) as [DynamoDBClient, DynamoDBClient, DynamoDBClient];
      const slowly = getUser(other, `${id} b`);
      await read.reached;
      const batched = batchGetUsers(batch, `${id} a`, `${id} b`);
      await until(() => outcomes('fill').length === 1);
      expect((await getUser(third, `${id} a`)) as object).toMatchObject({
        CacheMetadata: { CacheHit: true },
      });
      read.release();
      await Promise.all([slowly, batched]);
    });

    test('gives back what DynamoDB did not process', async () => {
      for (const each of ['a', 'b']) table.put(user(`${id} ${each}`, each));
      table.leaveUnprocessed((key) => (key.id as { S: string }).S === `${id} b`);
      const [batch, next] = newFleet(2) as [DynamoDBClient, DynamoDBClient];
      const { UnprocessedKeys } = await batchGetUsers(batch, `${id} a`, `${id} b`);
      expect(UnprocessedKeys?.users?.Keys).toHaveLength(1);
      const start = performance.now();
      expect(nameIn(await getUser(next, `${id} b`))).toBe('b');
      expect(performance.now() - start).toBeLessThan(5_000);
    });
  });

  describe('a query', () => {
    const query = (client: DynamoDBClient, options: { abortSignal?: AbortSignal } = {}) =>
      client.send(
        new QueryCommand({
          TableName: 'users',
          KeyConditionExpression: 'id = :id',
          ExpressionAttributeValues: { ':id': { S: id } },
        }),
        options,
      );
    const namesIn = ({ Items = [] }: QueryCommandOutput) => Items.map((Item) => nameIn({ Item }));

    beforeEach(() => {
      config = { ...config, namespace: id, tables: { users: { partitionKey: 'id', sortKey: null } } };
      table.put(user(id, 'Ada'));
    });

    /** A reader of a result begins with its tag and with the result's lease. */
    const begunResults = (count: number) => begun(2 * count);

    test('that 200 processes ask at once is read once', async () => {
      const read = table.hold('Query', 'after');
      const answers = newFleet().map((client) => query(client));
      await begunResults(PROCESSES);
      read.release();
      for (const answer of await Promise.all(answers)) expect(namesIn(answer)).toEqual(['Ada']);
      expect(reads()).toBe(1);
      expect(reports.filter(({ type }) => type === 'hit')).toHaveLength(PROCESSES - 1);
      expect(reports.filter(({ type }) => type === 'miss')).toHaveLength(1);
    });

    test('does not wait for another query of the same partition', async () => {
      const read = table.hold('Query', 'after');
      const [one, other] = newFleet(2) as [DynamoDBClient, DynamoDBClient];
      const slowly = query(one);
      await read.reached;
      const descending = new QueryCommand({
        TableName: 'users',
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': { S: id } },
        ScanIndexForward: false,
      });
      expect(namesIn(await other.send(descending))).toEqual(['Ada']);
      read.release();
      await slowly;
    });

    test('whose read fails is taken over by one of those who waited', async () => {
      const read = table.hold('Query', 'before');
      table.fail(FAILURES.throttled);
      const [fails, ...fleet] = newFleet(20) as [DynamoDBClient, ...DynamoDBClient[]];
      const failing = expect(query(fails)).rejects.toThrow();
      await read.reached;
      const answers = fleet.map((client) => query(client));
      await begunResults(20);
      read.release();
      await failing;
      for (const answer of await Promise.all(answers)) expect(namesIn(answer)).toEqual(['Ada']);
      expect(reads()).toBe(2);
    });

    test('waits no longer for what is read under a generation that has moved', async () => {
      const [slow, waits, writer] = newFleet(3) as [DynamoDBClient, DynamoDBClient, DynamoDBClient];
      await query(writer); // so that the tag has a generation
      await writer.send(new PutItemCommand({ TableName: 'users', Item: user(id, 'before') }));
      const read = table.hold('Query', 'after');
      const slowly = query(slow);
      await read.reached;
      const waiting = query(waits);
      await begunResults(3);
      await writer.send(new PutItemCommand({ TableName: 'users', Item: user(id, 'after') }));
      expect(namesIn(await waiting)).toEqual(['after']);
      expect(namesIn(await query(writer))).toEqual(['after']);
      read.release();
      await slowly;
      expect(namesIn(await query(writer))).toEqual(['after']);
    });

    test('waits for its budget at most, and obeys its signal', async () => {
      const read = table.hold('Query', 'before');
      const [slow, waits] = newFleet(2) as [DynamoDBClient, DynamoDBClient];
      const [hasty] = newFleet(1, { readTimeoutMs: 200 }) as [DynamoDBClient];
      const slowly = query(slow);
      await read.reached;
      const abort = new AbortController();
      const waiting = query(waits, { abortSignal: abort.signal });
      await begunResults(2);
      abort.abort();
      await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
      expect(namesIn(await query(hasty))).toEqual(['Ada']);
      expect(outcomes('fill')).toEqual(['filled']);
      read.release();
      await slowly;
    });
  });

  test.each([
    ['cost the whole fleet one read each', false, 1],
    ['that are written through cost it none', true, 0],
  ])(
    'own writes %s, and their records cost none',
    {
      timeout: 60_000,
    },
    async (_does, writeThrough, readsOfRound) => {
      const fleet = newFleet(PROCESSES, {
        tables: { users: { partitionKey: 'id', sortKey: null, writeThrough } },
      });
      const handler = NewStreamCacheHandler(config);
      const everybody = async () =>
        new Set((await Promise.all(fleet.map((each) => getUser(each, id)))).map(nameIn));
      for (let round = 1; round <= 20; round += 1) {
        const writer = fleet[round] as DynamoDBClient;
        const name = `round ${round}`;
        await writer.send(new PutItemCommand({ TableName: 'users', Item: user(id, name) }));
        expect(nameIn(await getUser(writer, id))).toBe(name);
        expect(await everybody()).toEqual(new Set([name]));
        expect(reads()).toBe(round * readsOfRound);
        await handler(event(recordOf(table.changes.at(-1) as never)));
        expect(await everybody()).toEqual(new Set([name]));
        expect(reads()).toBe(round * readsOfRound);
      }
      expect(outcomes('record')).toEqual(new Array(20).fill('same'));
    },
  );
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

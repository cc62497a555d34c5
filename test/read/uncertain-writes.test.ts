import {
  BatchWriteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, test, vi } from 'vitest';
import { FAILURES } from '../support/table.js';
import { batchGetUsers, nameIn, newPair, type Pair, user } from './rig.js';

type Write = (client: DynamoDBClient, options?: { abortSignal: AbortSignal }) => Promise<unknown>;

const Item = user('1', 'new');
const WRITES: [operation: string, Write][] = [
  ['PutItem', (client, options) => client.send(new PutItemCommand({ TableName: 'users', Item }), options)],
  [
    'BatchWriteItem',
    (client, options) =>
      client.send(
        new BatchWriteItemCommand({ RequestItems: { users: [{ PutRequest: { Item } }] } }),
        options,
      ),
  ],
  [
    'TransactWriteItems',
    (client, options) =>
      client.send(
        new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName: 'users', Item } }] }),
        options,
      ),
  ],
];
const [[, put]] = WRITES as [(typeof WRITES)[0]];

async function cached(pair: Pair): Promise<Pair> {
  pair.table.put(user('1', 'old'));
  await pair.get('1');
  return pair;
}

/** Whether the next read of item 1 is answered by the cache. */
async function isCached({ table, get }: Pair): Promise<boolean> {
  const before = table.log.length;
  await get('1');
  return table.log.length === before;
}

describe.each(WRITES)('%s', (operation, write) => {
  test.each(['internal', 'timeout', 'socket', 'transactionInProgress'] as const)(
    "H7: after a failure that may have been carried out (%s) the entry is voided, and the failure is the caller's",
    async (failure) => {
      const pair = await cached(newPair());
      pair.table.fail(FAILURES[failure], 'carriedOut');
      await expect(write(pair.client)).rejects.toMatchObject({ message: expect.any(String) });
      expect(pair.outcomes('void')).toEqual(['voided']);
      expect(nameIn(await pair.get('1'))).toBe('new');
    },
  );

  test('H7: a condition that fails at the second attempt may fail because of the first: the entry is voided', async () => {
    const pair = await cached(newPair({}, 2));
    pair.table.fail(FAILURES.internal, 'carriedOut');
    pair.table.fail(FAILURES.conditionFailed);
    await expect(write(pair.client)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      $metadata: { attempts: 2 },
    });
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('H7: a write that an abort ended may have been carried out: the entry is voided', async () => {
    const pair = await cached(newPair());
    const abort = new AbortController();
    const held = pair.table.hold(operation, 'after');
    const written = write(pair.client, { abortSignal: abort.signal });
    await held.reached;
    abort.abort();
    await expect(written).rejects.toMatchObject({ name: 'AbortError' });
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test.each(['validation', 'conditionFailed', 'transactionCanceled', 'throttled'] as const)(
    'a definite refusal (%s) leaves the entry alone',
    async (failure) => {
      const pair = await cached(newPair());
      pair.table.fail(FAILURES[failure]);
      await expect(write(pair.client)).rejects.toMatchObject({ $fault: 'client' });
      expect(pair.count('void')).toBe(0);
      expect(await isCached(pair)).toBe(true);
    },
  );

  test('a write to a table that is not cached asks nothing of the cache', async () => {
    const pair = newPair({ tables: ['orders'] });
    await write(pair.client);
    expect(pair.cache.calls).toEqual([]);
  });
});

describe('a write that the cache did not confirm to have voided', () => {
  /** The cache keeps the old item, and nothing of the write. */
  async function unvoided(config = {}): Promise<Pair> {
    const pair = await cached(newPair(config));
    pair.cache.failWhen((_key, method) => method === 'void' || method === 'move');
    await put(pair.client);
    return pair;
  }

  test('H7: succeeds, and this process does not read the entry', async () => {
    const pair = await unvoided();
    expect(pair.outcomes('void')).toEqual(['failed']);
    expect((await pair.memory.store.get(['users:id=1']))[0]).toContain('old');
    for (const _ of [1, 2]) {
      expect(nameIn(await pair.get('1'))).toBe('new');
      expect((await batchGetUsers(pair.client, '1')).Responses?.users).toEqual([user('1', 'new')]);
    }
    expect(pair.outcomes('fill')).toEqual(['filled']); // before the write
  });

  test('H7: is read with strong consistency, alone and in a batch, whatever a replica says', async () => {
    const pair = await cached(newPair());
    pair.table.lag();
    pair.cache.failWhen((_key, method) => method === 'void');
    await put(pair.client);
    expect(nameIn(await pair.get('1'))).toBe('new');
    expect((await batchGetUsers(pair.client, '1', '2')).Responses?.users).toEqual([user('1', 'new')]);
    expect(pair.count('strong-read')).toBe(2);
  });

  test('H7: is queried with strong consistency, whatever a replica says', async () => {
    const pair = newPair();
    pair.table.put(user('1', 'old'));
    pair.table.lag();
    pair.cache.failWhen((_key, method) => method === 'move');
    await put(pair.client);
    const { Items } = await pair.client.send(
      new QueryCommand({
        TableName: 'users',
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': { S: '1' } },
      }),
    );
    expect(Items).toEqual([user('1', 'new')]);
  });

  test('H7: is still not read when the stream has been behind for longer than guards live', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const pair = await unvoided();
    vi.setSystemTime(Date.now() + 400_000);
    expect(nameIn(await pair.get('1'))).toBe('new');
    vi.useRealTimers();
  });

  test('H7: is voided before the next read, as soon as the cache takes it', async () => {
    const pair = await unvoided();
    pair.cache.failWhen(() => false);
    expect(nameIn(await pair.get('1'))).toBe('new');
    expect(await isCached(pair)).toBe(true);
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('H7: a batch voids all such entries in one round trip', async () => {
    const pair = newPair();
    const ids = ['1', '2', '3'];
    for (const id of ids) pair.table.put(user(id, 'old'));
    await batchGetUsers(pair.client, ...ids);
    pair.cache.failWhen((_key, method) => method === 'void');
    for (const id of ids)
      await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user(id, 'new') }));
    pair.cache.failWhen(() => false);
    pair.cache.calls.length = 0;
    const { Responses } = await batchGetUsers(pair.client, ...ids);
    expect(Responses?.users).toEqual(ids.map((id) => user(id, 'new')));
    const keys = ids.map((id) => `users:id=${id}`);
    expect(pair.cache.calls).toEqual([
      ['void', keys],
      ['get', keys],
      ['begin', keys],
      ['fill', keys],
    ]);
  });

  test('H7: a later write that is not confirmed either is not forgotten with the first', async () => {
    const pair = await unvoided();
    const { cache } = pair;
    cache.failWhen(() => false);
    const toVoid = cache.void;
    let release = () => {};
    const reached = new Promise<void>((isReached) => {
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      cache.void = async (...args) => {
        cache.void = toVoid;
        const answers = await toVoid(...args);
        isReached();
        await released; // the first write is voided, but nobody knows yet
        return answers;
      };
    });
    const reading = pair.get('1');
    await reached;
    cache.failWhen((_key, method) => method === 'void');
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'newest') }));
    release();
    await reading;
    expect(nameIn(await pair.get('1'))).toBe('newest');
    expect(pair.outcomes('fill')).toEqual(['filled']); // before the writes
  });

  test('H7: is not read in a batch in which another one was voided', async () => {
    const pair = newPair();
    for (const id of ['1', '2']) pair.table.put(user(id, 'old'));
    await batchGetUsers(pair.client, '1', '2');
    pair.cache.failWhen((_key, method) => method === 'void');
    for (const id of ['1', '2'])
      await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user(id, 'new') }));
    pair.cache.failWhen((key, method) => method === 'void' && key === 'users:id=1');
    const { Responses } = await batchGetUsers(pair.client, '1', '2');
    expect(Responses?.users).toEqual([user('1', 'new'), user('2', 'new')]);
  });

  test('H7: a query of an index is not served while one of its two tags did not move', async () => {
    const pair = newPair({ tables: { users: { indexes: { byName: { partitionKey: 'name' } } } } });
    pair.table.put(user('1', 'old'));
    const query = new QueryCommand({
      TableName: 'users',
      IndexName: 'byName',
      KeyConditionExpression: '#n = :n',
      ExpressionAttributeNames: { '#n': 'name' },
      ExpressionAttributeValues: { ':n': { S: 'old' } },
    });
    const read = async () => (await pair.client.send(query)).Items;
    for (const _ of [1, 2]) expect(await read()).toEqual([user('1', 'old')]);
    pair.cache.failWhen((key, method) => method === 'move' && key === 'users*byName*');
    await put(pair.client);
    expect(pair.outcomes('void')).toEqual(['failed']);
    expect(await read()).toEqual([]);
  });

  test.each<[string, QueryCommand | ScanCommand]>([
    [
      'query',
      new QueryCommand({
        TableName: 'users',
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': { S: '1' } },
      }),
    ],
    ['scan', new ScanCommand({ TableName: 'users' })],
  ])('H7: a %s is not served from what is stored under a tag that did not move', async (_name, command) => {
    const pair = newPair({ tables: { users: { partitionKey: 'id' } } });
    pair.table.put(user('1', 'old'));
    const read = async () => (await pair.client.send(command as QueryCommand)).Items;
    for (const _ of [1, 2, 3]) expect(await read()).toEqual([user('1', 'old')]);
    expect(pair.count('hit')).toBeGreaterThan(0);
    pair.cache.failWhen((_key, method) => method === 'move');
    await put(pair.client);
    expect(await read()).toEqual([user('1', 'new')]);
    pair.cache.failWhen(() => false);
    expect(await read()).toEqual([user('1', 'new')]);
    pair.clock.pass(6_000);
    await read();
    const reached = pair.table.log.length;
    expect(await read()).toEqual([user('1', 'new')]);
    expect(pair.table.log).toHaveLength(reached);
  });
});

describe('a write that is no sound request', () => {
  test.each<[string, unknown]>([
    ['no item', new PutItemCommand({ TableName: 'users' } as never)],
    ['a key that is no key', new PutItemCommand({ TableName: 'users', Item: { id: { N: 'abc' } } })],
    ['no requests', new BatchWriteItemCommand({ RequestItems: { users: [] } })],
    ['a table without requests', new BatchWriteItemCommand({ RequestItems: { users: undefined } } as never)],
    ['an empty request', new BatchWriteItemCommand({ RequestItems: { users: [{}] } })],
    ['an empty action', new TransactWriteItemsCommand({ TransactItems: [{}] })],
    ['no actions', new TransactWriteItemsCommand({} as never)],
  ])('(%s) fails as it does without the cache, whatever the failure', async (_name, command) => {
    const pair = newPair({
      tables: { users: { partitionKey: 'id', indexes: { i: { partitionKey: 'id' } } } },
    });
    const failure = async (client: DynamoDBClient) => {
      pair.table.fail(FAILURES.internal);
      return client.send(command as PutItemCommand).then(
        () => expect.unreachable(),
        (error: Error) => [error.name, error.message],
      );
    };
    expect(await failure(pair.client)).toEqual(await failure(pair.table.client()));
  });
});

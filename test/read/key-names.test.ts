import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import type { StreamCacheConfig } from '../../src/options.js';
import { mayBeKeysOf } from '../../src/read/key-names.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import type { Table } from '../../src/read/reader.js';
import { unreliable } from '../support/stores.js';
import { batchGetUsers, getUser, nameIn, newPair, type Pair, silent, user } from './rig.js';

const ORDER = { customerId: { S: 'c' }, orderId: { N: '7' }, state: { S: 'new' } };
const OrderKey = { customerId: { S: 'c' }, orderId: { N: '7' } };

/** What was said to a logger, by level. */
function newLog() {
  const said: [level: string, message: string, details: Record<string, unknown>][] = [];
  const say = (level: string) => (message: string, details: Record<string, unknown>) => {
    said.push([level, message, details]);
  };
  return {
    said,
    logger: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
    of: (level: string, about: string) => said.filter(([at, text]) => at === level && text.includes(about)),
  };
}

/** Another process with the same table and cache: it shares nothing else. */
function otherProcess({ table, memory, options }: Pair, config: StreamCacheConfig = {}) {
  const client = table.client();
  const cache = unreliable(memory.store);
  client.middlewareStack.use(NewCachingMiddleware({ ...options, cache, ...config }));
  return { client, cache, get: (id: string) => getUser(client, id) };
}

const getOrder = (client: DynamoDBClient) =>
  client.send(new GetItemCommand({ TableName: 'orders', Key: OrderKey }));

const setState = { UpdateExpression: 'SET state = :s', ExpressionAttributeValues: { ':s': { S: 'paid' } } };

/** Calls that DynamoDB accepts and that show which attributes are the key of orders. */
const TELLING: [name: string, (client: DynamoDBClient) => Promise<unknown>][] = [
  ['GetItem', getOrder],
  [
    'BatchGetItem',
    (client) => client.send(new BatchGetItemCommand({ RequestItems: { orders: { Keys: [OrderKey] } } })),
  ],
  [
    'UpdateItem',
    (client) => client.send(new UpdateItemCommand({ TableName: 'orders', Key: OrderKey, ...setState })),
  ],
  ['DeleteItem', (client) => client.send(new DeleteItemCommand({ TableName: 'orders', Key: OrderKey }))],
  [
    'TransactWriteItems',
    (client) =>
      client.send(
        new TransactWriteItemsCommand({
          TransactItems: [{ Update: { TableName: 'orders', Key: OrderKey, ...setState } }],
        }),
      ),
  ],
  [
    'Query whose page ends',
    (client) =>
      client.send(
        new QueryCommand({
          TableName: 'orders',
          KeyConditionExpression: 'customerId = :c',
          ExpressionAttributeValues: { ':c': { S: 'c' } },
          Limit: 1,
        }),
      ),
  ],
];

describe('key names that the table contradicts', () => {
  test.each(TELLING)(
    'end the caching of its items as soon as a %s shows it, which is said once',
    async (_, tell) => {
      const log = newLog();
      const pair = newPair({
        tables: { orders: { sortKey: null, partitionKey: 'customerId' } },
        logger: log.logger,
      });
      pair.table.put(ORDER, 'orders');
      pair.table.put({ ...ORDER, orderId: { N: '8' } }, 'orders');
      await tell(pair.client);
      const reached = pair.table.log.length;
      for (const _ of [1, 2]) await getOrder(pair.client);
      expect(pair.table.log).toHaveLength(reached + 2);
      const answered = pair.reports.filter(({ type }) => type === 'hit' || type === 'fill');
      expect(answered.filter((report) => 'key' in report && !report.key?.includes(':result:'))).toEqual([]);
      expect(log.of('error', 'Items of a table')).toEqual([
        [
          'error',
          'Items of a table are no longer cached',
          expect.objectContaining({
            tableName: 'orders',
            remedy: expect.stringContaining('partitionKey and sortKey'),
          }),
        ],
      ]);
      expect(pair.reports.filter(({ type }) => type === 'uncertain')).toEqual([
        { type: 'uncertain', reason: 'key-names-contradicted', tableName: 'orders' },
      ]);
    },
  );

  test.each<[string, unknown]>([
    ['the item of a PutItem', new PutItemCommand({ TableName: 'users', Item: user('1', 'new') })],
    ['an item of a Scan', new ScanCommand({ TableName: 'users' })],
  ])('end the caching of its items when %s has not the key', async (_, command) => {
    const pair = newPair({ tables: { users: { partitionKey: 'email', sortKey: null } } });
    pair.table.put(user('1', 'old'));
    for (const _ of [1, 2]) await pair.client.send(command as ScanCommand);
    expect(pair.reports).toContainEqual({
      type: 'uncertain',
      reason: 'key-names-contradicted',
      tableName: 'users',
    });
  });

  test('lose no item of a BatchGetItem, and leave none in the cache as absent', async () => {
    for (const orders of [
      { partitionKey: 'customerId', sortKey: null },
      { partitionKey: 'customerId', sortKey: 'state' },
    ]) {
      const pair = newPair({ tables: { orders } });
      pair.table.put(ORDER, 'orders');
      const get = () =>
        pair.client.send(new BatchGetItemCommand({ RequestItems: { orders: { Keys: [OrderKey] } } }));
      for (const _ of [1, 2]) expect((await get()).Responses).toEqual({ orders: [ORDER] });
      expect((await getOrder(otherProcess(pair, { tables: {} as never }).client)).Item).toEqual(ORDER);
      expect((await pair.memory.store.get(['orders:customerId=c,orderId#7']))[0]).toBeUndefined();
    }
  });

  test('end the caching of a table that was made anew with another key', async () => {
    const log = newLog();
    const pair = newPair({ logger: log.logger });
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    pair.table.remake('users', ['name']);
    const Item = { name: { S: 'Ada' }, id: { S: '1' } };
    const read = () =>
      pair.client.send(
        new BatchGetItemCommand({ RequestItems: { users: { Keys: [{ name: { S: 'Ada' } }] } } }),
      );
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item }));
    for (const _ of [1, 2]) expect((await read()).Responses).toEqual({ users: [Item] });
    expect(pair.table.requests('BatchGetItem')).toHaveLength(2);
    expect(log.of('error', 'Items of a table')).toHaveLength(1);
  });

  test('are those of a note in the cache, too, where DynamoDB has not said otherwise', async () => {
    const pair = newPair();
    await pair.get('1');
    const log = newLog();
    const { client } = otherProcess(pair, {
      tables: { users: { partitionKey: 'id', sortKey: 'name' } },
      logger: log.logger,
    });
    await client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'new') }));
    expect(log.of('error', 'Items of a table')[0]?.[2]).toMatchObject({
      tableName: 'users',
      known: ['id', 'name'],
      found: ['id'],
    });
  });

  test('a call with another key that DynamoDB refuses contradicts nothing', async () => {
    const pair = newPair();
    pair.table.put(user('1', 'Ada'));
    await pair.get('1');
    const wrong = new GetItemCommand({ TableName: 'users', Key: { name: { S: 'Ada' } } });
    await expect(pair.client.send(wrong)).rejects.toMatchObject({ name: 'ValidationException' });
    const reached = pair.table.log.length;
    expect(nameIn(await pair.get('1'))).toBe('Ada');
    expect(pair.table.log).toHaveLength(reached);
  });
});

test('an item of a BatchGetItem that is none of those asked for is handed over, and none counts as absent', async () => {
  const pair = newPair();
  for (const id of ['1', '2']) pair.table.put(user(id, 'Ada'));
  const { requestHandler } = pair.client.config;
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = async (...args) => {
    const { response } = await handle(...args);
    const text = new TextDecoder().decode(response.body).replace('"id":{"S":"1"}', '"id":{"S":"other"}');
    return { response: { ...response, body: new TextEncoder().encode(text) } as typeof response };
  };
  const { Responses } = await batchGetUsers(pair.client, '1', '2', '3');
  expect(Responses?.users).toEqual([user('2', 'Ada'), user('other', 'Ada')]);
  const stored = await pair.memory.store.get(['users:id=1', 'users:id=2', 'users:id=3']);
  expect(stored.map((text) => text !== undefined)).toEqual([false, true, false]);
});

test('two names are those of a key if each is one of them', () => {
  const key = { keyNames: ['customer', 'order'] };
  const table = (...keyNames: string[]) => ({ keyNames, isContradicted: false }) as unknown as Table;
  expect(mayBeKeysOf(table('order', 'customer'), [key])).toBe(true);
  expect(mayBeKeysOf(table('customer', 'customer'), [key])).toBe(false);
  expect(mayBeKeysOf(table('customer'), [key])).toBe(false);
});

describe('the note of key names in the cache', () => {
  test.each<[string, (pair: Pair) => Promise<unknown>]>([
    ['a reader that fills', (pair) => pair.get('1')],
    ['the handler', (pair) => pair.deliver(pair.table.put(user('1', 'old')))],
  ])(
    'is put there by %s; a process that knows nothing of the table voids what its PutItem changes',
    async (_, publish) => {
      const pair = newPair();
      pair.table.put(user('1', 'old'));
      await publish(pair);
      await pair.get('1');
      expect((await pair.memory.store.get(['{users*}:keys']))[0]).toMatch(/^id \d+$/);
      const other = otherProcess(pair);
      await other.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'new') }));
      expect(nameIn(await pair.get('1'))).toBe('new');
      expect(other.cache.calls).toEqual([
        ['get', ['{users*}:keys']],
        ['void', ['users:id=1']],
        ['move', ['users*']],
      ]);
    },
  );

  test('tells names whatever characters they have', async () => {
    const name = 'a b,c%{}';
    const pair = newPair();
    pair.table.remake('users', [name, 'ü']);
    const Key = { [name]: { S: '1' }, ü: { S: '2' } };
    await pair.client.send(new GetItemCommand({ TableName: 'users', Key }));
    const other = otherProcess(pair);
    await other.client.send(new PutItemCommand({ TableName: 'users', Item: { ...Key, v: { S: 'x' } } }));
    const { Item } = await pair.client.send(new GetItemCommand({ TableName: 'users', Key }));
    expect(Item?.v).toEqual({ S: 'x' });
  });

  test('is not believed when it is damaged', async () => {
    for (const value of ['', 'id', '%', '% 1', ',id 1', 'id,id 1', 'a,b,c 1', '{"names":["id"]}']) {
      const pair = newPair();
      pair.table.put(user('1', 'old'));
      await pair.get('1');
      await pair.memory.store.put([{ key: '{users*}:keys', value, ttlMs: 60_000 }]);
      const other = otherProcess(pair);
      await other.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'new') }));
      expect(nameIn(await other.get('1'))).toBe('new');
      expect(pair.count('uncertain')).toBe(1);
    }
  });
});

describe('a table of whose key nobody knows the names', () => {
  /** Rows of many attributes, each of which could be the key. */
  function rows(
    count: number,
    attributes: number,
    version: string,
  ): Record<string, AttributeValue.SMember>[] {
    return Array.from({ length: count }, (_, row) => ({
      ...user(String(row), version),
      ...Object.fromEntries(
        Array.from({ length: attributes - 2 }, (_, column) => [
          `a${column}`,
          { S: `value ${row} ${column}` },
        ]),
      ),
    }));
  }

  async function load(
    client: DynamoDBClient,
    items: Record<string, AttributeValue.SMember>[],
  ): Promise<void> {
    for (let from = 0; from < items.length; from += 25) {
      const users = items.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { users } }));
    }
  }

  /** Rows that are cached, by a process that left no note of the key's names. */
  async function cachedRows(count: number): Promise<Pair> {
    const pair = newPair();
    for (const item of rows(count, 3, 'old')) pair.table.put(item);
    for (let row = 0; row < count; row += 100)
      await batchGetUsers(pair.client, ...Array.from({ length: 100 }, (_, index) => String(row + index)));
    await pair.memory.store.delete(['{users*}:keys']);
    return pair;
  }

  test.each([true, false])(
    'a bulk load finds all it wrote, whether the cache answers (%s) or not',
    async (answers) => {
      const pair = await cachedRows(500);
      const { client, cache, get } = otherProcess(pair);
      if (!answers) cache.failWhen(() => true);
      await load(client, rows(500, 30, 'new'));
      expect(cache.calls.flatMap(([method, keys]) => (method === 'void' ? keys : []))).toEqual([]);
      cache.failWhen(() => false);
      for (let row = 0; row < 500; row += 1) expect(nameIn(await get(String(row)))).toBe('new');
    },
  );

  test('the first call that names a key lets all that was written be voided, for other processes too', async () => {
    const pair = await cachedRows(100);
    const { client, get } = otherProcess(pair);
    await load(client, rows(100, 30, 'new'));
    expect(nameIn(await pair.get('99'))).toBe('old'); // another process: the stream will tell it
    for (const id of ['0', '1']) await get(id);
    expect(nameIn(await pair.get('99'))).toBe('new');
  });

  test('what a fill under way read before the write is not stored', async () => {
    const pair = newPair();
    pair.table.put(user('1', 'old'));
    const held = pair.table.hold('GetItem', 'after');
    const slow = pair.get('1');
    await held.reached;
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'new') }));
    held.release();
    await slow;
    expect((await pair.memory.store.get(['users:id=1']))[0]).toBeUndefined();
  });

  test('is read in a batch as it was written', async () => {
    const pair = await cachedRows(100);
    const { client } = otherProcess(pair);
    await load(client, rows(50, 5, 'new'));
    const { Responses } = await batchGetUsers(client, '1', '60');
    expect(Responses?.users?.map((Item) => nameIn({ Item }))).toEqual(['new', 'old']);
  });

  test.each([1_000, 8_000])(
    'a PutItem of %i attributes asks the cache no more than one of two',
    async (count) => {
      const pair = newPair();
      await pair.client.send(new PutItemCommand({ TableName: 'users', Item: rows(1, count, 'new')[0] }));
      expect(pair.cache.calls).toEqual([
        ['get', ['{users*}:keys']],
        ['move', ['users*']],
      ]);
    },
  );

  test('is said once, with what to do', async () => {
    const log = newLog();
    const pair = newPair({ logger: log.logger });
    for (const _ of [1, 2])
      await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'new') }));
    expect(log.of('warn', 'Which items are written')).toHaveLength(1);
    expect(pair.reports.filter(({ type }) => type === 'uncertain')).toEqual([
      { type: 'uncertain', reason: 'key-names-unknown', tableName: 'users' },
    ]);
  });

  test('of many attributes whose write the cache did not take is read as it was written', async () => {
    const pair = newPair();
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    const other = otherProcess(pair);
    other.cache.failWhen(() => true);
    const Item = { ...rows(1, 500, 'new')[0], id: { S: '1' } };
    await other.client.send(new PutItemCommand({ TableName: 'users', Item }));
    other.cache.failWhen(() => false);
    expect(nameIn(await other.get('1'))).toBe('new');
  });
});

describe('what a write means is what the SDK makes of it', () => {
  const text = (value: string) => Object(value) as string;
  /** Requests that DynamoDB accepts as a write of item 1, and of which our own view may differ. */
  const WRITES: [string, unknown][] = [
    ['a key member that is undefined', { Key: { id: { S: '1' }, sk: undefined } }],
    ['a key member that is null', { Key: { id: { S: '1' }, sk: null } }],
    ['a text object', { Key: { id: { S: text('1') } } }],
    ['a second type that is undefined', { Key: { id: { S: '1', N: undefined } } }],
  ];

  test.each(WRITES)('an UpdateItem with %s voids its item', async (_, input) => {
    const pair = newPair();
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    await pair.client.send(
      new UpdateItemCommand({
        TableName: 'users',
        UpdateExpression: 'SET #n = :n',
        ExpressionAttributeNames: { '#n': 'name' },
        ExpressionAttributeValues: { ':n': { S: 'new' } },
        ...(input as { Key: never }),
      }),
    );
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test.each(WRITES)('a PutItem after an UpdateItem with %s voids its item', async (_, input) => {
    const pair = newPair();
    await pair.client.send(
      new UpdateItemCommand({ TableName: 'users', ...(input as { Key: never }), ...setState }),
    );
    const other = otherProcess(pair);
    await other.get('1');
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'new') }));
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test.each<[string, Record<string, unknown>]>([
    ['a text object as key', { id: { S: text('1') }, name: { S: 'new' } }],
    ['an attribute that is undefined', { id: { S: '1' }, name: { S: 'new' }, email: undefined }],
    ['a second type that is undefined', { id: { S: '1', N: undefined }, name: { S: 'new' } }],
  ])(
    'a PutItem with %s voids its item, whether the names of the key are declared or not',
    async (_, Item) => {
      for (const tables of [undefined, { users: { partitionKey: 'id', sortKey: null } }]) {
        const pair = newPair({ tables });
        pair.table.put(user('1', 'old'));
        await otherProcess(pair).get('1');
        await pair.client.send(new PutItemCommand({ TableName: 'users', Item: Item as never }));
        expect(nameIn(await pair.get('1'))).toBe('new');
      }
    },
  );

  test('members that the SDK does not send mean nothing', async () => {
    const pair = newPair();
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    const input = { TableName: 'users', Item: user('1', 'new'), Key: { id: { S: '2' } } };
    await pair.client.send(new PutItemCommand(input));
    expect(nameIn(await pair.get('1'))).toBe('new');
    const PutRequest = { Item: user('1', 'newer'), TableName: 'orders' };
    await pair.client.send(new BatchWriteItemCommand({ RequestItems: { users: [{ PutRequest }] } }));
    expect(nameIn(await pair.get('1'))).toBe('newer');
  });
});

test('a second middleware of the same process and cache does not read what the first could not void', async () => {
  const pair = newPair();
  const second = pair.table.client();
  second.middlewareStack.use(NewCachingMiddleware({ ...pair.options, logger: silent }));
  pair.table.put(user('1', 'old'));
  await getUser(second, '1');
  pair.cache.failWhen((_key, method) => method === 'void' || method === 'move');
  await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'new') }));
  pair.cache.failWhen(() => false);
  expect(nameIn(await getUser(second, '1'))).toBe('new');
});

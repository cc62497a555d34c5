import {
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
import { beforeEach, describe, expect, test } from 'vitest';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { batchGetUsers, getUser, nameIn, newPair, type Pair, user } from './rig.js';

const Key = { id: { S: '1' } };
const Item = user('1', 'new');

/** Every way to write item 1 of users. */
const WRITES: [
  name: string,
  write: (client: DynamoDBClient) => Promise<unknown>,
  then: string | undefined,
][] = [
  ['PutItem', (client) => client.send(new PutItemCommand({ TableName: 'users', Item })), 'new'],
  ['UpdateItem', (client) => client.send(new UpdateItemCommand(rename('new'))), 'new'],
  ['DeleteItem', (client) => client.send(new DeleteItemCommand({ TableName: 'users', Key })), undefined],
  [
    'BatchWriteItem, a put',
    (client) =>
      client.send(new BatchWriteItemCommand({ RequestItems: { users: [{ PutRequest: { Item } }] } })),
    'new',
  ],
  [
    'BatchWriteItem, a delete',
    (client) =>
      client.send(new BatchWriteItemCommand({ RequestItems: { users: [{ DeleteRequest: { Key } }] } })),
    undefined,
  ],
  ['TransactWriteItems, a put', transact({ Put: { TableName: 'users', Item } }), 'new'],
  ['TransactWriteItems, an update', transact({ Update: rename('new') }), 'new'],
  ['TransactWriteItems, a delete', transact({ Delete: { TableName: 'users', Key } }), undefined],
  [
    'TransactWriteItems, a put beside an action that is null, which the SDK leaves out',
    transact({ Put: { TableName: 'users', Item } }, { Delete: null as never }),
    'new',
  ],
  [
    'PutItem on a table named by its ARN',
    (client) => client.send(new PutItemCommand({ TableName: USERS_ARN, Item })),
    'new',
  ],
];

const USERS_ARN = 'arn:aws:dynamodb:eu-west-1:123456789012:table/users';

function rename(name: string) {
  return {
    TableName: 'users',
    Key,
    UpdateExpression: 'SET #name = :name',
    ExpressionAttributeNames: { '#name': 'name' },
    ExpressionAttributeValues: { ':name': { S: name } },
  };
}

function transact(
  ...TransactItems: ConstructorParameters<typeof TransactWriteItemsCommand>[0]['TransactItems'] & object
) {
  return (client: DynamoDBClient) => client.send(new TransactWriteItemsCommand({ TransactItems }));
}

const put = (pair: Pair, name: string) =>
  pair.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', name) }));

let pair: Pair;
beforeEach(() => {
  pair = newPair();
});

describe('H7: an application writes, and reads its own write', () => {
  test('a read-aside cache that does not watch writes serves the old item', async () => {
    const { table } = pair;
    const [writer, cache] = [table.client(), new Map<string, unknown>()];
    table.put(user('1', 'old'));
    const get = async () => {
      if (!cache.has('1')) cache.set('1', await writer.send(new GetItemCommand({ TableName: 'users', Key })));
      return cache.get('1') as { Item?: Record<string, unknown> };
    };
    await get();
    await writer.send(new PutItemCommand({ TableName: 'users', Item }));
    expect(nameIn(await get())).toBe('old');
  });

  describe.each(WRITES)('%s', (_name, write, then) => {
    test('H7: the next read of an item that was cached finds the write', async () => {
      pair.table.put(user('1', 'old'));
      await pair.get('1');
      await write(pair.client);
      expect(nameIn(await pair.get('1'))).toBe(then);
      expect(pair.outcomes('void')).toEqual(['voided']);
    });

    test('H7: also when the process has not learned the key of the table', async () => {
      pair.table.put(user('1', 'old'));
      await newReaderOf(pair).get('1');
      await write(pair.client);
      expect(nameIn(await pair.get('1'))).toBe(then);
    });

    test('H7: also when a replica lags behind it, and the stream does not deliver for a while', async () => {
      pair.table.put(user('1', 'old'));
      pair.table.lag();
      await write(pair.client);
      expect(nameIn(await pair.get('1'))).toBe(then);
      pair.clock.pass(60_000);
      expect(nameIn(await pair.get('1'))).toBe(then);
    });

    test('H7: a fill under way at the write is refused', async () => {
      const { table } = pair;
      table.put(user('1', 'old'));
      const held = table.hold('GetItem', 'after');
      const slow = pair.get('1');
      await held.reached;
      await write(pair.client);
      held.release();
      expect(nameIn(await slow)).toBe('old');
      expect(pair.outcomes('fill')).toEqual(['moved']);
      expect(nameIn(await pair.get('1'))).toBe(then);
    });

    test('H7: nobody joins a read that began before the write', async () => {
      const { table } = pair;
      table.put(user('1', 'old'));
      const held = table.hold('GetItem', 'after');
      const slow = pair.get('1');
      await held.reached;
      await write(pair.client);
      const own = pair.get('1');
      held.release();
      expect(nameIn(await own)).toBe(then);
      await slow;
    });

    test('H7: queries of its partition, of an index and scans find the write', async () => {
      pair = newPair({
        tables: { users: { partitionKey: 'id', indexes: { byName: { partitionKey: 'name' } } } },
      });
      pair.table.put(user('1', 'old'));
      const query = (partition: string, value: string, IndexName?: string) =>
        new QueryCommand({
          TableName: 'users',
          ...(IndexName && { IndexName }),
          KeyConditionExpression: '#p = :p',
          ExpressionAttributeNames: { '#p': partition },
          ExpressionAttributeValues: { ':p': { S: value } },
        });
      const reads = [
        query('id', '1'),
        query('name', 'old', 'byName'),
        query('name', 'new', 'byName'),
        new ScanCommand({ TableName: 'users' }),
      ];
      const countAll = () => Promise.all(reads.map((each) => pair.client.send(each as QueryCommand)));
      for (const _ of [1, 2, 3]) await countAll(); // the third time from the cache
      expect(pair.count('hit')).toBe(4 + 3);
      await write(pair.client);
      const found = await countAll();
      expect(found.map(({ Items = [] }) => Items.map((each) => nameIn({ Item: each })))).toEqual(
        then === undefined ? [[], [], [], []] : [[then], [], [then], [then]],
      );
    });
  });

  test('H7: an older record that arrives after the write does not step back', async () => {
    pair = newPair({ tables: { users: { partitionKey: 'id', sortKey: null } } });
    const older = pair.table.put(user('1', 'older'));
    await put(pair, 'new');
    await pair.deliver(older);
    expect(pair.outcomes('record')).toEqual(['overlapping']);
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('H7: of an item with two key attributes, whether they are declared or not', async () => {
    const order = { customerId: { S: 'c' }, orderId: { N: '7' }, state: { S: 'new' }, lines: { L: [] } };
    const get = new GetItemCommand({
      TableName: 'orders',
      Key: { customerId: { S: 'c' }, orderId: { N: '7' } },
    });
    for (const tables of [
      undefined,
      { orders: { partitionKey: 'customerId' } },
      { orders: { partitionKey: 'customerId', sortKey: 'orderId' } },
    ]) {
      pair = newPair({ tables });
      expect((await pair.client.send(get)).Item).toBeUndefined();
      const { client } = newReaderOf(pair); // which has read nothing
      await client.send(new PutItemCommand({ TableName: 'orders', Item: order }));
      expect((await pair.client.send(get)).Item).toEqual(order);
    }
  });

  test('what a BatchWriteItem did not process stays cached, and the rest is voided', async () => {
    for (const id of ['1', '2', '3', '4']) pair.table.put(user(id, 'old'));
    await batchGetUsers(pair.client, '1', '2', '3', '4');
    pair.table.leaveUnprocessed(({ id }) => id !== undefined && 'S' in id && (id.S === '2' || id.S === '4'));
    const { UnprocessedItems } = await pair.client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          users: [
            { PutRequest: { Item: user('1', 'new') } },
            { PutRequest: { Item: user('2', 'new') } },
            { DeleteRequest: { Key: { id: { S: '3' } } } },
            { DeleteRequest: { Key: { id: { S: '4' } } } },
          ],
        },
      }),
    );
    expect(UnprocessedItems).toEqual({
      users: [{ PutRequest: { Item: user('2', 'new') } }, { DeleteRequest: { Key: { id: { S: '4' } } } }],
    });
    const reached = pair.table.log.length;
    expect(nameIn(await pair.get('2'))).toBe('old');
    expect(nameIn(await pair.get('4'))).toBe('old');
    expect(pair.table.log).toHaveLength(reached);
    expect(nameIn(await pair.get('1'))).toBe('new');
    expect(nameIn(await pair.get('3'))).toBeUndefined();
  });
});

/** Another process with the same table and cache. */
function newReaderOf({ table, options }: Pair): Pick<Pair, 'client' | 'get'> {
  const client = table.client();
  client.middlewareStack.use(NewCachingMiddleware(options));
  return { client, get: (id) => getUser(client, id) };
}

describe('binary keys that a caller gives as text, which some versions of the SDK read as base64 and others as UTF-8', () => {
  const Key = { id: { B: 'YWJj' as unknown as Uint8Array } };
  const meanings = { base64: { id: { B: Buffer.from('abc') } }, text: { id: { B: Buffer.from('YWJj') } } };

  test('are not read from the cache', async () => {
    const get = () => pair.client.send(new GetItemCommand({ TableName: 'users', Key }));
    await get();
    await get();
    expect(pair.table.requests('GetItem')).toHaveLength(2);
    expect(pair.reports.map(({ type }) => type)).toEqual(['declined', 'declined']);
  });

  test('void the item that the SDK at hand made of them', async () => {
    const get = (key: object) =>
      pair.client.send(new GetItemCommand({ TableName: 'users', Key: key as never }));
    for (const meant of Object.values(meanings)) await get(meant);
    await pair.client.send(new DeleteItemCommand({ TableName: 'users', Key }));
    const [sent] = pair.table.requests('DeleteItem') as unknown as [{ Key: { id: { B: string } } }];
    const written = Object.values(meanings).filter(({ id }) => id.B.toString('base64') === sent.Key.id.B);
    const reached = pair.table.log.length;
    for (const meant of Object.values(meanings)) await get(meant);
    expect(written).toHaveLength(1);
    expect(pair.table.requests('GetItem').slice(2)).toMatchObject([{ Key: sent.Key }]);
    expect(pair.table.log).toHaveLength(reached + 1);
  });
});

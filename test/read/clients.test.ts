import {
  DynamoDB,
  ExecuteStatementCommand,
  GetItemCommand,
  paginateQuery,
  paginateScan,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  paginateScan as paginateDocumentScan,
} from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { getUser, nameIn, newPair, type Pair, silent, user } from './rig.js';

const Key = { id: { S: '1' } };

let pair: Pair;
beforeEach(() => {
  pair = newPair();
});

test('the client with a method for each operation hits as well', async () => {
  pair.table.put(user('1', 'Ada'));
  const client = new DynamoDB(pair.table.clientConfig());
  client.middlewareStack.use(NewCachingMiddleware(pair.options));
  for (const _ of [1, 2])
    expect((await client.getItem({ TableName: 'users', Key })).Item).toEqual(user('1', 'Ada'));
  expect(pair.count('hit')).toBe(1);
});

describe('a client that has a middleware', () => {
  test('refuses another one, which would take its place in silence', () => {
    const use = () => pair.client.middlewareStack.use(NewCachingMiddleware(newPair().options));
    expect(use).toThrow(ConfigError);
    expect(use).toThrow(/one caching middleware.*remove\('dynamodbStreamCache'\)/);
    expect(() => pair.client.middlewareStack.clone().use(NewCachingMiddleware(pair.options))).toThrow(
      ConfigError,
    );
  });

  test('takes the same one again, and another once it was taken out', async () => {
    const client = pair.table.client();
    const middleware = NewCachingMiddleware(pair.options);
    client.middlewareStack.use(middleware);
    client.middlewareStack.use(middleware);
    client.middlewareStack.remove('dynamodbStreamCache');
    const other = newPair();
    client.middlewareStack.use(NewCachingMiddleware(other.options));
    pair.table.put(user('1', 'Ada'));
    for (const _ of [1, 2]) expect(nameIn(await getUser(client, '1'))).toBe('Ada');
    expect(pair.count('hit')).toBe(0);
    expect(other.count('hit')).toBe(1);
    const document = DynamoDBDocumentClient.from(client);
    expect((await document.send(new GetCommand({ TableName: 'users', Key: { id: '1' } }))).Item).toEqual({
      id: '1',
      name: 'Ada',
    });
  });
});

describe('paginators hit page by page', () => {
  const orders = [1, 2, 3, 4, 5].map((n) => ({ customerId: { S: 'c' }, orderId: { N: String(n) } }));
  const input = { TableName: 'orders', Limit: 2 };
  const queryInput = {
    ...input,
    KeyConditionExpression: 'customerId = :c',
    ExpressionAttributeValues: { ':c': { S: 'c' } },
  };

  async function pages(paginator: AsyncIterable<{ Items?: object[] | undefined }>): Promise<number[]> {
    const sizes: number[] = [];
    for await (const { Items = [] } of paginator) sizes.push(Items.length);
    return sizes;
  }

  test.each<[string, (pair: Pair) => AsyncIterable<{ Items?: object[] | undefined }>]>([
    ['paginateQuery', ({ client }) => paginateQuery({ client }, { ...queryInput })],
    ['paginateScan', ({ client }) => paginateScan({ client }, { ...input })],
    [
      "a document client's paginateScan",
      ({ client }) => paginateDocumentScan({ client: DynamoDBDocumentClient.from(client) }, { ...input }),
    ],
  ])('%s', async (_name, paginate) => {
    for (const order of orders) pair.table.put(order, 'orders');
    for (const _ of [1, 2]) expect(await pages(paginate(pair))).toEqual([2, 2, 1]);
    const reached = pair.table.log.length;
    expect(await pages(paginate(pair))).toEqual([2, 2, 1]);
    expect(pair.table.log).toHaveLength(reached);
  });
});

test('a client with cacheMiddleware gives each of many calls at once its own answer', async () => {
  pair.client.config.cacheMiddleware = true;
  const ids = ['1', '2', '3', '4'];
  for (const id of ids) pair.table.put(user(id, `Ada ${id}`));
  for (const _ of ['read from the table', 'found in the cache']) {
    const answers = await Promise.all(ids.map((id) => getUser(pair.client, id)));
    expect(answers.map(nameIn)).toEqual(['Ada 1', 'Ada 2', 'Ada 3', 'Ada 4']);
  }
  expect(pair.table.log).toHaveLength(ids.length);
});

test("a client's logger is told of a hit as the SDK tells it of any answer", async () => {
  const logged: unknown[] = [];
  const info = (entry: unknown) => logged.push(entry);
  pair.client.config.logger = { ...silent, info };
  pair.table.put(user('1', 'Ada'));
  for (const _ of ['miss', 'hit']) await getUser(pair.client, '1');
  const entry = {
    commandName: 'GetItemCommand',
    input: { TableName: 'users', Key },
    output: { Item: user('1', 'Ada') },
  };
  expect(logged).toMatchObject([entry, entry]);
  // What the SDK does not know as a member of the output it leaves out of the log.
  expect(logged[1]).not.toHaveProperty('output.CacheMetadata');
});

describe('what is not answered from the cache goes straight to DynamoDB', () => {
  test.each<[string, unknown]>([
    ['a consistent GetItem', new GetItemCommand({ TableName: 'users', Key, ConsistentRead: true })],
    [
      'a consistent Query',
      new QueryCommand({
        TableName: 'users',
        ConsistentRead: true,
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': { S: '1' } },
      }),
    ],
    ['a consistent Scan', new ScanCommand({ TableName: 'users', ConsistentRead: true })],
    [
      'TransactGetItems',
      new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName: 'users', Key } }] }),
    ],
    ['PartiQL', new ExecuteStatementCommand({ Statement: 'SELECT * FROM users' })],
  ])('%s', async (_name, command) => {
    pair.table.put(user('1', 'Ada'));
    const { $metadata: _hit, ...answer } = await pair.client.send(command as GetItemCommand);
    const { $metadata: _direct, ...direct } = await pair.table.client().send(command as GetItemCommand);
    expect(answer).toEqual(direct);
    expect(pair.cache.calls).toEqual([]);
    expect(pair.table.log[0]).toEqual(pair.table.log[1]);
  });

  test('every table that is not among the tables to cache, by name and by ARN', async () => {
    pair = newPair({ tables: ['orders'] });
    for (const TableName of ['users', 'arn:aws:dynamodb:eu-west-1:123456789012:table/users']) {
      for (const _ of [1, 2]) await pair.client.send(new GetItemCommand({ TableName, Key }));
    }
    expect(pair.table.log).toHaveLength(4);
    expect(pair.cache.calls).toEqual([]);
    await pair.client.send(
      new GetItemCommand({
        TableName: 'orders',
        Key: { customerId: { S: 'c' }, orderId: { N: '1' } },
      }),
    );
    expect(pair.cache.calls[0]).toEqual(['get', ['orders:customerId=c,orderId#1']]);
  });
});

describe('an aborted request', () => {
  const abortable = (controller: AbortController) =>
    pair.client.send(new GetItemCommand({ TableName: 'users', Key }), { abortSignal: controller.signal });
  const ABORTED = { name: 'AbortError' };

  test('rejects before it asks anybody', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(abortable(controller)).rejects.toMatchObject(ABORTED);
    expect(pair.table.log).toEqual([]);
    expect(pair.cache.calls).toEqual([]);
  });

  test('that waits for the read of another rejects at once, and leaves that read alone', async () => {
    pair.table.put(user('1', 'Ada'));
    const held = pair.table.hold('GetItem', 'after');
    const leader = pair.get('1');
    await held.reached;
    const controller = new AbortController();
    const [follower, other] = [abortable(controller), pair.get('1')];
    controller.abort();
    await expect(follower).rejects.toMatchObject(ABORTED);
    held.release();
    expect(nameIn(await leader)).toBe('Ada');
    expect(nameIn(await other)).toBe('Ada');
    expect(pair.table.log).toHaveLength(1);
    expect(pair.outcomes('fill')).toEqual(['filled']);
  });

  test('whose read others wait for rejects, and one of them reads for the rest', async () => {
    pair.table.put(user('1', 'Ada'));
    const held = pair.table.hold('GetItem', 'after');
    const controller = new AbortController();
    const leader = abortable(controller);
    await held.reached;
    const followers = Array.from({ length: 10 }, () => pair.get('1'));
    controller.abort();
    await expect(leader).rejects.toMatchObject(ABORTED);
    expect((await Promise.all(followers)).map(nameIn)).toEqual(new Array(10).fill('Ada'));
    expect(pair.table.log).toHaveLength(2);
    expect(nameIn(await getUser(pair.client, '1'))).toBe('Ada');
    expect(pair.table.log).toHaveLength(2);
  });
});

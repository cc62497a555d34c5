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
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  QueryCommand as DocumentQueryCommand,
  ScanCommand as DocumentScanCommand,
  DynamoDBDocument,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan as paginateDocumentScan,
  TransactWriteCommand,
  type TranslateConfig,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { getUser, nameIn, newPair, type Pair, user } from './rig.js';

const Key = { id: { S: '1' } };

/** Every type that an attribute can have. */
const EVERYTHING: AttributeMap = {
  id: { S: '1' },
  empty: { S: '' },
  number: { N: '42' },
  big: { N: '123456789012345678901234567890' },
  fraction: { N: '0.1' },
  bytes: { B: new Uint8Array([0, 1, 255]) },
  yes: { BOOL: true },
  nothing: { NULL: true },
  map: { M: { list: { L: [{ N: '1' }, { S: 'x' }, { M: {} }] }, bytes: { B: new Uint8Array([7]) } } },
  strings: { SS: ['a', 'b'] },
  numbers: { NS: ['1', '2'] },
  binaries: { BS: [new Uint8Array([1]), new Uint8Array([2])] },
};

let pair: Pair;
beforeEach(() => {
  pair = newPair();
});

const TRANSLATIONS: [name: string, TranslateConfig][] = [
  ['its defaults', { unmarshallOptions: { wrapNumbers: true } }],
  [
    'undefined values removed and sets kept',
    { marshallOptions: { removeUndefinedValues: true }, unmarshallOptions: { wrapNumbers: true } },
  ],
  [
    'numbers converted by a function',
    { unmarshallOptions: { wrapNumbers: (text) => `number ${text}` as never } },
  ],
];

describe.each(TRANSLATIONS)('a document client with %s', (_name, translation) => {
  test('gets every type of attribute as it would from DynamoDB, missed and hit, alone, in a batch and queried', async () => {
    pair.table.put(EVERYTHING);
    const direct = DynamoDBDocumentClient.from(pair.table.client(), translation);
    const cached = DynamoDBDocumentClient.from(pair.client, translation);
    const reads = [
      new GetCommand({ TableName: 'users', Key: { id: '1' } }),
      new GetCommand({ TableName: 'users', Key: { id: '1' }, ProjectionExpression: 'bytes, numbers, id' }),
      new BatchGetCommand({ RequestItems: { users: { Keys: [{ id: '1' }] } } }),
      new DocumentQueryCommand({
        TableName: 'users',
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': '1' },
      }),
      new DocumentScanCommand({ TableName: 'users' }),
    ];
    for (const read of reads) {
      const { $metadata: _direct, ...expected } = await direct.send(read as GetCommand);
      for (const _ of [1, 2, 3]) {
        const { $metadata, CacheMetadata, ...answer } = (await cached.send(read as GetCommand)) as {
          $metadata: object;
          CacheMetadata?: object;
        };
        expect(answer).toEqual(expected);
      }
    }
    expect(pair.count('hit')).toBe(2 + 3 + 3 + 2 + 1);
  });

  test('gets what another client stored, in its own form', async () => {
    pair.table.put(EVERYTHING);
    await pair.get('1');
    const read = new GetCommand({ TableName: 'users', Key: { id: '1' } });
    const { Item } = await DynamoDBDocumentClient.from(pair.client, translation).send(read);
    const direct = DynamoDBDocumentClient.from(pair.table.client(), translation);
    expect(Item).toEqual((await direct.send(read)).Item);
    expect(pair.count('hit')).toBe(1);
    expect((await pair.get('1')).Item).toEqual(EVERYTHING);
  });
});

describe('a document client', () => {
  let document: DynamoDBDocumentClient;
  beforeEach(() => {
    document = DynamoDBDocumentClient.from(pair.client, { marshallOptions: { removeUndefinedValues: true } });
  });

  test.each<[string, unknown, string | undefined]>([
    ['Put', new PutCommand({ TableName: 'users', Item: { id: '1', name: 'new', none: undefined } }), 'new'],
    [
      'Update',
      new UpdateCommand({
        TableName: 'users',
        Key: { id: '1' },
        UpdateExpression: 'SET #n = :n',
        ExpressionAttributeNames: { '#n': 'name' },
        ExpressionAttributeValues: { ':n': 'new' },
      }),
      'new',
    ],
    ['Delete', new DeleteCommand({ TableName: 'users', Key: { id: '1' } }), undefined],
    [
      'BatchWrite',
      new BatchWriteCommand({
        RequestItems: { users: [{ PutRequest: { Item: { id: '1', name: 'new' } } }] },
      }),
      'new',
    ],
    [
      'TransactWrite',
      new TransactWriteCommand({
        TransactItems: [{ Put: { TableName: 'users', Item: { id: '1', name: 'new' } } }],
      }),
      'new',
    ],
  ])('H7: reads its own %s', async (_name, write, expected) => {
    pair.table.put(user('1', 'old'));
    const read = async () =>
      (await document.send(new GetCommand({ TableName: 'users', Key: { id: '1' } }))).Item?.name;
    expect(await read()).toBe('old');
    const answer = await document.send(write as PutCommand);
    expect(answer.$metadata.requestId).toMatch(/^request-/);
    expect(await read()).toBe(expected);
  });

  test('gets unprocessed keys and items in its own form, fit to be sent again', async () => {
    pair.table.put(user('1', 'Ada'));
    pair.table.leaveUnprocessed(() => true);
    const request = {
      Keys: [{ id: '1' }],
      ProjectionExpression: '#n',
      ExpressionAttributeNames: { '#n': 'name' },
    };
    const first = await document.send(new BatchGetCommand({ RequestItems: { users: request } }));
    expect(first).toMatchObject({ Responses: { users: [] }, UnprocessedKeys: { users: request } });
    const second = await document.send(new BatchGetCommand({ RequestItems: first.UnprocessedKeys }));
    expect(second.Responses).toEqual({ users: [{ name: 'Ada' }] });

    pair.table.leaveUnprocessed(() => true);
    const put = { users: [{ PutRequest: { Item: { id: '2', name: 'Eve' } } }] };
    const written = await document.send(new BatchWriteCommand({ RequestItems: put }));
    expect(written.UnprocessedItems).toEqual(put);
  });

  test('gets the errors of its own translation', async () => {
    const strict = DynamoDBDocumentClient.from(pair.client);
    const direct = DynamoDBDocumentClient.from(pair.table.client());
    const command = () => new PutCommand({ TableName: 'users', Item: { id: '1', map: { odd: undefined } } });
    const message = (client: DynamoDBDocumentClient) =>
      client.send(command()).then(
        () => expect.unreachable(),
        (error: Error) => error.message,
      );
    expect(await message(strict)).toBe(await message(direct));
  });

  test('can be of the kind with a method for each operation', async () => {
    pair.table.put(user('1', 'Ada'));
    const methods = DynamoDBDocument.from(pair.client);
    for (const _ of [1, 2])
      expect((await methods.get({ TableName: 'users', Key: { id: '1' } })).Item).toEqual({
        id: '1',
        name: 'Ada',
      });
    expect(pair.count('hit')).toBe(1);
  });

  test('made before the middleware was added has it too', async () => {
    const client = pair.table.client();
    const early = DynamoDBDocumentClient.from(client);
    client.middlewareStack.use(NewCachingMiddleware(pair.options));
    for (const _ of [1, 2]) await early.send(new GetCommand({ TableName: 'users', Key: { id: '1' } }));
    expect(pair.count('hit')).toBe(1);
  });

  test('can have the middleware itself', async () => {
    const early = DynamoDBDocumentClient.from(pair.table.client());
    early.middlewareStack.use(NewCachingMiddleware(pair.options));
    pair.table.put(user('1', 'Ada'));
    for (const _ of [1, 2]) {
      const { Item } = await early.send(new GetCommand({ TableName: 'users', Key: { id: '1' } }));
      expect(Item).toEqual({ id: '1', name: 'Ada' });
    }
    expect(pair.count('hit')).toBe(1);
  });
});

test('the client with a method for each operation hits as well', async () => {
  pair.table.put(user('1', 'Ada'));
  const client = new DynamoDB(pair.table.clientConfig());
  client.middlewareStack.use(NewCachingMiddleware(pair.options));
  for (const _ of [1, 2])
    expect((await client.getItem({ TableName: 'users', Key })).Item).toEqual(user('1', 'Ada'));
  expect(pair.count('hit')).toBe(1);
});

test('of two middlewares on one client the later counts', async () => {
  const other = newPair();
  pair.client.middlewareStack.use(NewCachingMiddleware(other.options));
  pair.table.put(user('1', 'Ada'));
  for (const _ of [1, 2]) expect(nameIn(await pair.get('1'))).toBe('Ada');
  expect(pair.count('hit')).toBe(0);
  expect(other.count('hit')).toBe(1);
  const document = DynamoDBDocumentClient.from(pair.client);
  expect((await document.send(new GetCommand({ TableName: 'users', Key: { id: '1' } }))).Item).toEqual({
    id: '1',
    name: 'Ada',
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
        TableName: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders',
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

import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocument,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  type TranslateConfig,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { newPair, type Pair, user } from './rig.js';

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
      new QueryCommand({
        TableName: 'users',
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': '1' },
      }),
      new ScanCommand({ TableName: 'users' }),
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

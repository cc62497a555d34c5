import {
  BatchGetItemCommand,
  DynamoDBServiceException,
  GetItemCommand,
  type GetItemCommandOutput,
  ProvisionedThroughputExceededException,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { FAILURES } from '../support/table.js';
import { batchGetUsers, nameIn, newPair, type Pair, user } from './rig.js';

const ARN = 'arn:aws:dynamodb:eu-west-1:123456789012:table/users';
const Key = { id: { S: '1' } };
const HIT = { CacheHit: true, Client: 'dynamodb-stream-cache' };

const query = (more: object = {}) =>
  new QueryCommand({
    TableName: 'users',
    KeyConditionExpression: 'id = :id',
    ExpressionAttributeValues: { ':id': { S: '1' } },
    ...more,
  });

let pair: Pair;
beforeEach(() => {
  pair = newPair();
  pair.table.put(user('1', 'Ada'));
});

const get = (more: object = {}) => pair.client.send(new GetItemCommand({ TableName: 'users', Key, ...more }));

describe('a hit says that it is one', () => {
  test('GetItem', async () => {
    await get();
    expect(await get()).toEqual({
      $metadata: { httpStatusCode: 200, attempts: 0, totalRetryDelay: 0 },
      Item: user('1', 'Ada'),
      CacheMetadata: HIT,
    });
  });

  test('GetItem of what does not exist, without an Item', async () => {
    for (const _ of [1, 2]) expect(await get({ Key: { id: { S: '2' } } })).not.toHaveProperty('Item');
    expect(pair.count('hit')).toBe(1);
  });

  test('GetItem of which nothing is selected, with an empty Item', async () => {
    for (const _ of [1, 2]) expect((await get({ ProjectionExpression: 'nothing' })).Item).toEqual({});
    expect(pair.count('hit')).toBe(1);
  });

  test('Query and Scan, and when the result was read', async () => {
    const before = Date.now();
    for (const command of [query(), new ScanCommand({ TableName: 'users' })]) {
      for (const _ of [1, 2]) await pair.client.send(command as QueryCommand);
      expect(await pair.client.send(command as QueryCommand)).toEqual({
        $metadata: { httpStatusCode: 200, attempts: 0, totalRetryDelay: 0 },
        Items: [user('1', 'Ada')],
        Count: 1,
        ScannedCount: 1,
        CacheMetadata: { ...HIT, CachedTime: expect.any(Date) },
      });
    }
    const { CacheMetadata } = (await pair.client.send(query())) as { CacheMetadata?: { CachedTime: Date } };
    expect(CacheMetadata?.CachedTime.getTime()).toBeGreaterThanOrEqual(before);
  });

  test('a count without its items', async () => {
    await pair.client.send(query({ Select: 'COUNT' }));
    const hit = await pair.client.send(query({ Select: 'COUNT' }));
    expect(hit).toMatchObject({ Count: 1, ScannedCount: 1, CacheMetadata: HIT });
    expect(hit).not.toHaveProperty('Items');
  });
});

test('a miss is the answer of DynamoDB, and nothing else', async () => {
  const direct = pair.table.client();
  const comparable = ({ $metadata, ...output }: GetItemCommandOutput) => ({
    ...output,
    $metadata: { ...$metadata, requestId: typeof $metadata.requestId },
  });
  for (const command of [
    new GetItemCommand({ TableName: 'users', Key, ReturnConsumedCapacity: 'TOTAL' }),
    new GetItemCommand({ TableName: 'users', Key: { id: { S: '2' } } }),
    query({ ReturnConsumedCapacity: 'INDEXES' }),
    new ScanCommand({ TableName: 'users' }),
    new PutItemCommand({ TableName: 'users', Item: user('3', 'Eve'), ReturnConsumedCapacity: 'TOTAL' }),
  ]) {
    const missed = await pair.client.send(command as GetItemCommand);
    expect(comparable(missed)).toEqual(comparable(await direct.send(command as GetItemCommand)));
    expect(missed.$metadata.requestId).toMatch(/^request-/);
  }
});

describe('a BatchGetItem counts', () => {
  const batch = async (requests: Record<string, object>) => {
    const command = new BatchGetItemCommand({ RequestItems: requests as never });
    return (await pair.client.send(command)) as { CacheMetadata?: object; $metadata: { requestId?: string } };
  };
  const counts = (CacheHitCount: number, CacheMissCount: number, StronglyConsistentCount: number) => ({
    CacheHitCount,
    CacheMissCount,
    StronglyConsistentCount,
    Time: expect.any(Date),
    Client: 'dynamodb-stream-cache',
  });

  test('what it found, what it had to read, and what had to be consistent', async () => {
    const users = { Keys: [Key, { id: { S: '2' } }] };
    const order = { customerId: { S: 'c' }, orderId: { N: '7' } };
    expect((await batch({ users })).CacheMetadata).toEqual(counts(0, 2, 0));
    const hit = await batch({ users });
    expect(hit.CacheMetadata).toEqual(counts(2, 0, 0));
    expect(hit.$metadata).toEqual({ httpStatusCode: 200, attempts: 0, totalRetryDelay: 0 });
    const mixed = await batch({ users, orders: { Keys: [order], ConsistentRead: true } });
    expect(mixed.CacheMetadata).toEqual(counts(2, 0, 1));
    expect(mixed.$metadata.requestId).toMatch(/^request-/);
    expect((await batch({ users: { ...users, ConsistentRead: true } })).CacheMetadata).toEqual(
      counts(0, 0, 2),
    );
  });

  test('also when the cache does not answer', async () => {
    pair.cache.failWhen(() => true);
    expect((await batch({ users: { Keys: [Key] } })).CacheMetadata).toEqual(counts(0, 1, 0));
  });

  test('nothing when no table of it is cached', async () => {
    pair = newPair({ tables: ['orders'] });
    expect(await batch({ users: { Keys: [Key] } })).not.toHaveProperty('CacheMetadata');
  });
});

describe('the consumed capacity of a hit is zero, in the shape that the request asked for', () => {
  test.each<[string | undefined, object | undefined]>([
    [undefined, undefined],
    ['NONE', undefined],
    ['TOTAL', { TableName: 'users', CapacityUnits: 0 }],
    ['INDEXES', { TableName: 'users', CapacityUnits: 0, Table: { CapacityUnits: 0 } }],
  ])('%s', async (ReturnConsumedCapacity, expected) => {
    await get();
    await pair.client.send(query());
    const asked = ReturnConsumedCapacity === undefined ? {} : { ReturnConsumedCapacity };
    expect((await get(asked)).ConsumedCapacity).toEqual(expected);
    expect((await pair.client.send(query(asked))).ConsumedCapacity).toEqual(expected);
    const batch = new BatchGetItemCommand({ RequestItems: { users: { Keys: [Key] } }, ...(asked as object) });
    expect((await pair.client.send(batch)).ConsumedCapacity).toEqual(expected && [expected]);
    expect(pair.count('hit')).toBe(3);
  });

  test('in a batch of which one table had to be read, that one has what DynamoDB says', async () => {
    await get();
    const orders = { Keys: [{ customerId: { S: 'c' }, orderId: { N: '7' } }] };
    const { ConsumedCapacity } = await pair.client.send(
      new BatchGetItemCommand({
        RequestItems: { users: { Keys: [Key] }, orders },
        ReturnConsumedCapacity: 'TOTAL',
      }),
    );
    expect(ConsumedCapacity).toEqual([
      { TableName: 'orders', CapacityUnits: 0.5 },
      { TableName: 'users', CapacityUnits: 0 },
    ]);
  });

  test('under the ARN, when the request names the table by it', async () => {
    await get();
    const { ConsumedCapacity } = await get({ TableName: ARN, ReturnConsumedCapacity: 'TOTAL' });
    expect(ConsumedCapacity).toEqual({ TableName: ARN, CapacityUnits: 0 });
    expect(pair.count('hit')).toBe(1);
  });
});

describe('a caller may change what it was given', () => {
  const nested = () => ({
    ...user('1', 'Ada'),
    address: { M: { city: { S: 'London' } } },
    tags: { SS: ['a'] },
  });

  function spoil(answer: { Item?: unknown }): void {
    const item = answer.Item as ReturnType<typeof nested>;
    item.name.S = 'spoiled';
    item.address.M.city.S = 'spoiled';
    item.tags.SS.push('spoiled');
  }

  test('of a miss, of a hit and of a shared read', async () => {
    pair.table.put(nested());
    const shared = await Promise.all([get(), get(), get()]);
    for (const answer of shared) {
      expect(answer.Item).toEqual(nested());
      spoil(answer);
    }
    for (const _ of [1, 2]) {
      const hit = await get();
      expect(hit.Item).toEqual(nested());
      spoil(hit);
    }
  });

  test('of batches and queries', async () => {
    pair.table.put(nested());
    for (const _ of [1, 2, 3]) {
      const [inBatch] = (await batchGetUsers(pair.client, '1')).Responses?.users ?? [];
      const [inQuery] = (await pair.client.send(query())).Items ?? [];
      for (const Item of [inBatch, inQuery]) {
        expect(Item).toEqual(nested());
        spoil({ Item });
      }
    }
  });

  test('and a caller that changes its request while it is under way changes nothing in the cache', async () => {
    const held = pair.table.hold('GetItem', 'before');
    const input = { TableName: 'users', Key: { id: { S: '1' } } };
    const answer = pair.client.send(new GetItemCommand(input));
    await held.reached;
    input.Key.id.S = '2';
    held.release();
    expect(nameIn(await answer)).toBe('Ada');
    expect((await get({ Key: { id: { S: '2' } } })).Item).toBeUndefined();
  });
});

describe('errors are those of the SDK', () => {
  test('with their class, name and metadata', async () => {
    pair.table.fail(FAILURES.throttled);
    const error = await get().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ProvisionedThroughputExceededException);
    expect(error).toBeInstanceOf(DynamoDBServiceException);
    expect(error).toMatchObject({
      name: 'ProvisionedThroughputExceededException',
      $fault: 'client',
      $metadata: { httpStatusCode: 400, attempts: 1, requestId: expect.any(String) },
    });
  });

  test.each<[string, object]>([
    ['no table', { TableName: undefined }],
    ['an unknown table', { TableName: 'nobodys' }],
    ['no key', { Key: undefined }],
    ['an empty key', { Key: {} }],
    ['a key of another type', { Key: { id: { BOOL: true } } }],
    ['a key with too much', { Key: { id: { S: '1' }, more: { S: '1' } } }],
  ])('of a read with %s', async (_name, more) => {
    const failed = (client: Pair['client']) =>
      client.send(new GetItemCommand({ TableName: 'users', Key, ...more } as never)).then(
        ({ Item }) => Item,
        (error: Error) => [error.name, error.message],
      );
    expect(await failed(pair.client)).toEqual(await failed(pair.table.client()));
  });
});

import { BatchGetItemCommand, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { batchGetUsers, getUser, nameIn, newPair, type Pair, user } from './rig.js';

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `u${from + index}`);
const keyOf = (id: string) => ({ id: { S: id } });
const cacheKey = (id: string) => `users:id=${id}`;

let pair: Pair;
beforeEach(() => {
  pair = newPair();
});

/** Forgets what has been asked so far of the cache; what was asked of DynamoDB is compared with the count returned. */
function fromHere(): number {
  pair.cache.calls.length = 0;
  return pair.table.log.length;
}

describe('GetItem', () => {
  test('of a cached item is one GET', async () => {
    pair.table.put(user('1', 'Ada'));
    await pair.get('1');
    const reached = fromHere();
    expect(nameIn(await pair.get('1'))).toBe('Ada');
    expect(pair.cache.calls).toEqual([['get', ['users:id=1']]]);
    expect(pair.table.log).toHaveLength(reached);
  });

  test('of an item that is known not to exist is one GET too', async () => {
    await pair.get('1');
    const reached = fromHere();
    expect((await pair.get('1')).Item).toBeUndefined();
    expect(pair.cache.calls).toEqual([['get', ['users:id=1']]]);
    expect(pair.table.log).toHaveLength(reached);
  });

  test('of an item that is not cached is a GET, a lease, a read and a fill', async () => {
    await pair.get('0'); // the first of a table also puts the names of its key into the cache
    const reached = fromHere();
    await pair.get('1');
    expect(pair.cache.calls.map(([method]) => method)).toEqual(['get', 'begin', 'fill']);
    expect(pair.table.log).toHaveLength(reached + 1);
  });

  test('40 concurrent reads of one cold key are one read of the table', async () => {
    pair.table.put(user('1', 'Ada'));
    const answers = await Promise.all(ids(40).map(() => pair.get('1')));
    expect(answers.map(nameIn)).toEqual(new Array(40).fill('Ada'));
    expect(pair.table.log).toHaveLength(1);
  });

  test('40 concurrent reads of a cold key that does not exist are one read of the table', async () => {
    const answers = await Promise.all(ids(40).map(() => pair.get('1')));
    expect(answers.map(({ Item }) => Item)).toEqual(new Array(40).fill(undefined));
    expect(pair.table.log).toHaveLength(1);
  });

  test('concurrent reads with different projections are one read of the whole item', async () => {
    pair.table.put({ ...user('1', 'Ada'), age: { N: '36' } });
    const read = (ProjectionExpression: string, names?: Record<string, string>) =>
      pair.client.send(
        new GetItemCommand({
          TableName: 'users',
          Key: keyOf('1'),
          ProjectionExpression,
          ...(names && { ExpressionAttributeNames: names }),
        }),
      );
    const [age, name] = await Promise.all([read('age'), read('#n', { '#n': 'name' })]);
    expect(age?.Item).toEqual({ age: { N: '36' } });
    expect(name?.Item).toEqual({ name: { S: 'Ada' } });
    expect(pair.table.log).toHaveLength(1);
  });

  test('with a projection reads the whole item once, and then every projection hits, but for the first path into an attribute', async () => {
    const item = { ...user('1', 'Ada'), address: { M: { city: { S: 'London' }, zip: { S: 'NW1' } } } };
    pair.table.put(item);
    const read = async (members: object) =>
      (await pair.client.send(new GetItemCommand({ TableName: 'users', Key: keyOf('1'), ...members }))).Item;
    expect(await read({ ProjectionExpression: 'address.city' })).toEqual({
      address: { M: { city: { S: 'London' } } },
    });
    expect(pair.reports).toEqual([
      { type: 'declined', operation: 'GetItem', tableName: 'users', reason: 'key-path' },
    ]);
    expect(await read({ AttributesToGet: ['id'] })).toEqual(keyOf('1'));
    expect(pair.table.log.slice(1)).toEqual([
      { operation: 'GetItem', input: { TableName: 'users', Key: keyOf('1') } },
    ]);
    expect(await read({ ProjectionExpression: 'address.zip' })).toEqual({
      address: { M: { zip: { S: 'NW1' } } },
    });
    expect(await read({})).toEqual(item);
    expect(pair.table.log).toHaveLength(2);
  });

  test('with a projection that is not understood goes to DynamoDB untouched', async () => {
    const input = { TableName: 'users', Key: keyOf('1'), ProjectionExpression: 'name' }; // a reserved word
    await pair.client.send(new GetItemCommand(input));
    expect(pair.table.log).toEqual([{ operation: 'GetItem', input }]);
    expect(pair.cache.calls).toEqual([]);
  });

  test('spelled with another number, or with the table by its ARN, is the same entry', async () => {
    const read = (TableName: string, N: string) =>
      pair.client.send(new GetItemCommand({ TableName, Key: { customerId: { S: 'c' }, orderId: { N } } }));
    await read('orders', '7');
    await read('orders', '07.0');
    await read('arn:aws:dynamodb:eu-west-1:123456789012:table/orders', '7e0');
    expect(pair.table.log).toHaveLength(1);
  });

  test('a read that failed is shared as a failure by nobody: one of those who wait reads for the others', async () => {
    pair.table.put(user('1', 'Ada'));
    pair.table.fail({ name: 'InternalServerError', status: 500 });
    const answers = await Promise.allSettled(ids(10).map(() => pair.get('1')));
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(pair.table.log).toHaveLength(2);
  });
});

describe('BatchGetItem', () => {
  test('of 25 cached items is one round trip to the cache, and none to DynamoDB', async () => {
    for (const id of ids(25)) pair.table.put(user(id, 'Ada'));
    await batchGetUsers(pair.client, ...ids(25));
    const reached = fromHere();
    const { Responses, UnprocessedKeys } = await batchGetUsers(pair.client, ...ids(25));
    expect(Responses?.users).toEqual(ids(25).map((id) => user(id, 'Ada')));
    expect(UnprocessedKeys).toEqual({});
    expect(pair.cache.calls).toEqual([['get', ids(25).map(cacheKey)]]);
    expect(pair.table.log).toHaveLength(reached);
  });

  test('of 25 keys of which 10 are not cached asks DynamoDB for exactly those 10', async () => {
    for (const id of ids(25)) pair.table.put(user(id, 'Ada'));
    await batchGetUsers(pair.client, ...ids(15, 5));
    const reached = fromHere();
    const { Responses } = await batchGetUsers(pair.client, ...ids(25));
    expect(Responses?.users).toEqual(ids(25).map((id) => user(id, 'Ada')));
    const missing = [...ids(5), ...ids(5, 20)];
    expect(pair.table.log.slice(reached)).toEqual([
      { operation: 'BatchGetItem', input: { RequestItems: { users: { Keys: missing.map(keyOf) } } } },
    ]);
    expect(pair.cache.calls).toEqual([
      ['get', ids(25).map(cacheKey)],
      ['begin', missing.map(cacheKey)],
      ['fill', missing.map(cacheKey)],
    ]);
    await batchGetUsers(pair.client, ...ids(25));
    expect(pair.table.log).toHaveLength(reached + 1);
  });

  test('stores what does not exist as absent', async () => {
    pair.table.put(user('1', 'Ada'));
    expect((await batchGetUsers(pair.client, '1', '2')).Responses?.users).toEqual([user('1', 'Ada')]);
    expect(await pair.memory.store.get([cacheKey('2')])).toEqual(['null']);
    expect((await batchGetUsers(pair.client, '1', '2')).Responses?.users).toEqual([user('1', 'Ada')]);
    expect(pair.table.log).toHaveLength(1);
  });

  test('does not take for absent what an answer does not list at all', async () => {
    const body = new TextEncoder().encode('{"Responses":{}}');
    pair.client.config.requestHandler.handle = async () =>
      ({ response: { statusCode: 200, headers: {}, body } }) as never;
    expect((await batchGetUsers(pair.client, '1')).Responses?.users).toEqual([]);
    expect(await pair.memory.store.get([cacheKey('1')])).toEqual([undefined]);
  });

  test('hands back what was not processed as the caller asked for it, and never takes it for absent', async () => {
    for (const id of ['1', '2', '3', '4']) pair.table.put({ ...user(id, 'Ada'), age: { N: id } });
    await pair.get('1');
    pair.table.leaveUnprocessed(({ id }) => id !== undefined && 'S' in id && id.S > '2');
    const request = {
      ProjectionExpression: '#a',
      ExpressionAttributeNames: { '#a': 'age' },
    };
    const Keys = ['1', '2', '3', '4'].map(keyOf);
    const first = await pair.client.send(
      new BatchGetItemCommand({ RequestItems: { users: { ...request, Keys } } }),
    );
    expect(first.Responses?.users).toEqual([{ age: { N: '1' } }, { age: { N: '2' } }]);
    expect(first.UnprocessedKeys).toEqual({ users: { ...request, Keys: ['3', '4'].map(keyOf) } });
    expect(await pair.memory.store.get(['3', '4'].map(cacheKey))).toEqual([undefined, undefined]);

    const second = await pair.client.send(new BatchGetItemCommand({ RequestItems: first.UnprocessedKeys }));
    expect(second.Responses?.users).toEqual([{ age: { N: '3' } }, { age: { N: '4' } }]);
    expect(second.UnprocessedKeys).toEqual({});
    const reached = pair.table.log.length;
    expect((await batchGetUsers(pair.client, '1', '2', '3', '4')).Responses?.users).toHaveLength(4);
    expect(pair.table.log).toHaveLength(reached);
  });

  test.each([
    ['too many keys', ids(101)],
    ['a key twice', ['1', '2', '1']],
  ])("with %s goes to DynamoDB untouched, whose error is the caller's", async (_name, of) => {
    await batchGetUsers(pair.client, '1');
    const reached = fromHere();
    await expect(batchGetUsers(pair.client, ...of)).rejects.toMatchObject({
      name: 'ValidationException',
      $metadata: { httpStatusCode: 400 },
    });
    expect(pair.table.log.slice(reached)).toEqual([
      { operation: 'BatchGetItem', input: { RequestItems: { users: { Keys: of.map(keyOf) } } } },
    ]);
    expect(pair.cache.calls).toEqual([]);
  });

  test("with a number twice, spelled differently, is DynamoDB's to refuse", async () => {
    const Keys = ['7', '7.0'].map((N) => ({ customerId: { S: 'c' }, orderId: { N } }));
    const batch = new BatchGetItemCommand({ RequestItems: { orders: { Keys } } });
    await expect(pair.client.send(batch)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  test('of cached, uncached and consistently read tables asks for the misses of the first and all of the others', async () => {
    pair = newPair({ tables: ['users'] });
    for (const id of ['1', '2']) pair.table.put(user(id, 'Ada'));
    const order = { customerId: { S: 'c' }, orderId: { N: '7' } };
    pair.table.put(order, 'orders');
    await pair.get('1');
    const reached = fromHere();
    const mixed = {
      users: { Keys: ['1', '2'].map(keyOf) },
      orders: { Keys: [order], ProjectionExpression: 'orderId' },
    };
    const answer = await pair.client.send(new BatchGetItemCommand({ RequestItems: mixed }));
    expect(answer.Responses).toEqual({
      users: [user('1', 'Ada'), user('2', 'Ada')],
      orders: [{ orderId: { N: '7' } }],
    });
    expect(pair.table.log.slice(reached)).toEqual([
      {
        operation: 'BatchGetItem',
        input: { RequestItems: { ...mixed, users: { Keys: [keyOf('2')] } } },
      },
    ]);
    const consistent = { ...mixed, users: { ...mixed.users, ConsistentRead: true } };
    await pair.client.send(new BatchGetItemCommand({ RequestItems: consistent }));
    expect(pair.table.log.at(-1)?.input).toEqual({ RequestItems: consistent });
  });

  test('reads only the table with strong consistency of which something just changed', async () => {
    pair = newPair({ mode: 'invalidate' });
    await pair.deliver(pair.table.put(user('1', 'Ada')));
    const order = { customerId: { S: 'c' }, orderId: { N: '7' } };
    await pair.client.send(
      new BatchGetItemCommand({ RequestItems: { users: { Keys: [keyOf('1')] }, orders: { Keys: [order] } } }),
    );
    expect(pair.table.log.at(-1)?.input.RequestItems).toEqual({
      users: { Keys: [keyOf('1')], ConsistentRead: true },
      orders: { Keys: [order] },
    });
  });

  test('discards damaged entries in one round trip, and fills them again', async () => {
    for (const id of ids(20)) pair.table.put(user(id, 'Ada'));
    await pair.get('0'); // which also puts the names of the table's key into the cache
    await pair.memory.store.put(ids(20).map((id) => ({ key: cacheKey(id), value: '{', ttlMs: 60_000 })));
    fromHere();
    const { Responses } = await batchGetUsers(pair.client, ...ids(20));
    expect(Responses?.users).toHaveLength(20);
    expect(pair.cache.calls.map(([method]) => method)).toEqual(['get', 'void', 'begin', 'fill']);
    expect(pair.count('undecodable')).toBe(20);
  });
});

test('a client without the middleware reads the same', async () => {
  pair.table.put(user('1', 'Ada'));
  const direct = await getUser(pair.table.client(), '1');
  expect((await pair.get('1')).Item).toEqual(direct.Item);
  expect((await pair.get('1')).Item).toEqual(direct.Item);
});

import { BatchGetItemCommand, GetItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { getUser, newPair, type Pair, user } from './rig.js';

let pair: Pair;
beforeEach(() => {
  pair = newPair({ tables: ['users'] });
});

const Key = { id: { S: '1' } };
const send = (command: object) => pair.client.send(command as GetItemCommand);
const declined = () => pair.reports.filter(({ type }) => type === 'declined');

describe('A read that is left to DynamoDB is reported with its reason:', () => {
  test.each<[string, object, object]>([
    ['another table', new GetItemCommand({ TableName: 'orders', Key }), { reason: 'table' }],
    [
      'a strong read',
      new GetItemCommand({ TableName: 'users', Key, ConsistentRead: true }),
      { reason: 'consistent-read' },
    ],
    [
      'a word of no capacity',
      new GetItemCommand({ TableName: 'users', Key, ReturnConsumedCapacity: 'ALL' as never }),
      { reason: 'not-understood', member: 'ReturnConsumedCapacity' },
    ],
    [
      'no attributes to get',
      new GetItemCommand({ TableName: 'users', Key, AttributesToGet: [] }),
      { reason: 'not-understood', member: 'AttributesToGet' },
    ],
    [
      'a path into a key attribute',
      new GetItemCommand({ TableName: 'users', Key, ProjectionExpression: 'id.x' }),
      { reason: 'key-path' },
    ],
    [
      'a batch with a path into a key attribute',
      new BatchGetItemCommand({ RequestItems: { users: { Keys: [Key], ProjectionExpression: 'id[1]' } } }),
      { operation: 'BatchGetItem', reason: 'key-path' },
    ],
    [
      'a batch of no keys',
      new BatchGetItemCommand({ RequestItems: { users: { Keys: [] } } }),
      { operation: 'BatchGetItem', reason: 'not-understood', member: 'Keys' },
    ],
    [
      'a batch with names for one table and an expression for another',
      new BatchGetItemCommand({
        RequestItems: {
          users: { Keys: [Key], AttributesToGet: ['id'] },
          orders: {
            Keys: [{ customerId: { S: '1' }, orderId: { S: '1' } }],
            ProjectionExpression: 'customerId',
          },
        },
      }),
      { operation: 'BatchGetItem', reason: 'not-understood', member: 'AttributesToGet' },
    ],
    [
      'a Query with a reserved word',
      new QueryCommand({ TableName: 'users', KeyConditionExpression: 'name = :n' }),
      { operation: 'Query', reason: 'not-understood', member: 'KeyConditionExpression' },
    ],
    [
      'a Scan with a member that nobody knows',
      Object.assign(new ScanCommand({ TableName: 'users' }), {
        input: { TableName: 'users', VectorSearch: {} },
      }),
      { operation: 'Scan', reason: 'not-understood', member: 'VectorSearch' },
    ],
  ])('%s', async (_name, command, report) => {
    pair.table.put(user('1', 'Ada'));
    await getUser(pair.client, '1'); // so that a hit could answer
    await send(command).catch(() => {});
    expect(declined()).toMatchObject([report]);
    expect(pair.table.log).toHaveLength(2);
  });
});

test('A Scan with the ScanIndexForward that some libraries add is cached', async () => {
  pair.table.put(user('1', 'Ada'));
  const input = { TableName: 'users', ScanIndexForward: true };
  for (let scans = 0; scans < 3; scans += 1) await send(new ScanCommand(input as never));
  expect(pair.count('hit')).toBe(1);
});

describe('A result does not outlive an item in it', () => {
  const query = (more = {}) =>
    new QueryCommand({
      TableName: 'users',
      KeyConditionExpression: 'id = :id',
      ExpressionAttributeValues: { ':id': { S: '1' } },
      ...more,
    });
  const withEnd = (at: number) => ({ ...user('1', 'Ada'), ends: { N: String(Math.floor(at / 1000)) } });

  beforeEach(() => {
    pair = newPair({ tables: { users: { ttlAttribute: 'ends' } } });
  });

  test('and is no hit once the time of one is over', async () => {
    pair.table.put(withEnd(Date.now() + 10_000));
    for (const _ of ['miss', 'hit']) await send(query());
    expect(pair.count('hit')).toBe(1);
    pair.clock.pass(11_000);
    await send(query());
    expect(pair.count('hit')).toBe(1);
  });

  test('and is not stored where the time of one is over', async () => {
    pair.table.put(withEnd(Date.now() - 10_000));
    for (const _ of [1, 2]) await send(query());
    expect(pair.count('hit') + pair.count('fill')).toBe(0);
  });

  test('nor where nobody can tell, which is reported', async () => {
    pair.table.put(withEnd(Date.now() + 10_000));
    for (const _ of [1, 2]) await send(query({ ProjectionExpression: 'id' }));
    expect(pair.count('hit') + pair.count('fill')).toBe(0);
    expect(declined()).toMatchObject([{ reason: 'ttl-unread' }, { reason: 'ttl-unread' }]);
  });
});

test('A key of bytes in any other view than Uint8Array is left to DynamoDB: the SDK sends something else', async () => {
  pair.table.put({ id: { B: new Uint8Array([1]) }, name: { S: 'Ada' } });
  const get = (B: unknown) =>
    send(new GetItemCommand({ TableName: 'users', Key: { id: { B: B as Uint8Array } } }));
  for (const _ of [1, 2]) await get(Buffer.from([1]));
  expect(pair.count('hit')).toBe(1);
  const { buffer } = new Uint8Array([1]);
  for (const view of [new DataView(buffer), new Int8Array(buffer)]) await get(view).catch(() => {});
  expect(pair.count('hit')).toBe(1);
});

test('A hit has the $metadata of an answer for which nothing was sent', async () => {
  pair.table.put(user('1', 'Ada'));
  for (const _ of ['miss', 'hit']) await getUser(pair.client, '1');
  expect((await getUser(pair.client, '1')).$metadata).toEqual({
    httpStatusCode: 200,
    attempts: 0,
    totalRetryDelay: 0,
  });
});

test('An abort while waiting for the read of another is the error that the SDK gives, with its cause', async () => {
  pair.table.put(user('1', 'Ada'));
  const held = pair.table.hold('GetItem', 'before');
  const first = getUser(pair.client, '1');
  await held.reached;
  const controller = new AbortController();
  const command = new GetItemCommand({ TableName: 'users', Key });
  const second = pair.client.send(command, { abortSignal: controller.signal });
  setImmediate(() => controller.abort(new Error('the user left')));
  await expect(second).rejects.toMatchObject({
    name: 'AbortError',
    cause: { message: 'the user left' },
    $metadata: { attempts: 1 },
  });
  held.release();
  await first;
});

test('A middleware ends its connections with close() and await using', async () => {
  const ends: string[] = [];
  const cache = { ...pair.memory.store, close: async () => void ends.push('closed') };
  const middleware = NewCachingMiddleware({ ...pair.options, cache });
  await middleware.close();
  await middleware[Symbol.asyncDispose]();
  expect(ends).toEqual(['closed', 'closed']);
});

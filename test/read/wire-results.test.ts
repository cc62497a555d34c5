import { QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, expect, test } from 'vitest';
import { newPair, type Pair, user } from './rig.js';

let pair: Pair;
beforeEach(() => {
  pair = newPair();
  pair.table.put(user('1', 'Ada'));
});

const query = new QueryCommand({
  TableName: 'users',
  KeyConditionExpression: 'id = :id',
  ExpressionAttributeValues: { ':id': { S: '1' } },
});
const scan = new ScanCommand({ TableName: 'users' });

test('a query is stored when it is first read, and then asks nothing of DynamoDB', async () => {
  await pair.client.send(query);
  pair.cache.calls.length = 0;
  const reached = pair.table.log.length;
  const { Items, Count, ScannedCount } = await pair.client.send(query);
  expect({ Items, Count, ScannedCount }).toEqual({ Items: [user('1', 'Ada')], Count: 1, ScannedCount: 1 });
  expect(pair.cache.calls.map(([method]) => method)).toEqual(['get', 'generations']);
  expect(pair.table.log).toHaveLength(reached);
});

test('a scan is stored from its second identical request on', async () => {
  for (const expected of [1, 2, 2, 2]) {
    expect((await pair.client.send(scan)).Items).toEqual([user('1', 'Ada')]);
    expect(pair.table.log).toHaveLength(expected);
  }
  expect(pair.outcomes('fill')).toEqual(['filled']);
});

test('a scan that is not repeated within its time is not stored', async () => {
  for (const _ of [1, 2, 3]) {
    await pair.client.send(scan);
    pair.clock.pass(60_001);
  }
  expect(pair.outcomes('fill')).toEqual([]);
});

test('a different scan is another one', async () => {
  for (const Limit of [1, 2, 3]) await pair.client.send(new ScanCommand({ TableName: 'users', Limit }));
  expect(pair.outcomes('fill')).toEqual([]);
});

import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  GetItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { fuzzRequests } from '../proof/fuzz/requests.js';
import { fuzzStoredValues } from '../proof/fuzz/stored-values.js';
import { fuzzStreamEvents } from '../proof/fuzz/stream-events.js';
import type { Report } from '../src/report.js';
import { openMemory } from '../src/store/memory.js';
import { NewStreamCacheHandler } from '../src/stream/handler.js';
import { newPair, silent, user } from './read/rig.js';
import { event, record, sequenceNumber } from './support/records.js';
import { FAILURES, newTableStub } from './support/table.js';

/** The short form of `npm run proof:fuzz`, which says what is tried and what has to hold. */
const seed = 1;

test('hostile stream events crash nothing, tell nothing and stay in the namespace', {
  timeout: 60_000,
}, async () => {
  const { inputs, outcomes } = await fuzzStreamEvents({ runs: 2_000, seed }, openMemory(Date.now).store);
  expect(inputs).toBeGreaterThan(1_500);
  expect(Object.keys(outcomes).sort()).toEqual(['applied', 'refused']);
});

test('hostile requests are answered as by a client without the middleware', { timeout: 60_000 }, async () => {
  const { inputs } = await fuzzRequests({ runs: 400, seed });
  expect(inputs).toBeGreaterThan(300);
});

test('values that are not ours are not served', { timeout: 60_000 }, async () => {
  const { outcomes } = await fuzzStoredValues({ runs: 400, seed });
  expect(outcomes['answered from the table']).toBeGreaterThan(150);
});

test('a write that is no write fails with the error that it would have without the middleware', async () => {
  const { client } = newPair();
  const malformed = new BatchWriteItemCommand({ RequestItems: { users: 'x' as never } });
  const bare = await newTableStub().client().send(malformed).catch(String);
  expect(await client.send(malformed).catch(String)).toBe(bare);
  const failing = newPair();
  failing.table.fail(FAILURES.internal);
  await expect(failing.client.send(malformed)).rejects.toThrow('InternalServerError');
});

test('a BatchGetItem without request items fails with the error that it would have without the middleware', async () => {
  const empty = new BatchGetItemCommand({ RequestItems: null as never });
  const bare = await newTableStub().client().send(empty).catch(String);
  expect(await newPair().client.send(empty).catch(String)).toBe(bare);
});

test('a key value of two types is left to DynamoDB, also where its item is cached', async () => {
  const pair = newPair();
  await pair.get('1');
  await pair.get('1');
  const Key = { id: { S: '1', N: '1' } as never };
  const answer = await pair.client.send(new GetItemCommand({ TableName: 'users', Key }));
  expect(answer).not.toHaveProperty('CacheMetadata');
});

test('keys with holes, which the SDK leaves out, are left to DynamoDB', async () => {
  const Keys = new Array(2).fill({ id: { S: '1' } }, 1);
  const holes = new BatchGetItemCommand({ RequestItems: { users: { Keys } } });
  expect((await newPair().client.send(holes)).Responses).toEqual({ users: [] });
});

test('a write that has succeeded never fails after all, and voids, where its list has holes that the SDK leaves out', async () => {
  const { client, table, memory, deliver } = newPair();
  await deliver(table.put(user('42', 'Ada')), table.put(user('43', 'Bob')));
  const Put = { TableName: 'users', Item: user('42', 'Eve') };
  const Delete = { TableName: 'users', Key: { id: { S: '43' } } };
  await client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }, { Delete }, null as never] }));
  expect(['users:id=42', 'users:id=43'].map(memory.values.get)).toEqual([undefined, undefined]);
});

test('a record whose index key is no value that a key can have is poison, and the rest of it is applied', async () => {
  const tables = { users: { partitionKey: 'id', indexes: { byLogins: { partitionKey: 'logins' } } } };
  const memory = openMemory(Date.now);
  const reports: Report[] = [];
  const onReport = (report: Report) => reports.push(report);
  const handler = NewStreamCacheHandler({ cache: memory.store, tables, logger: silent, onReport });
  await handler(event(record({ number: 1 })));
  const [before] = await memory.store.generations(['users*id=42']);
  const response = await handler(event(record({ number: 2, item: { logins: { N: 'many' } } })));
  expect(response).toEqual({ batchItemFailures: [] });
  expect(memory.values.get('users:id=42')).toBeUndefined();
  expect(await memory.store.generations(['users*id=42'])).not.toEqual([before]);
  expect(reports).toContainEqual(
    expect.objectContaining({ type: 'poison', sequenceNumber: sequenceNumber(2) }),
  );
});

test('a record whose time is no number is late, and never written', async () => {
  const memory = openMemory(Date.now);
  const handler = NewStreamCacheHandler({ cache: memory.store, logger: silent });
  const made = record();
  const dynamodb = { ...made.dynamodb, ApproximateCreationDateTime: 'soon' as never };
  await handler(event({ ...made, dynamodb }));
  expect(memory.values.get('users:id=42')).toBeUndefined();
});

test('a TTL attribute that is no attribute value makes a record poison, not the whole batch fail', async () => {
  const memory = openMemory(Date.now);
  const handler = NewStreamCacheHandler({ cache: memory.store, ttlAttribute: 'logins', logger: silent });
  const broken = record({ id: '1', item: { logins: null as never } });
  expect(await handler(event(broken, record({ id: '2' })))).toEqual({ batchItemFailures: [] });
  expect(memory.values.get('users:id=1')).toBeUndefined();
  expect(memory.values.get('users:id=2')).toBeDefined();
});

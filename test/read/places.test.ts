import { DynamoDBClient, type DynamoDBClientConfig, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import type { LeftAloneReport } from '../../src/report.js';
import { newTableStub } from '../support/table.js';
import { nameIn, newPair, type Pair, user } from './rig.js';

let pair: Pair;
beforeEach(() => {
  pair = newPair();
});

const ARN = 'arn:aws:dynamodb:eu-west-1:123456789012:table/users';
const ofLeftAlone = () =>
  pair.reports.flatMap((report) =>
    report.type === 'left-alone' ? [(report as LeftAloneReport).reason] : [],
  );

const get = (client: DynamoDBClient, TableName = 'users') =>
  client.send(new GetItemCommand({ TableName, Key: { id: { S: '1' } } })).then(nameIn);

/** A client of other tables of the same names, with a middleware of the same cache. */
function elsewhere(change: DynamoDBClientConfig, options: object = {}) {
  const table = newTableStub({ users: ['id'] }, pair.clock.now);
  table.put(user('1', 'elsewhere'));
  const client = new DynamoDBClient({ ...table.clientConfig(), ...change });
  client.middlewareStack.use(NewCachingMiddleware({ ...pair.options, ...options }));
  return client;
}

const credentials = { accessKeyId: 'other', secretAccessKey: 'other', accountId: '210987654321' };

describe('A client of other tables than the cache holds is left to DynamoDB, and one error says so:', () => {
  test.each<[string, DynamoDBClientConfig]>([
    ['another Region', { region: 'us-east-1' }],
    ['another endpoint', { endpoint: 'http://127.0.0.1:2' }],
    ['another account', { credentials }],
  ])('%s', async (_what, change) => {
    pair.table.put(user('1', 'at home'));
    for (const _ of ['miss', 'hit']) expect(await get(pair.client)).toBe('at home');
    const other = elsewhere(change);
    for (const _ of [1, 2, 3]) expect(await get(other)).toBe('elsewhere');
    expect(await get(pair.client)).toBe('at home');
    expect(ofLeftAlone()).toEqual(['other-place']);
  });

  test('one middleware on both clients', async () => {
    const middleware = NewCachingMiddleware(pair.options);
    const [here, there] = [pair.table.client(), elsewhere({ region: 'us-east-1' })];
    there.middlewareStack.remove('dynamodbStreamCache');
    for (const client of [here, there]) client.middlewareStack.use(middleware);
    pair.table.put(user('1', 'at home'));
    for (const _ of ['miss', 'hit']) expect(await get(here)).toBe('at home');
    for (const _ of [1, 2]) expect(await get(there)).toBe('elsewhere');
    expect(ofLeftAlone()).toEqual(['other-place']);
  });

  test('but a namespace of its own keeps it apart', async () => {
    pair.table.put(user('1', 'at home'));
    await get(pair.client);
    const other = elsewhere({ region: 'us-east-1' }, { namespace: 'us' });
    for (const _ of ['miss', 'hit']) expect(await get(other)).toBe('elsewhere');
    expect(ofLeftAlone()).toEqual([]);
    expect(pair.count('hit')).toBe(1);
  });
});

describe('A table named by ARN', () => {
  test('is that of its name where the client is at home', async () => {
    pair.table.put(user('1', 'Ada'));
    await get(pair.client);
    expect(await get(pair.client, ARN)).toBe('Ada');
    expect(pair.table.log).toHaveLength(1);
    expect(ofLeftAlone()).toEqual([]);
  });

  test.each([
    ['of another account', ARN.replace('123456789012', '210987654321')],
    ['of another Region', ARN.replace('eu-west-1', 'us-east-1')],
  ])('%s is answered by DynamoDB where the name has been used', async (_what, arn) => {
    pair.table.put(user('1', 'Ada'));
    for (const _ of ['miss', 'hit']) await get(pair.client);
    for (const _ of [1, 2]) await get(pair.client, arn);
    expect(pair.table.log).toHaveLength(3);
    expect(ofLeftAlone()).toEqual(['other-address']);
  });

  test.each(['arn:aws:dynamodb', `${ARN}/index/x`, ARN.replace('aws:', 'AWS:'), `${ARN} `])(
    'in no form that DynamoDB takes goes to DynamoDB: %s',
    async (malformed) => {
      pair.table.put(user('1', 'Ada'));
      await get(pair.client);
      pair.table.fail({ name: 'ValidationException', status: 400 });
      await expect(get(pair.client, malformed)).rejects.toThrow('ValidationException');
      expect(pair.table.log).toHaveLength(2);
    },
  );
});

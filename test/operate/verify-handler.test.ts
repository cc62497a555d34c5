import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { encode } from '../../src/codec.js';
import { ConfigError } from '../../src/errors.js';
import { itemKey } from '../../src/key.js';
import { NewVerifyHandler } from '../../src/operate/index.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore } from '../../src/store/store.js';
import { change, RULES } from '../contract/store-contract.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';

const namespace = `verifier${randomUUID().replaceAll('-', '')}`;
let dynamodb: DynamoDBServer;
let store: CacheStore;
beforeAll(async () => {
  dynamodb = await startDynamoDB();
  store = openStore(inject('redisUrl'), 4_000);
  const client = dynamodb.client();
  for (const table of ['users', 'orders']) await createTable(client, table, { id: 'S' });
  for (let n = 0; n < 20; n += 1) {
    const item = { id: { S: `u${n}` }, name: { S: n === 7 ? 'Ada' : 'Bob' } };
    await client.send(new PutItemCommand({ TableName: 'users', Item: item }));
    const key = itemKey(namespace, 'users', { id: { S: `u${n}` } });
    await store.apply([change(key, 1, { value: encode({ ...item, name: { S: 'Bob' } }) })], RULES);
  }
});
afterAll(async () => {
  await store?.close();
  await dynamodb?.stop();
});

/** What a function prints in one invocation, as JSON lines. */
async function invoke(program: string, variables: Record<string, string> = {}) {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', `${program} await handler(); process.exit(0);`],
    {
      env: {
        PATH: process.env.PATH,
        ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
        STREAM_CACHE_URL: inject('redisUrl'),
        STREAM_CACHE_NAMESPACE: namespace,
        ...variables,
      },
    },
  );
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Of the built package, with looks that follow each other faster. */
const BUILT = `import { NewVerifyHandler } from './dist/operate/index.js';
  const handler = NewVerifyHandler({ tables: ['users', 'orders'], againAfterMs: [50], repair: REPAIR });`;
const WITHOUT_CODE = "const { handler } = await import('./dist/lambda-verify.mjs');";

test('compares what the tables have: one metric and one line of log a table, and no key in them', async () => {
  const lines = await invoke(BUILT.replace('REPAIR', 'false'));
  expect(lines).toMatchObject([
    {
      ...{ service: 'dynamodb-stream-cache', table: 'users', EntriesCompared: 20, EntriesDifferent: 1 },
      _aws: { CloudWatchMetrics: [{ Namespace: 'DynamoDBStreamCache', Dimensions: [['service', 'table']] }] },
    },
    { level: 'INFO', tableName: 'users', items: 20, different: 1, repaired: 0 },
    { table: 'orders', EntriesCompared: 0, EntriesDifferent: 0 },
    { tableName: 'orders', items: 0, different: 0 },
  ]);
  expect(JSON.stringify(lines)).not.toContain('u7');
});

test('takes out what differs, and compares as many as it is told, also as the function without code', async () => {
  expect((await invoke(BUILT.replace('REPAIR', 'true')))[1]).toMatchObject({ different: 1, repaired: 1 });
  const all = await invoke(WITHOUT_CODE, { VERIFY_TABLES: 'users' });
  expect(all[0]).toMatchObject({ EntriesCompared: 19, EntriesDifferent: 0 });
  const some = await invoke(WITHOUT_CODE, {
    VERIFY_TABLES: ' users, orders',
    VERIFY_SAMPLE: '5',
    VERIFY_RCU: '100',
  });
  expect(some.map(({ EntriesCompared }) => EntriesCompared)).toEqual([5, undefined, 0, undefined]);
});

describe('set up wrongly, it says with what', () => {
  test.each<[string, object, RegExp]>([
    ['no table', { cache: 'redis://h' }, /has no tables: give tables, or set VERIFY_TABLES/],
    ['no cache', { tables: ['a'] }, /has no cache: give cache, or set STREAM_CACHE_URL/],
  ])('%s', (_, config, message) => {
    expect(() => NewVerifyHandler(config)).toThrow(ConfigError);
    expect(() => NewVerifyHandler(config)).toThrow(message);
  });
});

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { encode } from '../../src/codec.js';
import { guardKey, itemKey } from '../../src/key.js';
import { memcachedStore } from '../../src/store/memcached/index.js';
import { momentoStore } from '../../src/store/momento/index.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore, Lease } from '../../src/store/store.js';
import { change, RULES } from '../contract/store-contract.js';
import { afterwards } from '../support/afterwards.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { type MomentoStandIn, startMomento } from '../support/momento.js';
import { runCli } from './run-cli.js';

let dynamodb: DynamoDBServer;
let memcached: MemcachedServer;
let momento: MomentoStandIn;
beforeAll(async () => {
  [dynamodb, memcached, momento] = await Promise.all([startDynamoDB(), startMemcached(), startMomento()]);
  await createTable(dynamodb.client(), 'users', { id: 'S' });
});
afterAll(() => Promise.all([dynamodb?.stop(), memcached?.stop(), momento?.stop()]));

const CACHES = {
  Redis: () => ({ url: inject('redisUrl'), open: (url: string) => openStore(url, 4_000) }),
  'Redis Cluster': () => ({ url: inject('redisClusterUrl'), open: (url: string) => openStore(url, 4_000) }),
  memcached: () => ({ url: memcached.url, open: (url: string) => memcachedStore(url) }),
  "Momento's stand-in": () => ({ url: momento.url, open: (url: string) => momentoStore(url) }),
};

const newId = () => randomUUID();
const keyOf = (id: string) => itemKey(undefined, 'users', { id: { S: id } });
const textOf = (id: string, name: string) => encode({ id: { S: id }, name: { S: name } });
const get = (url: string, ...args: string[]) => runCli(['get', 'users', ...args, '--cache', url]);

async function fill(store: CacheStore, id: string, value: string): Promise<void> {
  const [lease] = (await store.begin([keyOf(id)], RULES)) as Lease[];
  const entry = { key: keyOf(id), lease: lease as Lease, strong: true, value, ttlMs: 3_600_000 };
  expect(await store.fill([entry], RULES)).toEqual(['filled']);
}

describe.each(Object.entries(CACHES))('get, of %s', (_name, cache) => {
  let url: string;
  let store: CacheStore;
  beforeAll(() => {
    ({ url } = cache());
    store = cache().open(url);
  });
  afterAll(() => store?.close());

  test('shows what the stream wrote, what a reader filled, and what is not there', async () => {
    const [written, filled, absent] = [newId(), newId(), newId()];
    const value = textOf(written, 'Ada');
    await store.apply([change(keyOf(written), 1, { value, ttlMs: 7_200_000 })], RULES);
    await fill(store, filled, textOf(filled, 'Bob'));
    const { code, stdout, stderr } = await get(url, ...[written, filled, absent].map((id) => `id=${id}`));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [first = '', second = '', third = ''] = stdout.split('\n\n');
    expect(first).toContain(`${keyOf(written)}\n  value   ${value}\n  lives   1 h 59 min more\n`);
    expect(first).toMatch(/guard {3}changed by the stream \d+ m?s ago; settles in \d+ m?s: until then/);
    expect(second).toContain(`value   ${textOf(filled, 'Bob')}`);
    expect(second).toMatch(/guard {3}read or written by an application \d+ m?s ago; settles in/);
    expect(third).toBe(
      `${keyOf(absent)}\n  value   not cached\n  guard   none: nothing happened to it lately\n`,
    );
  });

  test('compares with the table, attribute by attribute', async () => {
    const [equal, other] = [newId(), newId()];
    for (const id of [equal, other]) {
      const Item = { id: { S: id }, name: { S: 'Ada' } };
      await dynamodb.client().send(new PutItemCommand({ TableName: 'users', Item }));
    }
    await fill(store, equal, textOf(equal, 'Ada'));
    await fill(store, other, textOf(other, 'Bob'));
    const compared = (...ids: string[]) =>
      runCli(
        [
          ...['get', 'users', ...ids.map((id) => `id=${id}`)],
          ...['--cache', url, '--compare', '--endpoint', dynamodb.endpoint, '--json'],
        ],
        { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
      );
    expect((await compared(equal)).code).toBe(0);
    const { code, stdout } = await compared(equal, other);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).items).toEqual([
      expect.objectContaining({ key: keyOf(equal), differences: [] }),
      expect.objectContaining({
        key: keyOf(other),
        differences: [{ attribute: 'name', cache: '"Bob"', table: '"Ada"' }],
      }),
    ]);
  });
});

test('compared, a key has to be one of the table', async () => {
  const at = ['--cache', inject('redisUrl'), '--endpoint', dynamodb.endpoint, '--compare'];
  const { code, stderr } = await runCli(['get', 'users', 'id=1,at#2', ...at]);
  expect(code).toBe(2);
  expect(stderr).toContain('"id=1,at#2" is no key of users, which has id (S).');
});

test('a key may be DynamoDB JSON, plain JSON, the grammar of the cache, or the key of the cache itself', async () => {
  const forms = [
    ...['customerId=a%2Cb,orderId#7.0', '{"customerId":"a,b","orderId":7}'],
    ...['{"customerId":{"S":"a,b"},"orderId":{"N":"7"}}', 'orders:customerId=a%2Cb,orderId#7'],
  ];
  const { stdout } = await runCli(['get', 'orders', ...forms, '--cache', inject('redisUrl'), '--json']);
  expect(JSON.parse(stdout).items.map(({ key }: { key: string }) => key)).toEqual(
    forms.map(() => 'orders:customerId=a%2Cb,orderId#7'),
  );
});

test('docs/operate.md names each option of each command, and no other', async () => {
  const options = (text: string) => [...new Set(text.match(/(?<![\w-])--[a-z][a-z-]*/g))].sort();
  // Less the words of the AWS CLI, in what a command says to do.
  const page = (await readFile('docs/operate.md', 'utf8')).replace(/aws lambda .*/g, '');
  const commands = ['doctor', 'get', 'verify', 'stats', 'warm', 'purge', 'replay'];
  const helps = await Promise.all(commands.map(async (name) => (await runCli([name, '--help'])).stdout));
  for (const help of helps) expect(help).toMatch(/^Usage: stream-cache /);
  const ofDev = ['--ui', '--stats', '--table', '--port'];
  expect(options(page)).toEqual([...new Set([...options(helps.join('\n')), ...ofDev])].sort());
});

test('a guard that somebody has damaged is said to be', async () => {
  const id = newId();
  const redis = afterwards(new Redis(inject('redisUrl')), (client) => client.disconnect());
  await redis.set(guardKey(keyOf(id)), 'rubbish');
  expect((await get(inject('redisUrl'), `id=${id}`)).stdout).toContain(
    'cannot be read, and counts for one that settles',
  );
});

describe('called wrongly, it says with what, and changes nothing', () => {
  test.each<[string, string[], RegExp]>([
    ['no table', [], /no table is named/],
    ['no key', ['users'], /no key is named/],
    ['no cache', ['users', 'id=1'], /no cache is named. Give --cache URL, or set STREAM_CACHE_URL/],
    ['memory:', ['users', 'id=1', '--cache', 'memory:'], /known to the process alone/],
    ['what is no key', ['users', '42', '--cache', 'redis://h'], /"42" is no key of an item. Give id=42/],
    [
      'a number that JSON does not hold exactly',
      ['users', '{"id":9007199254740993}', '--cache', 'redis://h'],
      /is no key of an item. Give .* \(a number as id#42\)/,
    ],
    ['JSON of no key', ['users', '{"id":[]}', '--cache', 'redis://h'], /is no key of an item/],
    ['an empty key', ['users', '{}', '--cache', 'redis://h'], /the key has no attributes/],
    ['a wrong URL', ['users', 'id=1', '--cache', 'momento:'], /Expected momento:CACHE/],
    ['an unknown option', ['users', 'id=1', '--kompare'], /Unknown option '--kompare'/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await runCli(['get', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('a cache that is not there is a failure', async () => {
    const { code, stdout, stderr } = await get('redis://127.0.0.1:1', 'id=1');
    expect(code).toBe(1);
    expect(stdout).toContain('failed');
    expect(stderr).toMatch(/^stream-cache get: The cache cannot be reached.*ECONNREFUSED/);
  });
});

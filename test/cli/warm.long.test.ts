import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { itemKey } from '../../src/key.js';
import { openStore } from '../../src/store/open.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { thoroughly } from '../support/thorough.js';
import { runCli } from './run-cli.js';

const COUNT = 5_000;
let dynamodb: DynamoDBServer;
let memcached: MemcachedServer;
let folder: string;
beforeAll(async () => {
  [dynamodb, memcached, folder] = await Promise.all([
    startDynamoDB(),
    startMemcached(),
    mkdtemp(join(tmpdir(), 'warm-')),
  ]);
  const client = dynamodb.client();
  await createTable(client, 'users', { id: 'S' });
  for (let from = 0; from < COUNT; from += 25) {
    const requests = Array.from({ length: 25 }, (_, n) => ({
      PutRequest: { Item: { id: { S: `u${from + n}` }, text: { S: 'x'.repeat(400) } } },
    }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { users: requests } }));
  }
});
afterAll(async () => {
  await Promise.all([dynamodb?.stop(), memcached?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const freshNamespace = () => `warm${randomUUID().replaceAll('-', '')}`;

/** Runs a command until a signal that comes once its report says that it has begun. */
async function runUntil(signal: NodeJS.Signals, report: string, args: readonly string[]) {
  const child = spawn(process.execPath, ['dist/cli.js', ...args, '--report', report], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  for (;;) {
    const state = await readFile(report, 'utf8').catch(() => undefined);
    if (state !== undefined || child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill(signal);
  const [stdout, stderr] = await output;
  return { code: await exited, stdout, stderr };
}

describe.each([
  ['Redis', () => inject('redisUrl')],
  ...thoroughly(['Redis Cluster', () => inject('redisClusterUrl')] as const),
  ['memcached', () => memcached.url],
] as const)('warm and verify, on %s', (name, urlOf) => {
  const where = (namespace: string) => [
    ...['users', '--cache', urlOf(), '--namespace', namespace, '--endpoint', dynamodb.endpoint],
  ];
  const slow = ['--rcu', '1500']; // what takes a second or longer

  test('fill the cache with the table, and find it the same', async () => {
    const at = where(freshNamespace());
    const dry = await runCli(['warm', ...at, '--dry-run', '--json']);
    expect(JSON.parse(dry.stdout)).toMatchObject({ items: COUNT, bytesPerItem: expect.any(Number) });
    const { code, stdout } = await runCli(['warm', ...at]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^users has about 5,000 items, of about \d+ bytes each in the cache: \d\.\d MB, and/,
    );
    expect(stdout).toMatch(/\n5,000 of 5,000 items were stored, in .*\.\n$/);
    const again = await runCli(['warm', ...at, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ filled: 0, cached: COUNT, isDone: true });
    const verified = await runCli(['verify', ...at]);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toMatch(
      /^5,000 cached items and 0 results of users compared: 0 differ, 0 were in flight\.\n/,
    );
  });

  test('interrupted, warm says how to go on, and then does the rest', async () => {
    const at = where(freshNamespace());
    const report = join(folder, `${name}-warm.json`);
    const stopped = await runUntil('SIGINT', report, ['warm', ...at, ...slow]);
    expect(stopped.code).toBe(1);
    expect(stopped.stdout).toMatch(/\nInterrupted\. [\d,]+ of [\d,]+ items were stored, in/);
    expect(stopped.stderr).toContain(
      `Go on with: stream-cache warm users --resume ${report}, and the options`,
    );
    const state = JSON.parse(await readFile(report, 'utf8'));
    expect(state).toMatchObject({ command: 'warm', table: 'users', isDone: false });
    expect(state.state.warmed.filled).toBeLessThan(COUNT);

    const rest = await runCli(['warm', ...at, '--resume', report, '--json']);
    expect(JSON.parse(rest.stdout)).toMatchObject({ filled: COUNT, cached: 0, isDone: true });
    const token = Buffer.from(JSON.stringify(state)).toString('base64url');
    expect((await runCli(['warm', ...at, '--resume', token])).stdout).toMatch(/were there already/);
    const elsewhere = await runCli(['warm', ...where('elsewhere'), '--resume', report]);
    expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining('it is of namespace') });
  });

  test('killed in the middle, verify goes on from its report, and compares each entry once', async () => {
    const at = where(freshNamespace());
    await runCli(['warm', ...at]);
    const report = join(folder, `${name}-verify.json`);
    const killed = await runUntil('SIGKILL', report, ['verify', ...at, ...slow]);
    expect(killed.code).toBeNull();
    const before = JSON.parse(await readFile(report, 'utf8'));
    expect(before.state.items).toBeLessThan(COUNT);
    const { code, stdout } = await runCli([
      'verify',
      ...at,
      '--resume',
      report,
      '--report',
      report,
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ items: COUNT, different: [] });
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({ isDone: true, items: COUNT });
  });
});

describe('warm takes keys', () => {
  const at = (namespace: string) => [
    ...['warm', 'users', '--cache', inject('redisUrl'), '--namespace', namespace],
    ...['--endpoint', dynamodb.endpoint],
  ];
  const isCached = async (namespace: string, ids: string[]) => {
    const store = openStore(inject('redisUrl'), 4_000);
    const texts = await store.get(ids.map((id) => itemKey(namespace, 'users', { id: { S: id } })));
    await store.close();
    return texts.map((value) => value !== undefined);
  };

  test('of a file, as get takes them, and of those alone', async () => {
    const namespace = freshNamespace();
    const file = join(folder, 'keys');
    await writeFile(file, 'id=u1\n\n{"id":"u2"}\r\n{"id":{"S":"nobody"}}\n');
    const { code, stdout } = await runCli([...at(namespace), '--keys', file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2 of 3 items were stored, 1 does not exist, in/);
    expect(await isCached(namespace, ['u1', 'u2', 'u3'])).toEqual([true, true, false]);
  });

  test('of standard input', async () => {
    const namespace = freshNamespace();
    const child = spawn(process.execPath, ['dist/cli.js', ...at(namespace), '--keys', '-', '--json'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.end(Array.from({ length: 1_500 }, (_, n) => `id=u${n}`).join('\n'));
    expect(JSON.parse(await text(child.stdout))).toMatchObject({ filled: 1_500, absent: 0 });
    expect(await isCached(namespace, ['u0', 'u1499', 'u1500'])).toEqual([true, true, false]);
  });

  test('and says which line is none', async () => {
    const file = join(folder, 'wrong');
    await writeFile(file, 'id=u1\nname=x\n');
    const { code, stderr } = await runCli([...at(freshNamespace()), '--keys', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(`line 2 of ${file} is no key of users, which has id (S).`);
  });
});

test.each<[string, string[], RegExp, number?]>([
  ['no table', [], /no table is named/],
  ['two tables', ['a', 'b'], /b is one table too many/],
  ['no cache', ['users'], /no cache is named/],
  ['half a segment', ['users', '--segments', '1.5'], /--segments 1.5 is no whole number/],
  ['too many segments', ['users', '--segments', '2000000'], /--segments 2000000 is above 64/],
  ['a partition and keys', ['users', '--partition', 'a=1', '--keys', 'f'], /exclude each other/],
  ['standard input to go on with', ['users', '--keys', '-', '--resume', 'x'], /cannot be gone on with/],
  [
    'what is no partition',
    ['users', '--partition', 'name=x', '--cache', 'REDIS'],
    /is not the partition key of users, which is id \(S\)/,
  ],
  [
    'a file that is not there',
    ['users', '--keys', '/nowhere', '--cache', 'REDIS'],
    /cannot read the keys of \/nowhere/,
  ],
  [
    'a dry run of keys',
    ['users', '--keys', '/nowhere', '--dry-run', '--cache', 'REDIS'],
    /Leave out --partition and --keys/,
  ],
  [
    'a table that is not there',
    ['nobody', '--cache', 'REDIS'],
    /cannot read the table nobody: ResourceNotFound/,
    1,
  ],
  ['a cache that is not there', ['users', '--cache', 'redis://127.0.0.1:1'], /ECONNREFUSED/, 1],
])('called with %s, warm says so', async (_, args, message, exitCode = 2) => {
  const given = args.map((arg) => (arg === 'REDIS' ? inject('redisUrl') : arg));
  const { code, stderr } = await runCli(['warm', ...given, '--endpoint', dynamodb.endpoint]);
  expect(code).toBe(exitCode);
  expect(stderr).toMatch(message);
});

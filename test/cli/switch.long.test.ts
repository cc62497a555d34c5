import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { CacheMetadata } from '../../src/read/answer.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { memcachedStore } from '../../src/store/memcached/index.js';
import { getUser, nameIn, silent, user } from '../read/rig.js';
import { freePort } from '../support/machine.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { type MomentoStandIn, startMomento } from '../support/momento.js';
import { newTableStub } from '../support/table.js';
import { runCli } from './run-cli.js';

let memcached: MemcachedServer;
let momento: MomentoStandIn;
beforeAll(async () => {
  [memcached, momento] = await Promise.all([startMemcached(), startMomento()]);
});
afterAll(() => Promise.all([memcached?.stop(), momento?.stop()]));

const newNamespace = () => `switch${randomUUID().replaceAll('-', '')}`;

describe.each([
  ['Redis', () => inject('redisUrl')],
  ['Redis Cluster', () => inject('redisClusterUrl')],
  ['memcached', () => memcached.url],
  ["Momento's stand-in", () => momento.url],
])('on %s', (_, urlOf) => {
  test('it is turned off, to shadow and on, shown, and left as it is by a dry run', async () => {
    const where = ['--cache', urlOf(), '--namespace', newNamespace()];
    const turn = (...args: string[]) => runCli(['switch', ...args, ...where]);
    expect(await turn()).toMatchObject({ code: 0, stdout: 'The switch is at on.\n' });
    expect((await turn('off')).stdout).toBe(
      'The switch was at on and is at off: all readers obey within 5 s.\n',
    );
    expect((await turn('on', '--dry-run')).stdout).toBe('The switch is at off, and would be turned to on.\n');
    expect(JSON.parse((await turn('shadow', '--json')).stdout)).toEqual({
      ...{ before: 'off', after: 'shadow', dryRun: false },
    });
    expect((await turn('on')).stdout).toBe(
      'The switch was at shadow and is at on: all readers obey within 5 s.\n',
    );
  });
});

test.each([
  ['one server', () => inject('redisUrl')],
  ['memcached', () => memcachedStore(memcached.url)],
])('every reader obeys within five seconds, and when it is on again: %s', async (_, cacheOf) => {
  const namespace = newNamespace();
  const cache = cacheOf();
  const where = ['--cache', typeof cache === 'string' ? cache : memcached.url, '--namespace', namespace];
  const table = newTableStub();
  table.put(user('1', 'Ada'));
  const readers = Array.from({ length: 3 }, () => {
    const client = table.client();
    client.middlewareStack.use(
      NewCachingMiddleware({ cache, namespace, logger: silent, readTimeoutMs: 2_000 }),
    );
    return client;
  });
  const areServed = async () => {
    const answers = await Promise.all(readers.map((client) => getUser(client, '1')));
    for (const answer of answers) expect(nameIn(answer)).toBe('Ada');
    return answers.map(
      (answer) => (answer as { CacheMetadata?: CacheMetadata }).CacheMetadata?.CacheHit === true,
    );
  };
  const within = { timeout: 5_000, interval: 50 };

  await expect.poll(areServed, within).toEqual([true, true, true]);
  expect((await runCli(['switch', 'off', ...where])).code).toBe(0);
  await expect.poll(areServed, within).toEqual([false, false, false]);
  expect((await runCli(['switch', 'on', ...where])).code).toBe(0);
  await expect.poll(areServed, within).toEqual([true, true, true]);
});

test('a purge of the whole namespace leaves it as it is', async () => {
  const where = ['--cache', inject('redisUrl'), '--namespace', newNamespace()];
  await runCli(['switch', 'off', ...where]);
  expect((await runCli(['purge', '--all-tables', '--yes', ...where])).code).toBe(0);
  expect((await runCli(['switch', ...where])).stdout).toBe('The switch is at off.\n');
});

test.each(['switch', 'purge', 'get', 'verify', 'warm', 'stats', 'doctor', 'invoke', 'dev', 'replay'])(
  '%s refuses an empty namespace: that of no variable is not what was meant',
  async (command) => {
    const { code, stderr } = await runCli([
      command,
      'users',
      '--namespace',
      '',
      '--cache',
      'redis://127.0.0.1',
    ]);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--namespace has to be a text of 1 to 256 characters'),
    });
  },
);

test('says what is wrong', async () => {
  expect(await runCli(['switch', 'of'])).toMatchObject({
    code: 2,
    stderr: 'stream-cache switch: expected off, shadow or on, not of. See stream-cache switch --help.\n',
  });
  expect(await runCli(['switch', 'off'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no cache is named/),
  });
  const gone = await runCli(['switch', 'off', '--cache', `redis://127.0.0.1:${await freePort()}`]);
  expect(gone).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^stream-cache switch: .*ECONNREFUSED/),
  });
});

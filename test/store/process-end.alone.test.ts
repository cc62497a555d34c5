import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect, inject, test } from 'vitest';
import { afterwards } from '../support/afterwards.js';
import { freePort } from '../support/machine.js';
import { startMemcached } from '../support/memcached.js';
import { startMomento } from '../support/momento.js';
import { startSilentServer } from '../support/proxy.js';
import { startRedis } from '../support/redis.js';

/** Reads, writes and applies a change through the built package, as a script would that closes only its own client. */
const SCRIPT = `
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { NewCachingMiddleware, NewStreamCacheHandler } from './dist/index.js';
import { memcachedStore } from './dist/memcached/index.js';
import { momentoStore } from './dist/momento/index.js';
const [url] = process.argv.slice(1);
const open = { 'memcached:': memcachedStore, 'momento-local:': momentoStore }[new URL(url).protocol];
const cache = open ? open(url) : url;
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const body = JSON.stringify({ Item: { id: { S: '1' } } });
const client = new DynamoDBClient({
  region: 'eu-west-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  requestHandler: {
    handle: async () => ({
      response: { statusCode: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: new Blob([body]).stream() },
    }),
    destroy() {},
  },
});
client.middlewareStack.use(NewCachingMiddleware({ cache, namespace: String(Math.random()), logger, readTimeoutMs: 2000 }));
const input = { TableName: 'users', Key: { id: { S: '1' } } };
const hits = [];
for (const _ of [1, 2]) hits.push((await client.send(new GetItemCommand(input))).CacheMetadata?.CacheHit === true);
await client.send(new PutItemCommand({ TableName: 'users', Item: { id: { S: '1' } } }));
client.destroy();
await NewStreamCacheHandler({ cache, logger, writeTimeoutMs: 1000 })({ Records: [] });
console.log(JSON.stringify(hits));
`;

/** How long the process lived on after its last line. */
async function run(cache: string): Promise<{ hits: unknown; code: number | null; restMs: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, cache], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  afterwards(child, () => child.kill('SIGKILL'));
  let since = 0;
  child.stdout.once('data', () => {
    since = performance.now();
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [code, said] = await Promise.all([exited, text(child.stdout)]);
  return { hits: JSON.parse(said), code, restMs: performance.now() - since };
}

const SOON_MS = 3_000; // a socket that is not answered is given up after 1.5 s, a question for a cluster's slots after 1.6 s

test.each(['redisUrl', 'redisClusterUrl'] as const)(
  'a process ends by itself after it used %s',
  async (url) => {
    const { hits, code, restMs } = await run(inject(url));
    expect({ hits, code }).toEqual({ hits: [false, true], code: 0 });
    expect(restMs).toBeLessThan(1_000);
  },
);

test('a process ends by itself after it used memcached', async () => {
  const server = afterwards(await startMemcached(), (each) => each.stop());
  const { hits, code, restMs } = await run(server.url);
  expect({ hits, code }).toEqual({ hits: [false, true], code: 0 });
  expect(restMs).toBeLessThan(1_000);
});

test('a process ends by itself though its memcached refuses connections, says nothing, or stopped answering', async () => {
  const silent = afterwards(await startSilentServer(), (server) => server.close());
  const frozen = afterwards(await startMemcached(), (each) => each.stop());
  await frozen.pause();
  for (const port of [await freePort(), silent.port, frozen.port]) {
    const { hits, code, restMs } = await run(`memcached://127.0.0.1:${port}`);
    expect({ hits, code }).toEqual({ hits: [false, false], code: 0 });
    expect(restMs).toBeLessThan(SOON_MS);
  }
}, 30_000);

test('a process ends by itself after it used a cache of Momento, and though that one says nothing', async () => {
  const service = afterwards(await startMomento(), (each) => each.stop());
  const { hits, code, restMs } = await run(service.url);
  expect({ hits, code }).toEqual({ hits: [false, true], code: 0 });
  expect(restMs).toBeLessThan(1_000);
  service.pause();
  const silent = await run(service.url);
  expect(silent.code).toBe(0);
  expect(silent.restMs).toBeLessThan(SOON_MS);
}, 30_000);

test.each(['', '?cluster'])(
  'a process ends by itself though the cache refuses connections, or says nothing%s',
  async (cluster) => {
    const silent = afterwards(await startSilentServer(), (server) => server.close());
    for (const port of [await freePort(), silent.port]) {
      const { hits, code, restMs } = await run(`redis://127.0.0.1:${port}${cluster}`);
      expect({ hits, code }).toEqual({ hits: [false, false], code: 0 });
      expect(restMs).toBeLessThan(SOON_MS);
    }
  },
  30_000,
);

test('a process ends by itself though the cache stopped answering', async () => {
  const server = afterwards(await startRedis(), (each) => each.stop());
  await server.pause();
  const { code, restMs } = await run(server.url);
  expect(code).toBe(0);
  expect(restMs).toBeLessThan(SOON_MS);
}, 30_000);

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError } from '../src/errors.js';
import { unvoidedIn } from '../src/read/unvoided.js';
import { getUser, nameIn, newPair, silent, user } from './read/rig.js';
import { freePort } from './support/machine.js';
import { newTableStub } from './support/table.js';

const ROOT = join(import.meta.dirname, '..');
const { name: PACKAGE, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** What Lambda starts Node 20 and 22 with: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html */
const AS_LAMBDA = '--no-experimental-require-module';
/** They await while they load: what Lambda and `node --import` load. */
const AWAITING = ['./lambda', './auto'];
/** What bundlers are given. */
const OF_BUNDLERS = ['./esbuild', './rollup'];
const ONLY_ESM = [...AWAITING, ...OF_BUNDLERS];
const ENTRIES = Object.keys(exports).filter((entry) => entry !== './package.json');
const DUAL = ENTRIES.filter((entry) => !ONLY_ESM.includes(entry));
const specifier = (entry: string) => PACKAGE + entry.slice(1);

/** What a CommonJS program prints. Within the package its own name leads where it leads those who installed it. */
async function run(program: string, ...flags: string[]): Promise<string> {
  const child = spawn(process.execPath, [...flags, '--input-type=commonjs', '--eval', program], {
    cwd: ROOT,
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return (stdout + stderr).trim();
}

/** Requires and imports each entry, and prints those of which both are not as they should be. */
const unlike = (isAsItShouldBe: string) => `
  const names = (module) =>
    Object.keys(module).filter((name) => !['__esModule', 'default', 'module.exports'].includes(name)).sort();
  const isAsItShouldBe = ${isAsItShouldBe};
  (async () => {
    for (const entry of ${JSON.stringify(DUAL.map(specifier))}) {
      const required = require(entry);
      if (!isAsItShouldBe(required, await import(entry))) console.log(entry);
    }
    console.log('done');
  })();`;

test('where Node requires no ES modules, every entry can be required, with the names that it has as one', async () => {
  const sameNames =
    '(required, imported) => names(required).length > 0 && names(required).join() === names(imported).join()';
  expect(await run(unlike(sameNames), AS_LAMBDA)).toBe('done');
});

test('where Node requires ES modules, every entry is one module for require and import', async () => {
  const areOne = '(required, imported) => names(imported).every((name) => imported[name] === required[name])';
  expect(await run(unlike(areOne))).toBe('done');
});

test('what is only an ES module cannot be required, but what bundlers are given can where Node requires ES modules', async () => {
  const attempt = (entry: string) =>
    `try { require('${specifier(entry)}'); } catch ({ code }) { console.log(code); }`;
  for (const entry of ONLY_ESM) expect(await run(attempt(entry), AS_LAMBDA), entry).toBe('ERR_REQUIRE_ESM');
  for (const entry of AWAITING) expect(await run(attempt(entry)), entry).toBe('ERR_REQUIRE_ASYNC_MODULE');
  for (const entry of OF_BUNDLERS) expect(await run(attempt(entry)), entry).toBe('');
});

test('an error of one entry is an instance of the class of another', async () => {
  const program = `
    const { ConfigError } = require('${PACKAGE}');
    const { memcachedStore } = require('${specifier('./memcached')}');
    try { memcachedStore('redis://h'); } catch (error) { console.log(error instanceof ConfigError); }`;
  expect(await run(program, AS_LAMBDA)).toBe('true');
});

test('the construct finds the function of its own version from there', async () => {
  const program = `
    const { App, Stack } = require('aws-cdk-lib');
    const { AttributeType, StreamViewType, TableV2 } = require('aws-cdk-lib/aws-dynamodb');
    const { Vpc } = require('aws-cdk-lib/aws-ec2');
    const { StreamCache } = require('${specifier('./cdk')}');
    const stack = new Stack(new App(), 'Shop');
    const partitionKey = { name: 'id', type: AttributeType.STRING };
    const table = new TableV2(stack, 'Table', { partitionKey, dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES });
    new StreamCache(stack, 'Cache', { table, vpc: new Vpc(stack, 'Vpc') });
    console.log('made');`;
  expect(await run(program, AS_LAMBDA)).toBe('made');
});

test('nothing in it is loaded with import(), which Jest has not', () => {
  const files = readdirSync(join(ROOT, 'dist/cjs'), { recursive: true, encoding: 'utf8' });
  const loading = files.filter(
    (file) => file.endsWith('.js') && /\bimport\(/.test(readFileSync(join(ROOT, 'dist/cjs', file), 'utf8')),
  );
  expect(loading).toEqual([]);
});

describe('two copies of the package in one process', () => {
  const copy: typeof import('../src/index.js') = createRequire(import.meta.url)('../dist/cjs/index.js');

  test('have classes of their own', () => {
    expect(copy.ConfigError).not.toBe(ConfigError);
  });

  test('refuse each other’s middleware on one client', () => {
    const pair = newPair();
    const use = () => pair.client.middlewareStack.use(copy.NewCachingMiddleware(pair.options));
    expect(use).toThrow(copy.ConfigError);
    expect(use).toThrow(/one caching middleware/);
  });

  test('share a store: what one fills the other hits', async () => {
    const pair = newPair();
    pair.table.put(user('1', 'Ada'));
    await pair.get('1');
    const client = pair.table.client();
    client.middlewareStack.use(copy.NewCachingMiddleware(pair.options));
    expect(nameIn(await getUser(client, '1'))).toBe('Ada');
    expect(pair.count('hit')).toBe(1);
  });

  test('know of a cache that fails whichever of them made its store', async () => {
    const cache = copy.memoryStore();
    const failing = {
      ...cache,
      get: async (keys: readonly string[]) => keys.map(() => new copy.CacheError('down')),
    };
    const pair = newPair({ cache: failing });
    pair.table.put(user('1', 'Ada'));
    expect(nameIn(await pair.get('1'))).toBe('Ada');
    expect(pair.reports).toContainEqual(expect.objectContaining({ type: 'cache-failure', operation: 'get' }));
  });

  test('know what either wrote and could not void', async () => {
    const port = await freePort();
    const table = newTableStub({ users: ['id'] });
    const client = table.client();
    const caching = copy.NewCachingMiddleware({ cache: `redis://127.0.0.1:${port}`, logger: silent });
    onTestFinished(() => caching.close());
    client.middlewareStack.use(caching);
    await client.send(new DeleteItemCommand({ TableName: 'users', Key: { id: { S: '1' } } }));
    expect(unvoidedIn(`127.0.0.1:${port}/0`, undefined, 0).isEmpty).toBe(false);
  });
});

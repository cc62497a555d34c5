import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { thisMachine } from '../support/machine.js';
import { ROOT } from '../support/pages.js';
import { fetched } from './fetched.js';

/** The oldest that works, and those that Lambda and the SDK will go on with. */
const NODES = ['20.19.0', '22.23.3', '24.21.0'];

/** Lambda starts Node 20 and 22 so: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html */
const AS_LAMBDA = '--no-experimental-require-module';

const FETCH_LIMIT_MS = 300_000;

const PACKAGE = 'dynamodb-stream-cache';
const INSTALLED = `node_modules/${PACKAGE}`;

const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));

/** What an application has beside the package, in the versions that the project itself is tested with. */
const BESIDE = [
  ...versions(manifest.dependencies, /./),
  ...versions(manifest.devDependencies, /^@aws-sdk\/client-dynamodb/),
  'jest@30.5.2',
  'ts-jest@29.4.15',
  'typescript@5.9.3', // ts-jest works with no later one
  '@types/jest@30.0.0',
  '@types/node@22.20.7',
];

let server: DynamoDBServer;
let project: string;
beforeAll(async () => {
  server = await startDynamoDB();
  project = await newProject();
}, FETCH_LIMIT_MS);
afterAll(async () => {
  await rm(project, { recursive: true, force: true });
  await server?.stop();
});

describe.each(NODES)('Node %s', (version) => {
  let node: string;
  beforeAll(async () => {
    const folder = join(ROOT, 'node_modules/.cache/node', version);
    await fetched(folder, [`node@${version}`], { scripts: true }); // which fetch the binary of this platform
    node = join(folder, 'node_modules/node/bin/node');
    expect(await printed(node, ['--version'])).toBe(`v${version}`);
  }, FETCH_LIMIT_MS);

  test.each([
    ['ES modules', 'import.mjs', []],
    ['CommonJS', 'require.cjs', []],
    ['CommonJS where Node requires no ES modules', 'require.cjs', [AS_LAMBDA]],
  ])('runs the pair as %s', async (_, program, flags) => {
    const answers = await printed(node, [...flags, program], await newLoop());
    expect(JSON.parse(answers.split('\n').at(-1) ?? '')).toEqual(ANSWERS);
  });

  test.each([
    ['ES modules', 'plain.mjs', []],
    ['CommonJS', 'plain.cjs', []],
    ['CommonJS where Node requires no ES modules', 'plain.cjs', [AS_LAMBDA]],
  ])('reads through the cache without a line of ours: %s', async (_, program, flags) => {
    const { tableName, endpoint, cache } = await newPlaces();
    const answers = await printed(
      node,
      [...flags, '--no-warnings', '--import', 'dynamodb-stream-cache/auto', program],
      {
        ...{ AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_REGION: 'us-east-1', TABLE: tableName },
        ...{ AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
        ...{ STREAM_CACHE_URL: cache, STREAM_CACHE_NAMESPACE: tableName, STREAM_CACHE_AUTO: 'required' },
        ...{ STREAM_CACHE_READ_TIMEOUT_MS: '5000', POWERTOOLS_LOG_LEVEL: 'SILENT' },
      },
    );
    expect(JSON.parse(answers)).toEqual([false, true]);
  });

  test.each<[string, string[]]>([
    ['the command line', []],
    ['the bundle of the function', ['--handler', join(INSTALLED, 'dist/lambda.mjs')]],
  ])('runs %s on an event', async (_, more) => {
    const invoke = [join(INSTALLED, 'dist/cli.js'), 'invoke', join(INSTALLED, 'events/insert.json')];
    const namespace = `runtimes${randomUUID()}`;
    const where = ['--cache', inject('redisUrl'), '--namespace', namespace];
    expect(await printed(node, [...invoke, ...where, ...more])).toContain(
      `INSERT  ${namespace}:users:id=42  written`,
    );
  });

  test.each(['jest', 'ts-jest'])('runs the pair in the default mode of Jest: %s', async (how) => {
    const jest = ['../node_modules/jest/bin/jest.js', '--config', `${how}.json`, '--no-cache'];
    expect(await printed(node, jest, await newLoop())).toMatch(/^Tests: +1 passed, 1 total$/m);
  });
});

/** What the loop answers: nothing is there, what another wrote, what was written here, and nothing again. */
const ANSWERS = [null, 'Ada', 'Grace', null].map((name) => [name, name, true]);

/** Reads an item twice, and prints which were hits. */
const PLAIN = `
  const client = new DynamoDBClient();
  const read = () => client.send(new GetItemCommand({ TableName: process.env.TABLE, Key: { id: { S: '1' } } }));
  (async () => {
    const answers = [await read(), await read()];
    console.log(JSON.stringify(answers.map(({ CacheMetadata }) => CacheMetadata?.CacheHit === true)));
  })();`;

const FILES: Record<string, string | object> = {
  'plain.mjs': `import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';${PLAIN}`,
  'plain.cjs': `const { DynamoDBClient, GetItemCommand } = require('@aws-sdk/client-dynamodb');${PLAIN}`,
  'package.json': { name: 'application', private: true },
  'import.mjs':
    "import { loop } from './loop.mjs';\nconsole.log(JSON.stringify(await loop(JSON.parse(process.env.LOOP))));",
  'require.cjs':
    "require('./loop.cjs').loop(JSON.parse(process.env.LOOP)).then((answers) => console.log(JSON.stringify(answers)));",
  'jest.json': { testMatch: ['**/pair.test.js'], transform: {} },
  'pair.test.js': `
    const { loop } = require('./loop.cjs');
    test('the pair', async () => {
      expect(await loop(JSON.parse(process.env.LOOP))).toEqual(${JSON.stringify(ANSWERS)});
    });`,
  'ts-jest.json': {
    testMatch: ['**/pair.test.ts'],
    // The oldest that anybody has: subpaths of a package are found by typesVersions alone.
    transform: {
      '\\.ts$': ['ts-jest', { tsconfig: { module: 'commonjs', moduleResolution: 'node', strict: true } }],
    },
  },
  'pair.test.ts': `
    import { ConfigError, memoryStore, NewStreamCacheHandler, type StreamCacheConfig } from 'dynamodb-stream-cache';
    import { memcachedStore } from 'dynamodb-stream-cache/memcached';
    import { iamAuthentication } from 'dynamodb-stream-cache/iam';
    import { LocalEventSourceMapping } from 'dynamodb-stream-cache/local';
    test('the pair', async () => {
      const config = { cache: memoryStore() } satisfies StreamCacheConfig;
      // @ts-expect-error: an option that there is not
      const misspelt: StreamCacheConfig = { cach: '' };
      expect(() => NewStreamCacheHandler(misspelt)).toThrow(ConfigError);
      expect(() => memcachedStore('redis://h')).toThrow(ConfigError);
      expect([typeof iamAuthentication, typeof LocalEventSourceMapping]).toEqual(['function', 'function']);
      expect(await NewStreamCacheHandler(config)({ Records: [] })).toEqual({ batchItemFailures: [] });
    });`,
};

/** A project that installed the package as npm would publish it. It is not below node_modules, where Jest finds nothing. */
async function newProject(): Promise<string> {
  const key = createHash('sha256').update(BESIDE.join()).digest('hex').slice(0, 12);
  const beside = await fetched(join(ROOT, '.cache/runtimes', key), BESIDE);
  const folder = await mkdtemp(join(beside, 'project-'));
  const installed = join(folder, INSTALLED);
  await mkdir(installed, { recursive: true });
  const pack = ['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder, ROOT];
  const tarball = join(folder, `${PACKAGE}-${manifest.version}.tgz`);
  for (const command of [pack, ['tar', '-xzf', tarball, '-C', installed, '--strip-components', '1']]) {
    const failure = await thisMachine.attempt(command);
    if (failure !== undefined) throw new Error(`The package could not be installed: ${failure}`);
  }
  const loop = await readFile(join(import.meta.dirname, 'runtimes/loop.mjs'), 'utf8');
  const { code } = await transform(loop, { format: 'cjs' });
  const files = { ...FILES, 'loop.mjs': loop, 'loop.cjs': code };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

async function newLoop(): Promise<Record<string, string>> {
  return { LOOP: JSON.stringify(await newPlaces()), POWERTOOLS_LOG_LEVEL: 'SILENT' };
}

/** A table with a stream, and where it and the cache are. */
async function newPlaces(): Promise<Record<'tableName' | 'endpoint' | 'cache' | 'namespace', string>> {
  const tableName = `runtimes-${randomUUID()}`;
  const client = server.client();
  await createTable(client, tableName, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  client.destroy();
  return { endpoint: server.endpoint, cache: inject('redisUrl'), tableName, namespace: tableName };
}

/** What a program prints in the project, on either output; what it printed is in the error when it fails. */
async function printed(node: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const options = { cwd: project, env: { PATH: process.env.PATH ?? '', ...env }, timeout: 60_000 };
  const { stdout, stderr } = await promisify(execFile)(node, args, options);
  return `${stderr}${stdout}`.trim();
}

function versions(of: Record<string, string>, which: RegExp): string[] {
  return Object.entries(of).flatMap(([name, version]) => (which.test(name) ? [`${name}@${version}`] : []));
}

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type BuildOptions, build } from 'esbuild';
import { unzipSync } from 'fflate';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { lambdaBundle } from '../esbuild.config.mjs';
import { restamp } from '../src/cli/restamp.js';
import { memcachedStore } from '../src/store/memcached/index.js';
import { momentoStore } from '../src/store/momento/index.js';
import { readEvent, SAMPLE_OUTCOMES } from './cli/sample-outcomes.js';
import { type IamGate, startIamGate } from './iam/gate.js';
import { readEmf } from './metrics/emf.js';
import { startMemcached } from './support/memcached.js';
import { startMomento } from './support/momento.js';
import { type RedisServer, startRedis } from './support/redis.js';

const BUNDLE = 'dist/lambda.mjs';

/** A folder with the bundle alone, and one with all that is in the zip. */
let folder: string;
let unzipped: string;
let unzippedMomento: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stream-cache-bundle-'));
  await cp(BUNDLE, join(folder, 'lambda.mjs')).catch((cause) => {
    throw new Error(`There is no ${BUNDLE}: build it with \`npm run build\`.`, { cause });
  });
});
async function unzip(zip: string): Promise<string> {
  const into = await mkdtemp(join(tmpdir(), 'stream-cache-zip-'));
  const files = Object.entries(unzipSync(await readFile(zip)));
  await Promise.all(files.map(([name, content]) => writeFile(join(into, name), content)));
  return into;
}
beforeAll(async () => {
  [unzipped, unzippedMomento] = await Promise.all([
    unzip('dist/lambda.zip'),
    unzip('dist/lambda-momento.zip'),
  ]);
});
afterAll(async () => {
  for (const each of [folder, unzipped, unzippedMomento]) await rm(each, { recursive: true, force: true });
});

test('the bundle alone in a folder handles every sample event against a real Redis', async () => {
  const namespace = `bundle${randomBytes(6).toString('hex')}`;
  const events = SAMPLE_OUTCOMES.map(({ file }) => restamp(readEvent(file), Date.now()));

  expect(await readdir(folder)).toEqual(['lambda.mjs']);
  const { code, stdout, stderr } = await runAlone(INVOKE, JSON.stringify(events), {
    STREAM_CACHE_URL: inject('redisUrl'),
    STREAM_CACHE_NAMESPACE: namespace,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { responses, importMs } = JSON.parse(stdout);
  expect(responses).toEqual(events.map(() => ({ batchItemFailures: [] })));
  expect(await storedUnder(namespace)).toEqual(finalContents(namespace));

  const { length } = await readFile(BUNDLE);
  process.stdout.write(
    `${BUNDLE}: ${(length / 1024).toFixed(0)} KiB, imported in ${importMs.toFixed(0)} ms\n`,
  );
});

test.each([
  ['lambda.zip', ['lambda.mjs', 'lambda-iam.mjs', 'lambda-memcached.mjs', 'lambda-metrics.mjs']],
  ['lambda-momento.zip', ['lambda.mjs', 'lambda-metrics.mjs', 'lambda-momento.mjs']],
])(
  '%s has the bundle and what it loads when asked to, byte for byte, and nothing else',
  async (zip, names) => {
    const files = unzipSync(await readFile(join('dist', zip)));
    expect(Object.keys(files)).toEqual(names);
    for (const [name, content] of Object.entries(files)) {
      expect((await readFile(join('dist', name))).equals(content), name).toBe(true);
    }
  },
);

test.each([
  ['of a memcached lambda.zip', startMemcached, memcachedStore, () => unzipped],
  ["of a cache of Momento's lambda-momento.zip", startMomento, momentoStore, () => unzippedMomento],
] as const)('with the URL %s handles every sample event', async (_, startServer, openStore, folderOf) => {
  const server = await startServer();
  const namespace = 'bundle';
  const events = SAMPLE_OUTCOMES.map(({ file }) => restamp(readEvent(file), Date.now()));
  const { code, stdout, stderr } = await runAlone(
    INVOKE,
    JSON.stringify(events),
    {
      STREAM_CACHE_URL: server.url,
      STREAM_CACHE_NAMESPACE: namespace,
      POWERTOOLS_LOG_LEVEL: 'SILENT',
    },
    folderOf(),
  );
  const store = openStore(server.url);
  const contents = finalContents(namespace);
  const stored = await store.get(Object.keys(contents));
  await store.close();
  await server.stop();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout).responses).toEqual(events.map(() => ({ batchItemFailures: [] })));
  expect(stored).toEqual(Object.values(contents));
});

test('with STREAM_CACHE_METRICS the zip prints metrics for every sample event, and nothing else', async () => {
  const events = SAMPLE_OUTCOMES.map(({ file }) => restamp(readEvent(file), Date.now()));
  const { code, stdout, stderr } = await runAlone(
    INVOKE,
    JSON.stringify(events),
    {
      STREAM_CACHE_URL: inject('redisUrl'),
      STREAM_CACHE_NAMESPACE: `bundle${randomBytes(6).toString('hex')}`,
      STREAM_CACHE_METRICS: 'true',
      POWERTOOLS_LOG_LEVEL: 'SILENT',
    },
    unzipped,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [result = '', ...lines] = stdout.split('\n').reverse();
  expect(JSON.parse(result).responses).toEqual(events.map(() => ({ batchItemFailures: [] })));

  const published = readEmf(lines.reverse().join('\n'));
  const sum = (isOne: (name: string) => boolean) =>
    published
      .flatMap(({ metrics }) => Object.entries(metrics))
      .reduce((total, [name, value]) => total + (isOne(name) ? (value as number) : 0), 0);
  const records = SAMPLE_OUTCOMES.flatMap(({ outcomes }) => outcomes).length;
  expect(sum((name) => name === 'BatchSize')).toBe(records);
  expect(sum((name) => name.startsWith('Records') && name !== 'RecordsPoison')).toBe(records);
  expect(sum((name) => name === 'RecordsPoison')).toBe(1);
  expect(published.filter(({ table }) => table === undefined)).toHaveLength(events.length);
});

describe('with IAM in its URL, the zip', () => {
  const EXPECTED = { user: 'app', cacheName: 'shop', secretAccessKey: 'a secret key', password: 'real' };
  let server: RedisServer;
  let gate: IamGate;
  let environment: Record<string, string>;

  beforeAll(async () => {
    server = await startRedis();
    const redis = new Redis(server.port);
    await redis.call('ACL', 'SETUSER', 'app', 'on', '>real', '~*', '&*', '+@all');
    await redis.call('ACL', 'SETUSER', 'default', 'off');
    redis.disconnect();
    gate = await startIamGate(server.port, EXPECTED);
    environment = {
      STREAM_CACHE_URL: `rediss://app@localhost:${gate.port}?iam=elasticache&cacheName=shop&serverless`,
      AWS_ACCESS_KEY_ID: 'AKIDTEST',
      AWS_SECRET_ACCESS_KEY: EXPECTED.secretAccessKey,
      AWS_SESSION_TOKEN: 'a session token',
      AWS_REGION: 'eu-west-1',
    };
  });
  afterAll(async () => {
    await gate.close();
    await server.stop();
  });

  const invoke = async (env: Record<string, string>) => {
    const events = [restamp(readEvent('events/insert.json'), Date.now())];
    const { stdout, stderr } = await runAlone(INVOKE, JSON.stringify(events), env, unzipped);
    return `${stdout}${stderr}`;
  };

  test('presents a token, once it trusts the certificate, and logs none', async () => {
    const trusted = join(unzipped, 'gate.pem');
    await writeFile(trusted, gate.certificate);
    const printed = await invoke({
      ...environment,
      NODE_EXTRA_CA_CERTS: trusted,
      POWERTOOLS_LOG_LEVEL: 'DEBUG',
    });
    expect(printed).toContain('"responses":[{"batchItemFailures":[]}]');
    expect(gate.tokens.map(({ token }) => token.split('&X-')[0])).toEqual([
      'shop/?Action=connect&User=app&ResourceType=ServerlessCache',
    ]);
    expect(printed).not.toContain('X-Amz');
  });

  test('presents none to a server whose certificate nobody vouches for', async () => {
    const presented = gate.tokens.length;
    expect(await invoke({ ...environment, POWERTOOLS_LOG_LEVEL: 'ERROR' })).toContain('itemIdentifier');
    expect(gate.tokens).toHaveLength(presented);
  });
});

test.each([
  [
    'STREAM_CACHE_METRICS',
    { STREAM_CACHE_URL: 'memory:', STREAM_CACHE_METRICS: 'true' },
    'lambda-metrics.mjs',
  ],
  ['iam', { STREAM_CACHE_URL: 'rediss://app@h?iam=elasticache&cacheName=shop' }, 'lambda-iam.mjs'],
  ['memcached', { STREAM_CACHE_URL: 'memcached://h' }, 'lambda-memcached.mjs'],
  ['Momento', { STREAM_CACHE_URL: 'momento:shop' }, 'lambda-momento.mjs'],
])('the bundle without what %s needs does not load, and names the file', async (_what, env, file) => {
  const { code, stderr } = await runAlone(INVOKE, '[]', env);
  expect(code).not.toBe(0);
  expect(stderr).toContain(file);
});

test('STREAM_CACHE_METRICS is true or false', async () => {
  const { stderr } = await runAlone(INVOKE, '[]', {
    STREAM_CACHE_URL: 'memory:',
    STREAM_CACHE_METRICS: 'yes',
  });
  expect(stderr).toContain(
    'ConfigError: Environment variable STREAM_CACHE_METRICS is wrong: expected true or false, not "yes".',
  );
});

describe('the bundle of a function', () => {
  const OPTIONAL =
    /^src\/(?:iam|metrics|store\/(?:cas|memcached|glide|momento))\/|@valkey|@gomomento|@grpc|@smithy\/|powertools\/metrics/;

  async function optionalInputs(code: string): Promise<string[]> {
    const { entryPoints: _, ...options } = lambdaBundle('', 'dist/out.mjs');
    const stdin = { contents: code, resolveDir: join(import.meta.dirname, '..'), loader: 'ts' as const };
    const bundling: BuildOptions = { ...options, stdin, write: false, metafile: true };
    const { metafile } = await build(bundling);
    const inputs = Object.values(metafile?.outputs ?? {})[0]?.inputs ?? {};
    const used = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    return used.map(([name]) => name).filter((name) => OPTIONAL.test(name));
  }

  test('has nothing of IAM authentication, memcached, GLIDE, Momento and metrics when it uses none of them', async () => {
    const own = "import { NewStreamCacheHandler, NewCachingMiddleware } from './src/index.js';";
    const uses =
      'export const handler = NewStreamCacheHandler(); export const reader = NewCachingMiddleware();';
    expect(await optionalInputs(own + uses)).toEqual([]);
    expect(await readFile(BUNDLE, 'utf8')).not.toMatch(/X-Amz-|CloudWatchMetrics/);
  });

  test('has what it uses', async () => {
    const imports = "import { iamAuthentication } from './src/iam/index.js';";
    expect(await optionalInputs(`${imports}export const iam = iamAuthentication();`)).toContain(
      'src/iam/token.ts',
    );
    const metrics = "export { withMetrics } from './src/metrics/index.js';";
    expect(await optionalInputs(metrics)).toContain('src/metrics/tally.ts');
  });
});

test('without STREAM_CACHE_URL the bundle does not load, and says what is missing', async () => {
  const { code, stderr } = await runAlone(INVOKE, '[]', {});
  expect(code).not.toBe(0);
  expect(stderr).toContain('ConfigError: Option cache is missing');
  expect(stderr).toContain('STREAM_CACHE_URL');
});

/** What Lambda does: imports once, then invokes with one event after the other. */
const INVOKE = `
import { json } from 'node:stream/consumers';
const start = performance.now();
const { handler } = await import('./lambda.mjs');
const importMs = performance.now() - start;
const responses = [];
for (const event of await json(process.stdin)) {
  responses.push(await handler(event, { getRemainingTimeInMillis: () => 10_000 }));
}
process.stdout.write(JSON.stringify({ importMs, responses }), () => process.exit());
`;

async function runAlone(script: string, input: string, env: Record<string, string>, cwd = folder) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { cwd, env });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // A bundle that does not load reads nothing.
  child.stdin.on('error', () => {}).end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

async function storedUnder(namespace: string): Promise<Record<string, string | null>> {
  const redis = new Redis(inject('redisUrl'));
  try {
    const keys: string[] = [];
    for await (const found of redis.scanStream({ match: `${namespace}:*`, count: 1000 })) keys.push(...found);
    const texts = await Promise.all(keys.map((key) => redis.get(key)));
    return Object.fromEntries(keys.map((key, index) => [key, texts[index] ?? null]));
  } finally {
    redis.disconnect();
  }
}

function finalContents(namespace: string): Record<string, string> {
  const last = new Map(SAMPLE_OUTCOMES.flatMap(({ contents }) => Object.entries(contents)));
  return Object.fromEntries(
    [...last].flatMap(([key, stored]) => (stored === null ? [] : [[`${namespace}:${key}`, stored]])),
  );
}

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { cachingClients, lambdaBundle } from '../../esbuild.config.mjs';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type Application, startApplication } from './application.js';

/** Applications without a line of ours, each with its way to get the middleware. */

const inThisFolder = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const AUTO = ['--import', 'dynamodb-stream-cache/auto'];

let server: DynamoDBServer;
let folder: string;
beforeAll(async () => {
  [server, folder] = await Promise.all([startDynamoDB(), mkdtemp(join(tmpdir(), 'adopt-'))]);
  const options = lambdaBundle(inThisFolder('applications/function.ts'), join(folder, 'plain.mjs'));
  await build(options);
  await build({
    ...options,
    outfile: join(folder, 'cached.mjs'),
    plugins: [...(options.plugins ?? []), cachingClients()],
  });
});
afterAll(async () => {
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** A table of its own. */
async function newEnvironment(): Promise<Record<string, string>> {
  const TABLE = `members-${randomUUID()}`;
  const client = server.client();
  await createTable(client, TABLE, { pk: 'S', sk: 'S' });
  client.destroy();
  return { TABLE, AWS_ENDPOINT_URL_DYNAMODB: server.endpoint };
}
const withCache = (more: Record<string, string> = {}) => ({
  STREAM_CACHE_URL: inject('redisUrl'),
  STREAM_CACHE_NAMESPACE: `adopt-${randomUUID()}`,
  STREAM_CACHE_READ_TIMEOUT_MS: '5000', // the machine may be busy
  ...more,
});

/** What a visitor sees. */
async function visit({ ask }: Application): Promise<unknown[]> {
  const answers: unknown[] = [];
  const say = async (method: 'GET' | 'PUT', path: string) => answers.push(await ask(method, path));
  for (const role of ['lead', 'member']) {
    await say('PUT', `/blue/ada@example.com/${role}`);
    for (const path of ['/blue/ada@example.com', '/blue/nobody@example.com', '/blue']) {
      await say('GET', path);
      await say('GET', path);
    }
  }
  return answers;
}

describe.each([
  ['a bundled function', () => [[inThisFolder('function-server.mjs')], [join(folder, 'cached.mjs')]]],
  ['an ESM server', () => [AUTO, [inThisFolder('applications/server.mjs')]]],
  ['a CommonJS server on ElectroDB', () => [AUTO, [inThisFolder('applications/shop.cjs')]]],
])('%s without a line of ours', (_name, partsOf) => {
  const args = () => partsOf().flat();
  const argsWithout = () =>
    args().flatMap((each) => (AUTO.includes(each) ? [] : each.replace('cached', 'plain')));

  test('answers as without the cache, each second read is a hit, and the log says once what is cached', async () => {
    const environment = await newEnvironment();
    const tables = [environment.TABLE, 'orders'];
    const [plain, cached] = await Promise.all([
      startApplication(argsWithout(), await newEnvironment()),
      startApplication(args(), {
        ...environment,
        ...withCache({ STREAM_CACHE_TABLES: JSON.stringify(tables) }),
      }),
    ]);
    const answers = await visit(plain);
    expect(await visit(cached)).toEqual(answers);
    expect(answers.filter((answer) => JSON.stringify(answer).includes('ada@example.com'))).toHaveLength(8);
    expect(plain.reports).toEqual([]);
    const told = (type: string) => cached.reports.filter((report) => report.type === type);
    expect(told('hit').map((hit) => 'operation' in hit && hit.operation)).toEqual([
      ...['GetItem', 'GetItem', 'Query'],
      ...['GetItem', 'GetItem', 'GetItem', 'Query'], // nobody is absent already
    ]);
    expect(told('attached')).toEqual([{ type: 'attached', tableNames: tables }]);
    const lines = cached.written.split('\n').filter((line) => line !== '');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'INFO', message: 'DynamoDB is read through the cache', tables, reader: 'on' },
    ]);
  });
});

describe('a bundle that was made without the plugin', () => {
  const args = () => [...AUTO, inThisFolder('function-server.mjs'), join(folder, 'plain.mjs')];

  test('is answered by the table, and the log says once what to do', async () => {
    const application = await startApplication(args(), { ...(await newEnvironment()), ...withCache() });
    const answers = await visit(application);
    expect(answers[1]).toMatchObject({ role: 'lead' });
    expect(application.reports).toEqual([{ type: 'left-alone', reason: 'not-attached' }]);
    expect(application.written.split('\n')).toEqual([
      expect.stringContaining('bundle with cachingClients() of dynamodb-stream-cache/esbuild'),
      '',
    ]);
  });

  test('is refused before it sends anything, where the middleware is required', async () => {
    const environment = await newEnvironment();
    const application = await startApplication(args(), {
      ...environment,
      ...withCache({ STREAM_CACHE_AUTO: 'required' }),
    });
    expect(await application.ask('PUT', '/blue/ada@example.com/lead')).toMatch(
      /^A call of DynamoDB does not pass the caching middleware: /,
    );
    const plain = await startApplication(
      [inThisFolder('function-server.mjs'), join(folder, 'plain.mjs')],
      environment,
    );
    expect(await plain.ask('GET', '/blue')).toEqual([]);
  });
});

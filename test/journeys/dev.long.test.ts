import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runCli } from '../cli/run-cli.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { startRedis } from '../support/redis.js';

let dynamodb: DynamoDBServer;
beforeAll(async () => {
  dynamodb = await startDynamoDB();
});
afterAll(() => dynamodb.stop());

/** The built command line, and its output line by line. */
function run(...args: string[]) {
  const child = spawn(process.execPath, ['dist/cli.js', 'dev', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  return {
    nextLine: async () => (await lines.next()).value as string | undefined,
    interrupt: () => child.kill('SIGINT'),
    exitCode: async () => (await exited)[0] as number,
    errors: () => text(child.stderr),
  };
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += chunk;
  return all;
}

test.each([[[]], [['--handler', 'dist/lambda.mjs']]])(
  'stream-cache dev %o brings what is written to the table into the cache until it is interrupted',
  async (more) => {
    const table = `dev-${process.pid}-${more.length}`;
    const client = dynamodb.client();
    await createTable(client, table, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
    const cache = inject('redisUrl');
    const dev = run('--table', table, '--stream-endpoint', dynamodb.endpoint, '--cache', cache, ...more);
    expect(await dev.nextLine()).toBe(`Reading the stream of ${table} into ${cache}. Interrupt to stop.`);

    await client.send(
      new PutItemCommand({ TableName: table, Item: { id: { S: '42' }, logins: { N: '1' } } }),
    );
    expect(await dev.nextLine()).toBe(`written     INSERT  ${table}:id=42`);
    const redis = new Redis(cache);
    expect(await redis.get(`${table}:id=42`)).toBe('{"id":"42","logins":1}');
    redis.disconnect();
    client.destroy();

    dev.interrupt();
    expect(await dev.exitCode()).toBe(0);
  },
);

test('stream-cache dev --stats shows what was read and written since it last did, and which keys most', async () => {
  const table = `dev-${process.pid}-stats`;
  const client = dynamodb.client();
  await createTable(client, table, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  const cache = inject('redisUrl');
  // Reads of the same process, by what they report.
  const folder = await mkdtemp(join(tmpdir(), 'dev-stats-'));
  const handler = join(folder, 'handler.mjs');
  await writeFile(
    handler,
    `import diagnostics from 'node:diagnostics_channel';
     import { NewStreamCacheHandler } from '${pathToFileURL(resolve('dist/index.js'))}';
     const channel = diagnostics.channel('dynamodb-stream-cache:report');
     const sync = NewStreamCacheHandler({ logger: { debug() {}, info() {}, warn() {}, error() {} } });
     export const handler = async (event, context) => {
       const read = (type, key) => channel.publish({ type, operation: 'GetItem', tableName: 't', key });
       for (const key of ['hot', 'hot', 'hot', 'cold']) read('hit', key);
       read('miss', 'new');
       return sync(event, context);
     };`,
  );
  const dev = run(
    ...['--table', table, '--stream-endpoint', dynamodb.endpoint, '--cache', cache],
    ...['--handler', handler, '--stats'],
  );
  await dev.nextLine();
  await client.send(new PutItemCommand({ TableName: table, Item: { id: { S: '42' } } }));
  expect(await dev.nextLine()).toBe(`written     INSERT  ${table}:id=42`);
  const nothing = '0.0/s records, 0.0/s hits, 0.0/s misses';
  let line = await dev.nextLine();
  while (line === nothing) line = await dev.nextLine();
  // Five seconds, or a little more where the machine is busy.
  expect(line).toMatch(
    /^0\.[12]\/s records, 0\.[5-8]\/s hits, 0\.[12]\/s misses \(80 % hits\); most read: hot 0\.[3-6]\/s, /,
  );
  expect(await dev.nextLine()).toBe(nothing);
  client.destroy();
  dev.interrupt();
  expect(await dev.exitCode()).toBe(0);
  await rm(folder, { recursive: true });
}, 30_000);

test('stream-cache dev says once why records fail, and again when they failed anew', async () => {
  const table = `dev-${process.pid}-down`;
  const client = dynamodb.client();
  await createTable(client, table, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  const redis = await startRedis();
  const dev = run('--table', table, '--stream-endpoint', dynamodb.endpoint, '--cache', redis.url);
  await dev.nextLine();
  const write = (id: string) =>
    client.send(new PutItemCommand({ TableName: table, Item: { id: { S: id } } }));
  /** What is printed up to a record's success. */
  const linesUntilWritten = async () => {
    const lines: string[] = [];
    for (;;) {
      const line = (await dev.nextLine()) ?? 'the end';
      if (/^(?:written|deleted|the end)/.test(line)) return lines;
      lines.push(line);
      // So often that what is said once is told from what is said each time.
      if (lines.filter((each) => each.startsWith('failed')).length === 3) await redis.restart();
    }
  };
  await write('0');
  await linesUntilWritten();
  for (const round of ['1', '2']) {
    await redis.kill();
    await write(round);
    const reasons = (await linesUntilWritten()).filter((line) => line.startsWith('!'));
    expect(reasons).toContainEqual(
      expect.stringMatching(`^! The cache cannot be .*ECONNREFUSED.*:${redis.port}`),
    );
    expect(new Set(reasons).size).toBe(reasons.length);
  }
  dev.interrupt();
  expect(await dev.exitCode()).toBe(0);
  client.destroy();
  await redis.stop();
}, 60_000);

test.each([
  ['no table', [], 2, /no table is named/],
  ['an unknown option', ['--tables', 'x'], 2, /--tables/],
  [
    'a table that is not there',
    ['--table', 'nowhere', '--cache', 'memory:', '--stream-endpoint', 'local'],
    1,
    /nowhere/,
  ],
])('stream-cache dev with %s says what is wrong', async (_name, args, code, message) => {
  const dev = run(...args.map((arg) => (arg === 'local' ? dynamodb.endpoint : arg)));
  expect(await dev.errors()).toMatch(message);
  expect(await dev.exitCode()).toBe(code);
});

test('the command line does not print what the SDK warns of', async () => {
  const args = ['dev', '--table', 'users', '--cache', 'memory:', '--stream-endpoint', 'http://127.0.0.1:1'];
  const { stderr } = await runCli(args, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: '' });
  expect(stderr).toMatch(/^stream-cache dev: .* ECONNREFUSED .*\n$/);
});

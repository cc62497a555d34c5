import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';

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

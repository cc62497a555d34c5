import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, onTestFinished, test } from 'vitest';
import { page } from '../support/pages.js';
import { runCli } from './run-cli.js';

/** `stream-cache dev --demo` where nothing is: in an empty folder, without any server. */
async function openDemo(...more: string[]) {
  const cwd = await mkdtemp(join(tmpdir(), 'stream-cache-demo-'));
  const env = { PATH: process.env.PATH };
  const args = [resolve('dist/cli.js'), 'dev', '--demo', ...more];
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill();
    await exited;
    await rm(cwd, { recursive: true });
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  /** The first line that matches, and what it has in the group. */
  async function lineLike(pattern: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`It ended without a line like ${pattern}.`);
      const found = pattern.exec(value);
      if (found) return found[1] ?? value;
    }
  }
  return {
    lineLike,
    client: async () => {
      const endpoint = await lineLike(/^The table is in this process.*: (http:\S+)$/);
      const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
      const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
      onTestFinished(() => client.destroy());
      return client;
    },
    interrupt: async () => {
      child.kill('SIGINT');
      return (await exited)[0] as number;
    },
  };
}

test('dev --demo shows the loop where nothing is installed, and says what each outcome means once', async () => {
  const demo = await openDemo();
  const shown = page('docs/local.md').blocks('text').at(-1)?.split('\n') ?? [];
  expect(await demo.lineLike(/^written/)).toBe(shown[0]);
  expect(await demo.lineLike(/^hit/)).toBe(shown[1]);
  expect(await demo.lineLike(/^hit/)).toBe(shown[2]);
  // On a busy machine a reader may be sooner than the stream.
  await demo.lineLike(/^(?:written|overlapping|same) +MODIFY {2}users:id=42/);
  await demo.lineLike(/^deleted {5}REMOVE {2}users:id=42/);
  await demo.lineLike(/^miss {8}GetItem {2}users:id=42/);
  expect(await demo.interrupt()).toBe(0);
});

test('its table takes writes of others, and refuses what it does not know', async () => {
  const demo = await openDemo();
  const client = await demo.client();
  const TableName = 'users';
  const Item = { id: { S: 'mine' }, bytes: { B: Buffer.from([1, 2, 255]) } };
  await client.send(new PutItemCommand({ TableName, Item }));
  await demo.lineLike(/^written {5}INSERT {2}users:id=mine/);
  const Key = { id: Item.id };
  const { Item: read } = await client.send(new GetItemCommand({ TableName, Key }));
  expect(read).toEqual({ ...Item, bytes: { B: new Uint8Array([1, 2, 255]) } });
  for (const [command, why] of [
    [
      new PutItemCommand({ TableName, Item, ConditionExpression: 'a = b' }),
      'does not know ConditionExpression',
    ],
    [new UpdateItemCommand({ TableName, Key }), 'knows DescribeTable, GetItem, .* and not UpdateItem'],
    [new QueryCommand({ TableName }), 'and not Query'],
    [new GetItemCommand({ TableName: 'orders', Key }), 'the table users alone'],
    [new GetItemCommand({ TableName, Key: { id: { N: '1' } } }), 'the key id, which is a text'],
  ] as const) {
    await expect(client.send(command as GetItemCommand)).rejects.toThrow(new RegExp(why));
  }
  expect(await demo.interrupt()).toBe(0);
});

interface PageState {
  readonly workload: { readonly writes: number; readonly ours: { readonly hits: number } };
}

test('with --ui its page writes and reads', async () => {
  const demo = await openDemo('--ui');
  const address = await demo.lineLike(/^The page is at (http:\S+)$/);
  const act = async (action: string) =>
    (await fetch(`${address}act/${action}`, { method: 'POST' })).json() as Promise<PageState>;
  expect(await act('start-workload')).toMatchObject({
    table: 'users',
    whyNot: '',
    workload: { isRunning: true },
  });
  await expect
    .poll(async () => (await act('state')).workload.ours.hits, { timeout: 15_000 })
    .toBeGreaterThan(10);
  expect((await act('state')).workload.writes).toBeGreaterThan(0);
  expect(await demo.interrupt()).toBe(0);
});

test.each([
  ['a table', ['--table', 'orders'], /leave --table and --stream-endpoint out/],
  ['a stream', ['--stream-endpoint', 'http://127.0.0.1:8000'], /leave --table and --stream-endpoint out/],
  ['a bundle with its cache in memory', ['--handler', 'dist/lambda.mjs'], /Name a cache with --cache/],
])('dev --demo with %s says what is wrong', async (_, args, message) => {
  const { code, stderr } = await runCli(['dev', '--demo', ...args]);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

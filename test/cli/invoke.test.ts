import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { deliveredIn } from '../../src/stream/delivered.js';
import { eventShapes } from '../support/event-shapes.js';
import { type CliResult, runCli } from './run-cli.js';
import { readEvent, SAMPLE_OUTCOMES } from './sample-outcomes.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stream-cache-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('invoke events --json', () => {
  let result: CliResult;
  beforeAll(async () => {
    result = await runCli(['invoke', 'events', '--json']);
  });

  test('invokes every file of the folder, in the order of their names, and succeeds', () => {
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(documentOf(result)).toMatchObject({ cache: 'memory:', handler: null, restamped: true });
    expect(documentOf(result).events.map(({ file }) => file)).toEqual(
      SAMPLE_OUTCOMES.map(({ file }) => file),
    );
  });

  test.each(SAMPLE_OUTCOMES)('$file ends as it should', ({ file, outcomes, contents }) => {
    const event = documentOf(result).events.find((each) => each.file === file);
    expect(event?.records.map(({ outcome }) => outcome)).toEqual(outcomes);
    expect(event?.cache).toEqual(contents);
    expect(event?.response).toEqual({ batchItemFailures: [] });
  });

  test('names each record as the event does', () => {
    for (const { file, records } of documentOf(result).events) {
      expect(records.map(({ sequenceNumber, eventName }) => [sequenceNumber, eventName])).toEqual(
        deliveredIn(readEvent(file)).map(({ record: { eventName, dynamodb }, kinesisNumber }) => [
          kinesisNumber ?? dynamodb?.SequenceNumber,
          eventName,
        ]),
      );
    }
  });

  test('tells poison, and tables that can only invalidate', () => {
    const { events } = documentOf(result);
    const poison = events.flatMap(({ records }) => records.filter((record) => record.poison !== undefined));
    expect(poison).toEqual([
      expect.objectContaining({ key: 'users:id=44', outcome: 'deleted', poison: expect.any(String) }),
    ]);
    expect(events.flatMap(({ invalidatesOnly }) => invalidatesOnly)).toEqual([
      { tableName: 'sessions', reason: 'no-new-image' },
      { tableName: 'users', reason: 'no-order' },
    ]);
  });
});

describe.concurrent('invoke, for people', () => {
  test('shows records, response and cache without colours in a pipe, and says that times were moved', async () => {
    const { code, stdout, stderr } = await runCli(['invoke', 'events/insert.json', 'events/remove.json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('Recorded times are moved');
    expect(stdout).toContain('  …4531298  INSERT  users:id=42  written\n');
    expect(stdout).toContain('  cache     users:id=42  {"email":"ada@example.com","id":"42"');
    expect(stdout).toContain('  …4534379  REMOVE  users:id=42  deleted\n');
    expect(stdout).toContain('  cache     users:id=42  (not cached)\n');
    expect(stdout).toContain('  response  {"batchItemFailures":[]}\n');
    expect(stdout).toContain('2 invocations, 2 records\n');
  });

  test('leaves the times with --as-recorded, so that a recorded event is late', async () => {
    const { code, stdout } = await runCli(['invoke', 'events/insert.json', '--as-recorded']);
    expect(code).toBe(0);
    expect(stdout).not.toContain('Recorded times are moved');
    expect(stdout).toContain('users:id=42  late\n');
  });

  test('takes what Lambda left in an on-failure bucket', async () => {
    const file = join(folder, 'given-up.json');
    const payload = JSON.stringify(readEvent('events/insert.json'));
    await writeFile(file, JSON.stringify({ version: '1.0', DDBStreamBatchInfo: { batchSize: 1 }, payload }));
    const { code, stdout } = await runCli(['invoke', file, '--as-recorded']);
    expect(code).toBe(0);
    expect(stdout).toContain('users:id=42  late\n');
  });

  test.each(eventShapes())('takes or names $name', async ({ document, gives, poison = 0 }) => {
    const file = await fileOf(`${randomUUID()}.json`, JSON.stringify(document));
    const result = await runCli(['invoke', file, '--json']);
    if (gives instanceof RegExp) {
      expect(result).toMatchObject({ code: 2, stdout: '' });
      expect(result.stderr).toMatch(gives);
      return;
    }
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const [{ records } = { records: [] }] = documentOf(result).events;
    expect(records.map(({ outcome, key }) => `${outcome}:${key}`)).toEqual(gives);
    expect(records.filter((record) => record.poison !== undefined)).toHaveLength(poison);
  });

  test.each<[string, (text: string) => string | Uint8Array, events: number]>([
    ['with a byte order mark', (text) => `\ufeff${text}`, 1],
    ['in UTF-16, as PowerShell writes it', (text) => Buffer.from(`\ufeff${text}\r\n`, 'utf16le'), 1],
    ['in UTF-16 of the other order', (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), 1],
    ['of JSON lines', (text) => `${text}\n\n${text}\r\n`, 2],
    ['with a list of events', (text) => `[${text}, ${text}]`, 2],
    [
      'of lines that a LocalEventSourceMapping left as its on-failure destination',
      (payload) => `${JSON.stringify({ DDBStreamBatchInfo: {}, payload })}\n`.repeat(3),
      3,
    ],
  ])('takes a file %s', async (_, written, count) => {
    const text = JSON.stringify(readEvent('events/insert.json'));
    const file = join(folder, `${randomUUID()}.json`);
    await writeFile(file, written(text));
    const result = await runCli(['invoke', file, '--json', '--as-recorded']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const { events } = documentOf(result);
    expect(events.map(({ file }) => file)).toEqual(
      count === 1
        ? [file]
        : Array.from({ length: count }, (_, index) => `${file} (${index + 1} of ${count})`),
    );
    for (const { records } of events) expect(records).toMatchObject([{ key: 'users:id=42' }]);
  });

  test('recognises a redelivery within one run', async () => {
    const { stdout } = await runCli(['invoke', 'events/modify.json', 'events/insert.json']);
    expect(stdout).toContain('INSERT  users:id=42  stale\n');
  });

  test('lets the handler log to standard error with --verbose', async () => {
    const { code, stdout, stderr } = await runCli(['invoke', 'events/insert.json', '--json', '--verbose']);
    expect(code).toBe(0);
    expect(stderr).toContain('INFO Stream batch applied');
    expect(() => JSON.parse(stdout)).not.toThrow();
  });
});

describe.concurrent('options', () => {
  test('--mode and --namespace reach the handler', async () => {
    const args = ['invoke', 'events/insert.json', '--mode', 'invalidate', '--namespace', 'app', '--json'];
    const [event] = documentOf(await runCli(args)).events;
    expect(event?.records).toMatchObject([{ outcome: 'deleted', key: 'app:users:id=42' }]);
    expect(event?.cache).toEqual({ 'app:users:id=42': null });
  });

  test('variables of the environment reach it too, and --cache comes before its variable', async () => {
    const variables = { STREAM_CACHE_URL: 'redis://nowhere.invalid', STREAM_CACHE_NAMESPACE: 'app' };
    const result = await runCli(['invoke', 'events/insert.json', '--cache', 'memory:', '--json'], variables);
    expect(documentOf(result).events[0]?.cache).toHaveProperty('app:users:id=42');
  });

  test('STREAM_CACHE_URL names the cache where --cache does not', async () => {
    const args = ['invoke', 'events/insert.json', '--namespace', randomUUID(), '--json'];
    const document = documentOf(await runCli(args, { STREAM_CACHE_URL: inject('redisUrl') }));
    expect(document.cache).toContain('redis://');
    expect(document.events[0]?.records).toMatchObject([{ outcome: 'written' }]);
  });

  test("a cache's password is not shown", async () => {
    const port = await refusedPort();
    const args = ['invoke', 'events/insert.json', '--cache', `redis://me:secret@127.0.0.1:${port}`];
    const { stdout, stderr } = await runCli(args);
    expect(stdout).toContain(`redis://me:***@127.0.0.1:${port}`);
    expect(stdout + stderr).not.toContain('secret');
  });

  test('--timeout gives the handler so much time, and what is not confirmed by then has failed', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `redis://127.0.0.1:${portOf(silent)}`;
    const { code, stdout } = await runCli(['invoke', 'events/insert.json', '--cache', url, '--timeout', '1']);
    silent.close();
    expect(code).toBe(1);
    expect(stdout).toContain('users:id=42  failed\n');
  });
});

describe.concurrent('--handler', () => {
  test('invokes a built bundle and looks into its Redis', async () => {
    const namespace = randomUUID();
    const args = ['invoke', 'events', '--json', '--handler', 'dist/lambda.mjs', '--namespace', namespace];
    const result = await runCli([...args, '--cache', inject('redisUrl')]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const { handler, events } = documentOf(result);
    expect(handler).toBe('dist/lambda.mjs');
    expect(events.map(({ records }) => records.map(({ outcome }) => outcome))).toEqual(
      SAMPLE_OUTCOMES.map(({ outcomes }) => outcomes),
    );
    expect(events.map(({ cache }) => cache)).toEqual(
      SAMPLE_OUTCOMES.map(({ contents }) =>
        Object.fromEntries(Object.entries(contents).map(([key, text]) => [`${namespace}:${key}`, text])),
      ),
    );
  });

  test('says that a memory cache inside a bundle cannot be looked into', async () => {
    const args = ['invoke', 'events/insert.json', '--handler', 'dist/lambda.mjs'];
    const { code, stdout } = await runCli(args);
    expect(code).toBe(0);
    expect(stdout).toContain('Its cache is inside it and cannot be looked into from here');
    expect(stdout).toContain('users:id=42  written\n');
    expect(stdout).not.toContain('  cache ');
    expect(documentOf(await runCli([...args, '--json'])).events[0]?.cache).toBeNull();
  });

  test('sends what a bundle prints to standard error', async () => {
    const file = await fileOf('chatty.mjs', 'export const handler = async () => { console.log("hello"); };');
    const { code, stdout, stderr } = await runCli([
      ...['invoke', 'events/insert.json'],
      ...['--handler', file, '--json'],
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'hello\n' });
    expect(documentOf({ stdout }).events).toMatchObject([{ records: [], response: null }]);
  });

  test('fails when the handler of a bundle throws', async () => {
    const file = await fileOf(
      'throws.mjs',
      'export const handler = () => { throw new Error("Out of order"); };',
    );
    const { code, stderr } = await runCli(['invoke', 'events/insert.json', '--handler', file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^stream-cache invoke: the handler threw at events.insert\.json: Out of order\. .*\n$/,
    );
  });
});

test('a record that failed ends in exit code 1, with the reason and the response', async () => {
  const args = ['invoke', 'events/insert.json', '--cache', `redis://127.0.0.1:${await refusedPort()}`];
  const { code, stdout } = await runCli(args);
  expect(code).toBe(1);
  expect(stdout).toContain('users:id=42  failed\n');
  expect(stdout).toContain('! 1 record failed: ');
  expect(stdout).toContain('{"batchItemFailures":[{"itemIdentifier":"31742600000000008164531298"}]}');

  const [event] = documentOf(await runCli([...args, '--json'])).events;
  expect(event?.records).toMatchObject([{ outcome: 'failed', error: expect.any(String) }]);
  expect(event?.cache).toEqual({ 'users:id=42': { error: expect.any(String) } });
});

describe.concurrent('wrong usage ends in exit code 2 and one line', () => {
  test.each([
    [[], 'no command is named'],
    [['apply'], 'there is no command apply'],
    [['invoke'], 'no event is named'],
    [['invoke', 'events', '--colour'], "Unknown option '--colour'"],
    [['invoke', 'events', '--mode', 'wirte'], 'expected write, refresh or invalidate'],
    [['invoke', 'events', '--cache', 'http://localhost'], 'unknown scheme http://'],
    [['invoke', 'missing.json'], 'cannot use missing.json: there is no such file or folder'],
    [['invoke', 'src'], 'cannot use src: the folder has no *.json'],
    [['invoke', 'LICENSE'], 'cannot use LICENSE: it is not JSON'],
    [['invoke', 'package.json'], 'cannot use package.json: it is not a stream event: it has no Records'],
    [['invoke', 'events', '--cache', 'redis://app:12?secret@host'], 'in a user or password ? is %3F'],
    [['invoke', 'events', '--handler', 'missing.mjs'], 'cannot load the handler missing.mjs'],
    [['invoke', 'events', '--handler', 'dist/index.js'], 'it exports no function named handler'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await runCli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^stream-cache[^\n]*\.\n$/);
  });

  test('an event of another service', async () => {
    const file = await fileOf('sqs.json', '{"Records":[{"eventSource":"aws:sqs"}]}');
    const { code, stderr } = await runCli(['invoke', file]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `stream-cache invoke: cannot use ${file}: Records[0] of the event is not usable: its eventSource is aws:sqs, not aws:dynamodb; invoke the function by the stream of a table.\n`,
    );
  });

  test.each([
    ['lines of which one is no JSON', '{"Records":[]}\n{', 'it is not JSON: '],
    ['a payload that is no JSON', '{"DDBStreamBatchInfo":{},"payload":"{"}', 'its payload is not JSON: '],
    ['a message without payload', '{"DDBStreamBatchInfo":{}}', 'of records that it gave up'],
    [
      'the same from a topic',
      JSON.stringify({ Records: [{ Sns: { Message: '{"DDBStreamBatchInfo":{}}' } }] }),
      'of records that it gave up',
    ],
  ])('%s', async (_, text, message) => {
    const { code, stderr } = await runCli(['invoke', await fileOf(`${randomUUID()}.json`, text)]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^stream-cache invoke: cannot use [^\n]*\.\n$/);
  });

  test('an unknown variable of the environment', async () => {
    const { code, stderr } = await runCli(['invoke', 'events'], { STREAM_CACHE_URI: 'memory:' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^stream-cache invoke: Unknown environment variable STREAM_CACHE_URI\.[^\n]*\n$/);
  });
});

test('--help and --version answer and succeed', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8'));
  expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  expect(await runCli(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('invoke') });
  const help = await runCli(['invoke', '--help']);
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--as-recorded'), stderr: '' });
});

test('the built command begins with the line that makes it a program', async () => {
  expect(await readFile('dist/cli.js', 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});

interface CliDocument {
  readonly cache: string;
  readonly handler: string | null;
  readonly restamped: boolean;
  readonly events: readonly {
    readonly file: string;
    readonly records: readonly {
      sequenceNumber: string;
      eventName: string;
      outcome: string;
      key?: string;
      poison?: string;
    }[];
    readonly invalidatesOnly: readonly object[];
    readonly response: unknown;
    readonly cache: Readonly<Record<string, unknown>> | null;
  }[];
}

function documentOf({ stdout }: Pick<CliResult, 'stdout'>): CliDocument {
  return JSON.parse(stdout);
}

async function fileOf(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

/** A port that was free a moment ago. */
async function refusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: ReturnType<typeof createServer>): number {
  return (server.address() as { port: number }).port;
}

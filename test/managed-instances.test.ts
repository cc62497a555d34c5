import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEmf } from './metrics/emf.js';
import { event, record, sequenceNumber } from './support/records.js';
import { type RedisServer, startRedis } from './support/redis.js';

const INVOCATIONS = 60;

/**
 * What the runtime of Managed Instances does: it calls one handler for as many requests at a time as there are, each in a context of its own.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-nodejs-runtime.html
 */
const RUNTIME = `
import { json } from 'node:stream/consumers';
const [storeModule] = process.argv.slice(1);
const { InvokeStore, InvokeStoreBase } = await import(storeModule);
const store = await InvokeStore.getInstanceAsync();
const { handler } = await import('./dist/lambda.mjs');
const invoke = (event, index) => {
  const awsRequestId = 'request-' + index;
  const context = { awsRequestId, getRemainingTimeInMillis: () => 20_000 };
  return store.run({ [InvokeStoreBase.PROTECTED_KEYS.REQUEST_ID]: awsRequestId }, () => handler(event, context));
};
const responses = await Promise.all((await json(process.stdin)).map(invoke));
process.stderr.write(JSON.stringify(responses), () => process.exit());
`;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
  // Changes of the table locked are refused by the cache, one after the other.
  const redis = new Redis(server.url);
  await redis.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*many:users*', '+@all');
  redis.disconnect();
});
afterAll(() => server?.stop());

/** Every third invocation is of a table that the cache refuses. Each has items and a number of records of its own. */
const isRefused = (invocation: number) => invocation % 3 === 0;
const sizeOf = (invocation: number) => 1 + (invocation % 7);

function eventOf(invocation: number): DynamoDBStreamEvent {
  const table = isRefused(invocation) ? 'locked' : 'users';
  const arn = `arn:aws:dynamodb:eu-west-1:123456789012:table/${table}/stream/2026-01-15T09:30:00.000`;
  const records = Array.from({ length: sizeOf(invocation) }, (_, index) =>
    record({ id: `${invocation}-${index}`, number: invocation * 100 + index, arn }),
  );
  return event(...records);
}

test('one handler does many invocations at a time, and each has its own response, log line and share of the metrics', async () => {
  const invocations = Array.from({ length: INVOCATIONS }, (_, invocation) => invocation);
  const { responses, lines, printed } = await runtime(invocations.map(eventOf));

  expect(responses).toEqual(
    invocations.map((invocation) => ({
      batchItemFailures: isRefused(invocation)
        ? Array.from({ length: sizeOf(invocation) }, (_, index) => ({
            itemIdentifier: sequenceNumber(invocation * 100 + index),
          }))
        : [],
    })),
  );

  const redis = new Redis(server.url);
  const stored = await redis.keys('many:users:*[0-9]');
  redis.disconnect();
  const done = invocations.filter((invocation) => !isRefused(invocation));
  const sum = (of: number[]) => of.reduce((total, invocation) => total + sizeOf(invocation), 0);
  expect(stored).toHaveLength(sum(done));

  const applied = lines.filter(({ message }) => message === 'Stream batch applied');
  expect(new Map(applied.map((line) => [line.function_request_id, [line.records, line.outcomes]]))).toEqual(
    new Map(
      invocations.map((invocation) => [
        `request-${invocation}`,
        [sizeOf(invocation), { [isRefused(invocation) ? 'failed' : 'written']: sizeOf(invocation) }],
      ]),
    ),
  );
  const failed = lines.filter(({ message }) => message === 'Records failed and are delivered again');
  expect(failed.map((line) => line.function_request_id).sort()).toEqual(
    invocations.flatMap((invocation) => (isRefused(invocation) ? [`request-${invocation}`] : [])).sort(),
  );

  const metrics = readEmf(printed).map(({ metrics }) => metrics);
  const total = (name: string) =>
    metrics.flatMap((each) => (each[name] ?? []) as number | number[]).reduce((a, b) => a + b, 0);
  expect(total('RecordsWritten')).toBe(sum(done));
  expect(total('RecordsFailed')).toBe(sum(invocations) - sum(done));
  expect(total('BatchSize')).toBe(sum(invocations));
});

async function runtime(events: readonly DynamoDBStreamEvent[]) {
  const url = new URL(server.url);
  const store = import.meta.resolve('@aws/lambda-invoke-store');
  const child = spawn(process.execPath, ['--input-type=module', '--eval', RUNTIME, store], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {
      AWS_LAMBDA_MAX_CONCURRENCY: String(INVOCATIONS),
      STREAM_CACHE_URL: `redis://app:secret@${url.host}`,
      STREAM_CACHE_NAMESPACE: 'many',
      STREAM_CACHE_METRICS: 'true',
    },
  });
  child.stdin.on('error', () => {}).end(JSON.stringify(events)); // what does not load reads nothing
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const linesOf = (output: string) => output.split('\n').filter((line) => line !== '');
  const isMetrics = (line: string) => line.includes('"_aws"');
  const errors = linesOf(stderr);
  const responses = JSON.parse(errors.pop() ?? '');
  const logged = [...linesOf(stdout).filter((line) => !isMetrics(line)), ...errors];
  return {
    responses,
    lines: logged.map((line) => JSON.parse(line)),
    printed: linesOf(stdout).filter(isMetrics).join('\n'),
  };
}

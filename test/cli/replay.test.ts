import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteItemCommand, DescribeTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBRecord } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import { encode } from '../../src/codec.js';
import { itemKey } from '../../src/key.js';
import { toLambdaRecord } from '../../src/local/records.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore } from '../../src/store/store.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type S3StandIn, startS3 } from '../support/s3.js';
import { kinesisEvent, kinesisPayload } from '../support/sources.js';
import { type SqsStandIn, startSqs } from '../support/sqs.js';
import { thoroughly } from '../support/thorough.js';
import { runCli } from './run-cli.js';

const CREDENTIALS = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
const HOUR_MS = 3_600_000;

let dynamodb: DynamoDBServer;
let s3: S3StandIn;
let sqs: SqsStandIn;
let folder: string;
/** The changes of `i0`, `i1`, …, three each: old, newer, and newest, which deletes `i0`. As the stream has them. */
let records: DynamoDBRecord[];
let shardId = '';
let streamArn = '';

beforeAll(async () => {
  [dynamodb, s3, sqs] = await Promise.all([startDynamoDB(), startS3('lost'), startSqs()]);
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
  const client = dynamodb.client();
  await createTable(client, 'users', { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  const put = (id: string, name: string) =>
    client.send(new PutItemCommand({ TableName: 'users', Item: { id: { S: id }, name: { S: name } } }));
  for (const name of ['old', 'newer']) for (const id of ['i0', 'i1', 'i2']) await put(id, name);
  await client.send(new DeleteItemCommand({ TableName: 'users', Key: { id: { S: 'i0' } } }));
  for (const id of ['i1', 'i2']) await put(id, 'newest');

  const streams = dynamodb.streams();
  const { Table } = await client.send(new DescribeTableCommand({ TableName: 'users' }));
  streamArn = Table?.LatestStreamArn ?? '';
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn: streamArn }));
  shardId = StreamDescription?.Shards?.[0]?.ShardId ?? '';
  const from = { StreamArn: streamArn, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
  const { ShardIterator } = await streams.send(new GetShardIteratorCommand(from));
  const { Records = [] } = await streams.send(new GetRecordsCommand({ ShardIterator }));
  const now = Date.now();
  records = Records.map((record) => toLambdaRecord(record, streamArn, { since: now - 1_500, until: now }));
  expect(records).toHaveLength(9);
});
afterAll(async () => {
  await Promise.all([dynamodb?.stop(), s3?.stop(), sqs?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** What Lambda leaves in an on-failure bucket of these records, made so long ago. */
function given(some: readonly DynamoDBRecord[], ageMs = 0): string {
  const at = Math.floor((Date.now() - ageMs) / 1_000);
  const Records = some.map((record) => ({
    ...record,
    dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: at },
  }));
  return JSON.stringify({ ...place(some), payload: JSON.stringify({ Records }) });
}

/** What it tells a queue of them. */
function place(some: readonly DynamoDBRecord[]) {
  return {
    requestContext: { condition: 'RetryAttemptsExhausted' },
    version: '1.0',
    DDBStreamBatchInfo: {
      ...{ shardId, streamArn, batchSize: some.length },
      startSequenceNumber: some[0]?.dynamodb?.SequenceNumber,
      endSequenceNumber: some.at(-1)?.dynamodb?.SequenceNumber,
    },
  };
}

const replay = (args: readonly string[], variables: Record<string, string> = {}) =>
  runCli(['replay', ...args], {
    ...CREDENTIALS,
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_SQS: new URL(sqs.queueUrl).origin,
    ...variables,
  });

describe.each(['redisUrl', ...thoroughly('redisClusterUrl' as const)] as const)(
  'replay, on %s',
  (injected) => {
    const url = inject(injected);
    let store: CacheStore;
    beforeAll(() => {
      store = openStore(url, 4_000);
    });
    afterAll(() => store.close());

    async function fresh() {
      const namespace = `replay${randomUUID().replaceAll('-', '')}`;
      const own = await mkdtemp(join(folder, 'own-'));
      const cached = async () => {
        const keys = ['i0', 'i1', 'i2'].map((id) => itemKey(namespace, 'users', { id: { S: id } }));
        return store.get(keys);
      };
      const run = (source: string, ...more: string[]) =>
        replay([
          source,
          '--cache',
          url,
          '--namespace',
          namespace,
          '--stream-endpoint',
          dynamodb.endpoint,
          ...more,
        ]);
      return { namespace, own, cached, run };
    }
    const textOf = (id: string, name: string) => encode({ id: { S: id }, name: { S: name } } as AttributeMap);

    test('of a folder: what is in order ends as the table, and what was given up twice changes nothing', async () => {
      const { own, cached, run } = await fresh();
      await mkdir(join(own, 'shard'));
      await writeFile(join(own, 'shard', '1 first'), given(records.slice(0, 3)));
      await writeFile(join(own, 'shard', '2'), given(records.slice(3)));
      const first = await run(own);
      expect(first).toMatchObject({ code: 0, stderr: '' });
      expect(first.stdout).toMatch(/1 first: 3 records of users, \d+ m?s old; 3 written\n/);
      expect(first.stdout).toContain('2 batches, 9 records. All of it is done.\n');
      const table = [undefined, textOf('i1', 'newest'), textOf('i2', 'newest')];
      expect(await cached()).toEqual(table);
      expect((await run(own)).stdout).toContain('3 stale');
      expect(await cached()).toEqual(table);
    });

    test('of what is hours old, when newer changes were applied: nothing old is written', async () => {
      const { own, cached, run } = await fresh();
      await writeFile(join(own, 'new'), given(records.slice(6)));
      await run(join(own, 'new'));
      await writeFile(join(own, 'old'), given(records.slice(0, 6), 5 * HOUR_MS));
      const old = await run(join(own, 'old'));
      expect(old).toMatchObject({ code: 0 });
      expect(old.stdout).toMatch(/6 records of users, 5 h (\d+ s )?old; 3 superseded, 3 stale/);
      expect(await cached()).toEqual([undefined, textOf('i1', 'newest'), textOf('i2', 'newest')]);
    });

    test('of what is hours old, when nothing else is known: it deletes, and readers fetch', async () => {
      const { own, cached, run } = await fresh();
      await writeFile(join(own, 'old'), given(records.slice(0, 6), 5 * HOUR_MS));
      expect((await run(join(own, 'old'))).stdout).toContain('3 superseded, 3 late');
      expect(await cached()).toEqual([undefined, undefined, undefined]);
    });

    test('of what came by a Kinesis data stream: it deletes; where only its place is told, it is named', async () => {
      const { own, cached, run } = await fresh();
      await writeFile(join(own, '1'), given(records.slice(6)));
      const event = kinesisEvent(records.slice(0, 2).map((each) => kinesisPayload(each, 'MILLISECOND')));
      const lost = { version: '1.0', KinesisBatchInfo: { batchSize: 2 } };
      await writeFile(join(own, '2'), JSON.stringify({ ...lost, payload: JSON.stringify(event) }));
      await writeFile(join(own, '3'), JSON.stringify(lost));
      const { code, stdout } = await run(own);
      expect(code).toBe(1);
      expect(stdout).toMatch(/2: 2 records of users, .* old; 2 deleted\n/);
      expect(stdout).toMatch(/3: 0 records of no table; failed: Its records are in a Kinesis data stream/);
      expect(await cached()).toEqual([undefined, undefined, textOf('i2', 'newest')]);
    });

    test('of a bucket: what is done is removed, what fails is named and stays, and the rest goes on', async () => {
      const { own, cached, run } = await fresh();
      s3.objects.clear();
      const name = (n: number) => `aws/lambda/m/shard/2026/11/27/0${n} & <x>`;
      const broken = JSON.stringify({ DDBStreamBatchInfo: {}, payload: 'half of it' });
      const contents = [given(records.slice(0, 3)), broken, '{', given(records.slice(3))];
      contents.forEach((text, n) => void s3.objects.set(name(n), text));
      s3.objects.set('other/1', given(records));

      const listed = await run('s3://lost/aws/', '--list', '--json');
      const lines = listed.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines.map((line) => line.name)).toEqual([0, 1, 2, 3].map((n) => `s3://lost/${name(n)}`));
      expect(lines[3]).toMatchObject({ records: 6, tables: ['users'], isRemoved: false });
      expect(await cached()).toEqual([undefined, undefined, undefined]);

      expect(await run('s3://lost/aws/', '--remove')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(
          'Remove from s3://lost/aws/ what the handler does in full? Nobody is there',
        ),
      });
      const removed = await run('s3://lost/aws/', '--remove', '--yes');
      expect(removed.code).toBe(1);
      expect(removed.stdout).toMatch(/01 & <x>: 0 records of no table; failed: Its payload is not JSON/);
      expect(removed.stdout).toMatch(/02 & <x>: 0 records of no table; failed: it is not JSON/);
      expect(removed.stdout).toContain('4 batches, 9 records. 2 failed.');
      expect([...s3.objects.keys()]).toEqual([name(1), name(2), 'other/1']);
      expect((await cached())[1]).toBe(textOf('i1', 'newest'));
      expect((await run('s3://lost/aws/', '--after', `s3://lost/${name(1)}`, '--json')).stdout).toContain(
        name(2),
      );
      expect(own).not.toBe('');
    });

    test('of a queue: the records are read from the stream; what is done is removed, what is not is given back', async () => {
      const { cached, run } = await fresh();
      sqs.clear();
      sqs.send(JSON.stringify(place(records.slice(0, 4))));
      sqs.send(JSON.stringify({ Type: 'Notification', Message: JSON.stringify(place(records.slice(4))) }));
      const gone = {
        ...place(records),
        DDBStreamBatchInfo: {
          ...place(records).DDBStreamBatchInfo,
          shardId: 'shardId-00000000000000000000-00000000',
        },
      };
      sqs.send(JSON.stringify(gone));

      const dry = await run(sqs.queueUrl, '--dry-run');
      expect(dry.stdout).toContain(': 4 records of users');
      expect(sqs.visible()).toBe(3);
      expect(await cached()).toEqual([undefined, undefined, undefined]);

      const removed = await run(sqs.queueUrl, '--remove', '--yes', '--json');
      const lines = removed.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(removed.code).toBe(1);
      expect(lines.map(({ records, isRemoved }) => [records, isRemoved])).toEqual([
        [4, true],
        [5, true],
        [0, false],
      ]);
      expect(lines[2].error).toMatch(/no longer in the stream.*stream-cache purge/);
      expect(sqs.bodies()).toEqual([JSON.stringify(gone)]);
      expect(sqs.visible()).toBe(1);
      sqs.send('');
      await run(sqs.queueUrl, '--list');
      expect(sqs.visible()).toBe(2);
      for (const { records: n } of lines.slice(0, 2)) expect(n).toBeGreaterThan(0);
    });

    test('a handler that reports failures, or throws, keeps what it did not do', async () => {
      const { own, run } = await fresh();
      await writeFile(join(own, 'batch'), given(records.slice(0, 3)));
      const bundle = join(folder, `${randomUUID()}.mjs`);
      await writeFile(
        bundle,
        "export const handler = async () => ({ batchItemFailures: [{ itemIdentifier: '1' }] });",
      );
      const failed = await run(own, '--handler', bundle, '--remove', '--yes');
      expect(failed).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('the handler reported records as failed'),
      });
      await writeFile(
        bundle.replace('.mjs', 'b.mjs'),
        "export const handler = async () => { throw new Error('no'); };",
      );
      const threw = await run(own, '--handler', bundle.replace('.mjs', 'b.mjs'), '--remove', '--yes');
      expect(threw).toMatchObject({ code: 1, stdout: expect.stringContaining('failed: no') });
      expect(await readdir(own)).toEqual(['batch']);
      expect(await readFile(join(own, 'batch'), 'utf8')).toContain('payload');
    });
  },
);

describe('called wrongly, it says with what, and changes nothing', () => {
  test.each<[string, string[], RegExp, number?]>([
    ['no source', [], /no source is named/],
    ['two sources', ['a', 'b'], /b is one source too many/],
    ['no cache', ['a'], /no cache is named/],
    [
      'a place behind which, in a queue',
      ['https://sqs.eu-west-1.amazonaws.com/1/q', '--after', 'x'],
      /a queue has no order/,
    ],
    ['another kind of URL', ['ftp://x/y', '--list'], /ftp:\/\/x\/y is no source/],
    ['what is not there', ['/nowhere', '--list'], /cannot read \/nowhere: Error: ENOENT/, 1],
    [
      'a bucket that is not there',
      ['s3://elsewhere/', '--list'],
      /cannot read s3:\/\/elsewhere\/: NoSuchBucket/,
      1,
    ],
  ])('%s', async (_, args, message, exitCode = 2) => {
    const { code, stdout, stderr } = await replay(args);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('an empty folder has nothing to do', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    expect(await replay([empty, '--list'])).toMatchObject({
      code: 0,
      stdout: '0 batches, 0 records. Nothing was invoked.\n',
    });
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  DeleteItemCommand,
  DeleteTableCommand,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  LocalEventSourceMapping,
  type LocalEventSourceMappingOptions,
  StreamError,
  type StreamHandler,
} from '../../src/local/index.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { freePort } from '../support/machine.js';

let server: DynamoDBServer;
let client: DynamoDBClient;
let streams: DynamoDBStreamsClient;
let table = 0;
const mappings: LocalEventSourceMapping[] = [];

beforeAll(async () => {
  server = await startDynamoDB();
  client = server.client();
  streams = server.streams();
});
afterEach(() => Promise.all(mappings.splice(0).map((mapping) => mapping.stop())));
afterAll(async () => {
  client?.destroy();
  streams?.destroy();
  await server?.stop();
});

async function createUsers(): Promise<string> {
  table += 1;
  const TableName = `users-${process.pid}-${table}`;
  await createTable(client, TableName, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  return TableName;
}

async function start(
  tableName: string,
  handler: StreamHandler,
  options: Partial<LocalEventSourceMappingOptions> = {},
): Promise<LocalEventSourceMapping> {
  const mapping = new LocalEventSourceMapping({ endpoint: server.endpoint, tableName, handler, ...options });
  mappings.push(mapping);
  await mapping.start();
  return mapping;
}

const put = (TableName: string, id: string, version: number) =>
  client.send(new PutItemCommand({ TableName, Item: { id: { S: id }, version: { N: String(version) } } }));
const nameOf = ({ eventName, dynamodb }: DynamoDBRecord) =>
  `${eventName} ${dynamodb?.Keys?.id?.S} ${dynamodb?.NewImage?.version?.N ?? '-'}`;

test('what happens to items reaches the function, each item in its order', async () => {
  const TableName = await createUsers();
  const seen: DynamoDBRecord[] = [];
  const mapping = await start(
    TableName,
    async ({ Records }) => {
      seen.push(...Records);
    },
    { batchSize: 7, parallelizationFactor: 3 },
  );

  const ids = ['ada', 'bob', 'cyd', 'dan', 'eve'];
  await Promise.all(
    ids.map(async (id) => {
      for (let version = 1; version <= 5; version += 1) await put(TableName, id, version);
      await client.send(new DeleteItemCommand({ TableName, Key: { id: { S: id } } }));
    }),
  );
  await mapping.drained();

  expect(seen).toHaveLength(30);
  for (const id of ids) {
    expect(seen.filter(({ dynamodb }) => dynamodb?.Keys?.id?.S === id).map(nameOf)).toEqual([
      `INSERT ${id} 1`,
      ...[2, 3, 4, 5].map((version) => `MODIFY ${id} ${version}`),
      `REMOVE ${id} -`,
    ]);
  }
});

test('records look as they do in Lambda', async () => {
  const TableName = await createUsers();
  const events: DynamoDBStreamEvent[] = [];
  const mapping = await start(TableName, async (event) => {
    events.push(event);
  });
  const bytes = new Uint8Array([102, 111, 111]);
  await client.send(
    new PutItemCommand({
      TableName,
      Item: { id: { S: 'ada' }, photo: { B: bytes }, nested: { L: [{ M: { parts: { BS: [bytes] } } }] } },
    }),
  );
  await mapping.drained();
  expect(events).toEqual([
    {
      Records: [
        {
          eventID: expect.any(String),
          eventName: 'INSERT',
          eventVersion: '1.1',
          eventSource: 'aws:dynamodb',
          awsRegion: 'ddblocal',
          dynamodb: {
            ApproximateCreationDateTime: expect.any(Number),
            Keys: { id: { S: 'ada' } },
            NewImage: {
              id: { S: 'ada' },
              photo: { B: 'Zm9v' },
              nested: { L: [{ M: { parts: { BS: ['Zm9v'] } } }] },
            },
            SequenceNumber: expect.stringMatching(/^\d{21}$/),
            SizeBytes: expect.any(Number),
            StreamViewType: 'NEW_AND_OLD_IMAGES',
          },
          eventSourceARN: expect.stringMatching(
            `^arn:aws:dynamodb:ddblocal:000000000000:table/${TableName}/stream/`,
          ),
        },
      ],
    },
  ]);
});

test('a reported failure is delivered again, and in the end goes to the destination', async () => {
  const TableName = await createUsers();
  for (const id of ['ada', 'bob', 'cyd']) await put(TableName, id, 1);
  const folder = await mkdtemp(join(tmpdir(), 'journey-'));
  const destination = join(folder, 'failures.jsonl');
  const batches: string[][] = [];
  const mapping = await start(
    TableName,
    async ({ Records }) => {
      batches.push(Records.map((record) => record.dynamodb?.Keys?.id?.S ?? ''));
      const bob = Records.find((record) => record.dynamodb?.Keys?.id?.S === 'bob');
      return { batchItemFailures: bob ? [{ itemIdentifier: bob.dynamodb?.SequenceNumber ?? '' }] : [] };
    },
    {
      maximumRetryAttempts: 1,
      retryDelayInMilliseconds: 1,
      bisectBatchOnFunctionError: true,
      destinationConfig: { onFailure: { destination } },
    },
  );
  await mapping.drained();
  expect(batches).toEqual([['ada', 'bob', 'cyd'], ['bob', 'cyd'], ['bob'], ['bob'], ['cyd']]);
  const record = JSON.parse(await readFile(destination, 'utf8'));
  expect(record.DDBStreamBatchInfo.batchSize).toBe(1);
  expect(JSON.parse(record.payload).Records.map(nameOf)).toEqual(['INSERT bob 1']);
  await rm(folder, { recursive: true });
});

test('LATEST begins with what is written after start, also with a client of the caller', async () => {
  const TableName = await createUsers();
  await put(TableName, 'ada', 1);
  const seen: string[] = [];
  const mapping = new LocalEventSourceMapping({
    client: streams,
    tableName: TableName,
    startingPosition: 'LATEST',
    async handler({ Records }) {
      seen.push(...Records.map(nameOf));
    },
  });
  mappings.push(mapping);
  await mapping.start();
  await put(TableName, 'ada', 2);
  await mapping.drained();
  expect(seen).toEqual(['MODIFY ada 2']);
});

test('a mapping that was stopped goes on where it was', async () => {
  const TableName = await createUsers();
  const seen: string[] = [];
  const mapping = await start(TableName, async ({ Records }) => {
    seen.push(...Records.map(nameOf));
  });
  await put(TableName, 'ada', 1);
  await mapping.drained();
  await mapping.stop();
  await put(TableName, 'ada', 2);
  expect(seen).toEqual(['INSERT ada 1']);
  await mapping.start();
  await mapping.drained();
  expect(seen).toEqual(['INSERT ada 1', 'MODIFY ada 2']);
});

test('a stream that is switched off is read to its end', async () => {
  const TableName = await createUsers();
  const seen: string[] = [];
  const types: string[] = [];
  const mapping = await start(
    TableName,
    async ({ Records }) => {
      seen.push(...Records.map(nameOf));
    },
    { onReport: ({ type }) => types.push(type) },
  );
  await put(TableName, 'ada', 1);
  await client.send(new UpdateTableCommand({ TableName, StreamSpecification: { StreamEnabled: false } }));
  await mapping.drained();
  await mapping.stop();
  expect(seen).toEqual(['INSERT ada 1']);
  expect(types).toContain('shard-finished');
});

test('a change that leaves an item as it was is no change', async () => {
  const TableName = await createUsers();
  const seen: string[] = [];
  const mapping = await start(TableName, async ({ Records }) => {
    seen.push(...Records.map(nameOf));
  });
  await put(TableName, 'ada', 1);
  const same = { ':version': { N: '1' } };
  await client.send(
    new UpdateItemCommand({
      TableName,
      Key: { id: { S: 'ada' } },
      UpdateExpression: 'SET version = :version',
      ExpressionAttributeValues: same,
    }),
  );
  await mapping.drained();
  expect(seen).toEqual(['INSERT ada 1']);
});

test('a process that has stopped its mapping ends by itself', async () => {
  const TableName = await createUsers();
  await put(TableName, 'ada', 1);
  const outfile = fileURLToPath(
    new URL('../../node_modules/.cache/local-journey/process.mjs', import.meta.url),
  );
  await build({
    stdin: { contents: shortProcess(TableName), resolveDir: import.meta.dirname, loader: 'ts' },
    ...{ outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' },
  });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile], { timeout: 15_000 });
  expect(stdout).toBe('INSERT ada\n');
});

const shortProcess = (tableName: string) => `
  import { LocalEventSourceMapping } from '../../src/local/index.js';
  const mapping = new LocalEventSourceMapping({
    endpoint: '${server.endpoint}',
    tableName: '${tableName}',
    maximumBatchingWindowInSeconds: 1,
    async handler({ Records }) {
      console.log(Records.map(({ eventName, dynamodb }) => eventName + ' ' + dynamodb?.Keys?.id?.S).join());
    },
  });
  await mapping.start();
  await mapping.drained();
  await mapping.stop();
`;

test('a stream that is not there, or not reachable, is said', async () => {
  const handler = async () => {};
  const none = new LocalEventSourceMapping({ endpoint: server.endpoint, tableName: 'nobody', handler });
  await expect(none.start()).rejects.toThrow(`No stream of the table nobody was found at ${server.endpoint}`);

  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const nowhere = new LocalEventSourceMapping({ endpoint, tableName: 'users', handler });
  await expect(nowhere.start()).rejects.toThrow(StreamError);
  await expect(nowhere.start()).rejects.toThrow(
    new RegExp(`start\\(\\) could not read the stream of users at ${endpoint}: .*ECONNREFUSED`),
  );
});

test('the stream of a deleted table is read to its end', async () => {
  const TableName = await createUsers();
  const seen: string[] = [];
  const mapping = await start(TableName, async ({ Records }) => {
    seen.push(...Records.map(nameOf));
  });
  await put(TableName, 'ada', 1);
  await client.send(new DeleteTableCommand({ TableName }));
  await mapping.drained();
  expect(seen).toEqual(['INSERT ada 1']);
});

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { NewCachingMiddleware } from '../../src/index.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type Recorder, startRecorder } from './recorder.js';
import { loadSdk, type Sdk, type SdkVersion } from './sdk.js';
import { FORMS, type Form, type Operation, type Speaker } from './speaker.js';

const both = (version: string): SdkVersion => ({ client: version, lib: version });

/** The oldest that works, those around each change of what a middleware meets, and the newest; `own` is newer than most. */
const VERSIONS: (SdkVersion | 'own')[] = [
  both('3.575.0'),
  both('3.650.0'),
  both('3.705.0'),
  both('3.777.0'),
  both('3.782.0'),
  both('3.901.0'),
  both('3.1169.0'),
  { client: '3.1169.0', lib: '3.705.0' },
  'own',
];
const TOO_OLD = both('3.574.0');

const FETCH_LIMIT_MS = 120_000;

let server: DynamoDBServer;
let recorder: Recorder;
beforeAll(async () => {
  server = await startDynamoDB();
  recorder = await startRecorder(server.endpoint);
});
afterAll(async () => {
  await recorder?.close();
  await server?.stop();
});

function clientOf(sdk: Sdk) {
  return new sdk.client.DynamoDBClient({
    endpoint: recorder.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
}

let tables = 0;

/** A new table, and the two clients of one form that are compared: one with the cache and one without. */
async function newPair(sdk: Sdk, form: Form) {
  tables += 1;
  const TableName = `matrix-${process.pid}-${tables}`;
  const direct = server.client();
  await createTable(direct, TableName, { id: 'S', sk: 'S' });
  direct.destroy();
  const open = (isCached: boolean): Speaker => {
    const client = clientOf(sdk);
    if (isCached) {
      const cache = inject('redisUrl');
      const keys = { [TableName]: { partitionKey: 'id', sortKey: 'sk' } };
      // These tests are about what is answered, not about how soon.
      client.middlewareStack.use(NewCachingMiddleware({ cache, tables: keys, readTimeoutMs: 5_000 }));
    }
    onTestFinished(() => client.destroy());
    return form.speaker(sdk, client);
  };
  const key = (id: string) => form.of({ id, sk: '1' });
  const plain = open(false);
  for (const id of ['a', 'b', 'c']) {
    await plain.send('put', { TableName, Item: form.of({ id, sk: '1', v: `of ${id}`, n: 1.5 }) });
  }
  recorder.taken();
  return {
    TableName,
    plain,
    cached: open(true),
    /** Another application that uses the same cache. */
    other: () => open(true),
    key,
    get: (id: string) => ({ TableName, Key: key(id) }),
    batch: (...ids: string[]) => ({ RequestItems: { [TableName]: { Keys: ids.map(key) } } }),
    query: (id: string) => ({
      TableName,
      KeyConditionExpression: 'id = :id',
      ExpressionAttributeValues: form.of({ ':id': id }),
    }),
  };
}

/** What is answered, without what only a cache or only DynamoDB can say. A batch has no order. */
function said({ $metadata, CacheMetadata, ...answer }: Awaited<ReturnType<Speaker['send']>>): unknown {
  const ordered = (items: unknown[]) => items.map((item) => JSON.stringify(item, sorted)).sort();
  if (!answer.Responses) return answer;
  const { Responses, ...rest } = answer;
  return { ...rest, Responses: Object.values(Responses).map((items) => ordered(items as unknown[])) };
}

function sorted(_name: string, value: unknown) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort())
    : value;
}

const nameOf = (version: SdkVersion | 'own') =>
  version === 'own'
    ? "the project's own"
    : version.client === version.lib
      ? version.client
      : `client ${version.client} with lib ${version.lib}`;

describe.each(VERSIONS.map((version) => [nameOf(version), version] as const))('SDK %s', (_, version) => {
  let sdk: Sdk;
  beforeAll(async () => {
    sdk = await loadSdk(version);
  }, FETCH_LIMIT_MS);

  describe.each(FORMS.map((form) => [form.name, form] as const))('%s', (_name, form) => {
    const pair = () => newPair(sdk, form);

    test('a part of an item that nobody had read leaves the whole item in the cache', async () => {
      const { cached, plain, get } = await pair();
      for (const more of [{ ProjectionExpression: 'id, v' }, {}, { AttributesToGet: ['n'] }]) {
        const answer = await cached.send('get', { ...get('a'), ...more });
        expect(said(answer)).toEqual(said(await plain.send('get', { ...get('a'), ...more })));
        expect(answer.CacheMetadata?.CacheHit ?? false).toBe(!('ProjectionExpression' in more));
      }
    });

    test('what is read after an own write is read strongly, and said so on the wire', async () => {
      const { TableName, cached, key, get, batch, query } = await pair();
      for (const id of ['a', 'b', 'c']) {
        await cached.send('put', { TableName, Item: { ...key(id), ...form.of({ v: `new ${id}` }) } });
      }
      recorder.taken();
      await cached.send('get', get('a'));
      await cached.send('batchGet', batch('a', 'b'));
      await cached.send('query', query('c'));
      expect(
        recorder.taken().map(({ operation, body }) => {
          const { ConsistentRead, Keys } = body.RequestItems?.[TableName] ?? body;
          return [operation, ConsistentRead, Keys];
        }),
      ).toEqual([
        ['GetItem', true, undefined],
        ['BatchGetItem', true, [{ id: { S: 'b' }, sk: { S: '1' } }]],
        ['Query', true, undefined],
      ]);
    });

    test('a strong read of the caller goes to the table as it is', async () => {
      const { cached, get } = await pair();
      await cached.send('get', get('a'));
      recorder.taken();
      await cached.send('get', { ...get('a'), ConsistentRead: true });
      expect(recorder.taken()).toMatchObject([{ operation: 'GetItem', body: { ConsistentRead: true } }]);
    });

    test('of a batch that is partly cached only the rest is asked for', async () => {
      const { TableName, cached, plain, get, batch } = await pair();
      await cached.send('get', get('a'));
      const wanted = batch('a', 'b', 'absent');
      const expected = said(await plain.send('batchGet', wanted));
      recorder.taken();
      expect(said(await cached.send('batchGet', wanted))).toEqual(expected);
      const [{ body } = { body: {} }] = recorder.taken();
      expect(body.RequestItems[TableName].Keys).toHaveLength(2);
      expect(said(await cached.send('batchGet', wanted))).toEqual(expected);
      expect(recorder.taken()).toEqual([]);
    });

    test('a query is answered as by the table, and again from the cache', async () => {
      const { cached, plain, query } = await pair();
      const expected = said(await plain.send('query', query('b')));
      for (const isHit of [false, true]) {
        const answer = await cached.send('query', query('b'));
        expect(said(answer)).toEqual(expected);
        expect(answer.CacheMetadata?.CacheHit ?? false).toBe(isHit);
      }
    });

    test.each<[Operation, (TableName: string, key: Record<string, unknown>) => object]>([
      ['put', (TableName, key) => ({ TableName, Item: { ...key, ...form.of({ v: 'new' }) } })],
      [
        'update',
        (TableName, Key) => ({
          TableName,
          Key,
          UpdateExpression: 'SET v = :v',
          ExpressionAttributeValues: form.of({ ':v': 'new' }),
        }),
      ],
      ['delete', (TableName, Key) => ({ TableName, Key })],
      ['batchWrite', (TableName, Key) => ({ RequestItems: { [TableName]: [{ DeleteRequest: { Key } }] } })],
      ['transact', (TableName, Key) => ({ TransactItems: [{ Delete: { TableName, Key } }] })],
    ])('own writes with %s are seen by the next reads of all', async (operation, input) => {
      const { TableName, cached, plain, other, key, get, batch, query } = await pair();
      const reader = other();
      const reads = [
        ['get', get('a')],
        ['batchGet', batch('a', 'b')],
        ['query', query('a')],
      ] as const;
      const before: unknown[] = [];
      for (const [read, of] of reads) before.push(said(await reader.send(read, of)));
      await cached.send(operation, input(TableName, key('a')));
      for (const [index, [read, of]] of reads.entries()) {
        const expected = said(await plain.send(read, of));
        expect(expected).not.toEqual(before[index]);
        expect(said(await cached.send(read, of))).toEqual(expected);
        expect(said(await reader.send(read, of))).toEqual(expected);
      }
    });

    describe.each([0, 1, 3])('an object that the caller changes %s ms after each call', (ms) => {
      const IDS = ['a', 'b', 'c', 'absent'];

      /** Sends one object again and again, with another id each time and without waiting for an answer. */
      async function sendAll(speaker: Speaker, operation: Operation, input: object, part: object) {
        const sent: Promise<unknown>[] = [];
        for (const id of IDS) {
          const { id: value } = form.of({ id });
          if (typeof value === 'object') Object.assign((part as { id: object }).id, value);
          else Object.assign(part, { id: value });
          sent.push(speaker.send(operation, input));
          await delay(ms);
        }
        return Promise.all(sent);
      }

      test('is read as it was when it was sent, and nothing else is stored', async () => {
        const { TableName, cached, plain, other, key, get } = await pair();
        const asked = {
          get: (Key: object) => ({ TableName, Key }),
          batchGet: (Key: object) => ({ RequestItems: { [TableName]: { Keys: [Key] } } }),
        };
        for (const [operation, inputOf] of Object.entries(asked)) {
          const keys = [key(''), key('')] as const;
          const answers = await sendAll(cached, operation as Operation, inputOf(keys[0]), keys[0]);
          const expected = await sendAll(plain, operation as Operation, inputOf(keys[1]), keys[1]);
          expect(answers.map((answer) => said(answer as object))).toEqual(
            expected.map((answer) => said(answer as object)),
          );
        }
        const reader = other();
        for (const id of IDS) {
          expect(said(await reader.send('get', get(id)))).toEqual(said(await plain.send('get', get(id))));
        }
      });

      test('is written as it was when it was sent, and so it is read', async () => {
        const { TableName, cached, plain, other, key, get } = await pair();
        const reader = other();
        for (const id of IDS) await reader.send('get', get(id));
        const Item = { ...key(''), ...form.of({ v: 'new' }) };
        await sendAll(cached, 'put', { TableName, Item }, Item);
        for (const id of IDS) {
          const expected = said(await plain.send('get', get(id)));
          expect(expected).toMatchObject({ Item: form.of({ id, v: 'new' }) });
          expect(said(await reader.send('get', get(id)))).toEqual(expected);
        }
      });
    });
  });
});

test('An SDK that is too old is left alone, and one error says so', { timeout: FETCH_LIMIT_MS }, async () => {
  const sdk = await loadSdk(TOO_OLD);
  const errors: unknown[][] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (...said: unknown[]) => errors.push(said) };
  const client = clientOf(sdk);
  onTestFinished(() => client.destroy());
  client.middlewareStack.use(NewCachingMiddleware({ cache: 'memory:', logger }));
  for (let call = 0; call < 3; call += 1) await client.send(new sdk.client.ListTablesCommand({}));
  for (let call = 0; call < 3; call += 1) {
    await client
      .send(new sdk.client.GetItemCommand({ TableName: 'none', Key: { id: { S: '1' } } }))
      .catch((error: Error) => expect(error.name).toBe('ResourceNotFoundException'));
  }
  expect(errors).toHaveLength(1);
  expect(JSON.stringify(errors[0])).toMatch(/version 3\.575/);
});

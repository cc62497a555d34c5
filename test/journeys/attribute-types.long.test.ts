import { deepStrictEqual } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import {
  type AttributeValue,
  type DynamoDBClient,
  DynamoDBServiceException,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { NewCachingMiddleware, NewStreamCacheHandler } from '../../src/index.js';
import { LocalEventSourceMapping } from '../../src/local/index.js';
import { itemArbitrary } from '../support/arbitraries.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { rounds } from '../support/thorough.js';
import { DIALECTS, type Dialect } from './dialects.js';

const WITH_STREAM = 'attribute-types';
const WITHOUT_STREAM = 'attribute-types-without-stream';
const namespace = `types${randomBytes(6).toString('hex')}`;

const DEEPLY = { depth: null, showHidden: true };
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

const bytes = (...values: number[]) => new Uint8Array(values);

/** Items by their ids. DynamoDB Local knows no empty strings and no empty binary. */
const ITEMS: Record<string, Record<string, AttributeValue>> = {
  'short numbers': { a: { N: '0' }, b: { N: '-1' }, c: { N: '1.50' }, d: { N: '1E3' } },
  'numbers of 38 digits': {
    a: { N: '9'.repeat(38) },
    b: { N: `-0.${'9'.repeat(38)}` },
    c: { N: '1234567890123456789.0123456789012345678' },
  },
  'numbers beyond doubles': { a: { N: '9007199254740993' }, b: { N: '123456789012345678901234567890' } },
  'long fractions': { a: { N: '0.1' }, b: { N: '3.1415926535897932384626433832795028841' } },
  'the largest and smallest numbers': {
    a: { N: '1E100' },
    b: { N: '9.9999999999999999999999999999999999999E+125' },
    c: { N: '1E-130' },
  },
  strings: { a: { S: 'a' }, b: { S: ' "\\\n\u0000\u2028é€😀' }, c: { S: '\ud800' }, d: { S: '1E100' } },
  'binary values': { a: { B: bytes(0, 1, 254, 255) }, b: { B: new Uint8Array(Buffer.from('pooled')) } },
  'booleans and null': { a: { BOOL: true }, b: { BOOL: false }, c: { NULL: true } },
  sets: {
    a: { SS: ['b', 'a', 'B'] },
    b: { NS: ['10', '9', '1E100', '-0.5'] },
    c: { BS: [bytes(2), bytes(1), bytes(1, 0)] },
  },
  'empty lists and maps': { a: { L: [] }, b: { M: {} }, c: { L: [{ L: [] }, { M: {} }] } },
  'sets in lists and maps': {
    a: { L: [{ SS: ['a'] }, { M: { b: { NS: ['1'] } } }, { L: [{ BS: [bytes(9)] }] }] },
    b: { M: { c: { L: [{ B: bytes(7) }, { N: '12345678901234567890' }] } } },
  },
  'deeply nested values': { a: nested(31), b: { L: [nested(29)] } },
  'names that mean something elsewhere': Object.fromEntries(
    [
      ...['$types', '$$types', 'types', 'a.b', '#x', ':y', 'a/b', 'a~b', '[0]', ' ', 'S', 'M', 'L', '0'],
      ...['constructor', 'toJSON', 'hasOwnProperty', 'size', 'x'.repeat(300), '\u0000', 'naïve 😀'],
    ].map((name) => [name, { M: { [name]: { S: name } } }]),
  ),
};

function nested(depth: number): AttributeValue {
  return depth === 0
    ? { S: 'deep' }
    : depth % 2 === 0
      ? { M: { a: nested(depth - 1) } }
      : { L: [nested(depth - 1)] };
}

let server: DynamoDBServer;
let direct: DynamoDBClient;
let mapping: LocalEventSourceMapping;
const redis = new Redis(inject('redisUrl'));
const clients: DynamoDBClient[] = [];

beforeAll(async () => {
  server = await startDynamoDB();
  direct = server.client();
  clients.push(direct);
  for (const TableName of [WITH_STREAM, WITHOUT_STREAM]) {
    await createTable(
      direct,
      TableName,
      { id: 'S' },
      TableName === WITH_STREAM ? 'NEW_AND_OLD_IMAGES' : undefined,
    );
  }
  mapping = new LocalEventSourceMapping({
    endpoint: server.endpoint,
    tableName: WITH_STREAM,
    timeoutInSeconds: 60,
    handler: NewStreamCacheHandler({ ...cacheOf('stream'), logger: SILENT }),
  });
  await mapping.start();
  for (const [id, item] of Object.entries(ITEMS)) await put(id, item);
  await mapping.drained();
});
afterAll(async () => {
  await mapping?.stop();
  for (const client of clients) client.destroy();
  redis.disconnect();
  await server?.stop();
});

describe.each(DIALECTS.map((dialect) => [dialect.name, dialect] as const))('Through %s', (_, dialect) => {
  const ids = Object.keys(ITEMS);

  test.each(ids)(
    '%s are answered as without a cache: on a miss, on a hit, and as the stream wrote them',
    async (id) => {
      const expected = await readAll(direct, dialect, id);
      const filled = cachedClient(`filled by ${dialect.name}`);
      deepStrictEqual(await readAll(filled, dialect, id), expected);
      await readAll(filled, dialect, id); // a scan is cached at its second request
      const hits: string[] = [];
      deepStrictEqual(await readAll(filled, dialect, id, { hits }), expected);
      expect(hits).toEqual(answered(expected));

      const fed = cachedClient('stream');
      const hitsFromStream: string[] = [];
      deepStrictEqual(await readAll(fed, dialect, id, { hits: hitsFromStream }), expected);
      // The first path into an attribute is DynamoDB's to take or to refuse.
      const byKey = answered(expected).filter((name) => /Item/.test(name) && !/^GetItem of some/.test(name));
      expect(hitsFromStream).toEqual(expect.arrayContaining(byKey));
    },
  );
});

test('Random items are answered as without a cache', { timeout: 120_000 }, async () => {
  const speakers = DIALECTS.filter(({ name }) => !/wrapped|own/.test(name)).map((dialect) => ({
    dialect,
    filled: cachedClient(`filled at random by ${dialect.name}`),
    fed: cachedClient('stream'),
  }));
  let count = 0;
  await fc.assert(
    fc.asyncProperty(itemArbitrary(), async (item) => {
      fc.pre(!JSON.stringify(item).includes('__proto__')); // the SDK cannot read such a record of a stream
      count += 1;
      const id = `random ${count}`;
      fc.pre(await isAccepted(put(id, item as Record<string, AttributeValue>)));
      await mapping.drained();
      for (const { dialect, filled, fed } of speakers) {
        const expected = await readAll(direct, dialect, id, { without: ['Scan'] });
        for (const client of [filled, filled, fed]) {
          deepStrictEqual(await readAll(client, dialect, id, { without: ['Scan'] }), expected);
        }
      }
    }),
    { numRuns: rounds(25, 150), endOnFailure: true }, // looking for a smaller one would take longer than the test may
  );

  const all = async (client: DynamoDBClient) =>
    setsInOrder((await client.send(new ScanCommand({ TableName: WITH_STREAM }))).Items);
  const expected = await all(direct);
  const cached = cachedClient('all at random');
  for (const client of [cached, cached, cached]) deepStrictEqual(await all(client), expected);
});

test.each(DIALECTS.map((dialect) => [dialect.name, dialect] as const))(
  'Attributes named __proto__ are answered as without a cache, through %s',
  async (_, dialect) => {
    const items: Record<string, AttributeValue>[] = [
      { ['__proto__']: { S: 'top' }, a: { S: 'a' } },
      { a: { M: { ['__proto__']: { M: { ['__proto__']: { S: 'nested' } } } } } },
    ];
    const cached = cachedClient(`__proto__ ${dialect.name}`);
    for (const [index, item] of items.entries()) {
      const id = `__proto__ ${index}`;
      await put(id, item, WITHOUT_STREAM);
      const expected = await readAll(direct, dialect, id, { tableName: WITHOUT_STREAM });
      for (const _ of ['a miss', 'a hit']) {
        const answers = await readAll(cached, dialect, id, { tableName: WITHOUT_STREAM });
        // Not strictly equal: a document client makes such an attribute its object's prototype.
        expect(inspect(answers, DEEPLY)).toBe(inspect(expected, DEEPLY));
      }
    }
  },
);

/** Every kind of read of one item: what was said of items, or the error. Notes which reads were hits. */
async function readAll(
  client: DynamoDBClient,
  { string, speaker }: Dialect,
  id: string,
  { hits = [], without = [], tableName: TableName = WITH_STREAM }: ReadAllOptions = {},
): Promise<Record<string, unknown>> {
  const say = speaker(client);
  const Key = { id: string(id) };
  const names = { '#a': 'a', '#b': 'b', '#x': '#x', '#dots': 'a.b' };
  const some = { ProjectionExpression: '#a, #b[0].c, #x, #dots', ExpressionAttributeNames: names };
  const condition = { ':id': string(id) };
  const reads: Record<string, () => Promise<object>> = {
    GetItem: () => say.getItem({ TableName, Key }),
    'GetItem of some attributes': () => say.getItem({ TableName, Key, ...some }),
    BatchGetItem: () => say.batchGetItem({ RequestItems: { [TableName]: { Keys: [Key] } } }),
    'BatchGetItem of some attributes': () =>
      say.batchGetItem({ RequestItems: { [TableName]: { Keys: [Key], ...some } } }),
    Query: () =>
      say.query({ TableName, KeyConditionExpression: 'id = :id', ExpressionAttributeValues: condition }),
    Scan: () => say.scan({ TableName, FilterExpression: 'id = :id', ExpressionAttributeValues: condition }),
  };
  const outcomes: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(reads)) {
    if (without.includes(name)) continue;
    try {
      const { Item, Items, Responses, CacheMetadata } = (await read()) as Answer;
      outcomes[name] = setsInOrder({ Item, Items, Responses });
      if (CacheMetadata?.CacheHit || CacheMetadata?.CacheHitCount === 1) hits.push(name);
    } catch (error) {
      // Attributes have no order: which of several that cannot be translated is named is nobody's promise.
      outcomes[name] = error instanceof DynamoDBServiceException ? String(error) : 'cannot be translated';
    }
  }
  return outcomes;
}

/** The same with the members of all sets sorted: they have no order, and are stored in one of their own. */
function setsInOrder<T>(answer: T): T {
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return answer;
  for (const [name, value] of Object.entries(answer)) {
    if (Array.isArray(value) && ['SS', 'NS', 'BS'].includes(name))
      value.sort((a, b) => (text(a) < text(b) ? -1 : 1));
    else setsInOrder(value);
  }
  return answer;
}

function text(member: string | Uint8Array): string {
  return typeof member === 'string' ? member : Buffer.from(member).toString('hex');
}

interface ReadAllOptions {
  readonly hits?: string[];
  readonly without?: readonly string[];
  readonly tableName?: string;
}

interface Answer {
  readonly Item?: object;
  readonly Items?: object[];
  readonly Responses?: object;
  readonly CacheMetadata?: { CacheHit?: boolean; CacheHitCount?: number };
}

/** The reads that were answered: a document client may fail to translate what DynamoDB says. */
function answered(outcomes: Record<string, unknown>): string[] {
  return Object.keys(outcomes).filter((name) => typeof outcomes[name] === 'object');
}

/** A client of an application that has nothing of the others but the cache of this name. */
function cachedClient(cacheName: string): DynamoDBClient {
  const client = server.client();
  client.middlewareStack.use(NewCachingMiddleware({ ...cacheOf(cacheName), readTimeoutMs: 5_000 }));
  clients.push(client);
  return client;
}

/** Nothing is late here: DynamoDB Local rounds the time of a record down to the minute. */
function cacheOf(name: string) {
  return { cache: redis, namespace: `${namespace} ${name}`, lateAfterSeconds: 600, guardSeconds: 900 };
}

function put(id: string, item: Record<string, AttributeValue>, TableName = WITH_STREAM) {
  return direct.send(new PutItemCommand({ TableName, Item: { ...item, id: { S: id } } }));
}

/** Arbitrary items have what DynamoDB refuses, too: empty names and sets, numbers out of its range. */
async function isAccepted(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch {
    return false;
  }
}

import { randomBytes } from 'node:crypto';
import {
  BatchWriteItemCommand,
  DynamoDB,
  DynamoDBClient,
  type DynamoDBClientConfig,
  paginateQuery,
  paginateScan,
  type QueryCommandInput,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocument,
  DynamoDBDocumentClient,
  paginateQuery as paginateDocumentQuery,
  paginateScan as paginateDocumentScan,
} from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { NewCachingMiddleware } from '../../src/index.js';
import { type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { createOrders } from './orders.js';

const TableName = 'pagination';
const namespace = `pagination${randomBytes(6).toString('hex')}`;
/** A scan is stored at its second request and answered from the cache from the third on. */
const TIMES = ['first', 'second', 'third'];

let server: DynamoDBServer;
let direct: DynamoDB;
const redis = new Redis(inject('redisUrl'));
const clients: DynamoDBClient[] = [];

beforeAll(async () => {
  server = await startDynamoDB();
  direct = newClient(DynamoDB);
  await createOrders(direct, TableName);
  for (const customerId of ['ada', 'bob']) {
    const orders = Array.from({ length: 25 }, (_, number) => ({
      customerId,
      orderId: String(number).padStart(3, '0'),
      status: number % 3 === 0 ? 'open' : 'paid',
      price: number * 10,
    }));
    const requests = orders.map((order) => ({ PutRequest: { Item: marshall(order) } }));
    await direct.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
  }
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  redis.disconnect();
  await server?.stop();
});

type Input = Omit<QueryCommandInput & ScanCommandInput, 'TableName' | 'Select'> & { Select?: 'COUNT' };

const OF_ADA = { KeyConditionExpression: 'customerId = :customer', values: { ':customer': 'ada' } };
const OPEN = {
  IndexName: 'byStatus',
  KeyConditionExpression: '#s = :status',
  ExpressionAttributeNames: { '#s': 'status' },
  values: { ':status': 'open' },
};

/** Requests, with their values as a document client takes them. */
const QUERIES: Record<string, Input & { values: Record<string, unknown> }> = {
  'a partition': OF_ADA,
  'a partition backwards': { ...OF_ADA, ScanIndexForward: false },
  'an index': OPEN,
  'an index backwards': { ...OPEN, ScanIndexForward: false },
  'a count': { ...OF_ADA, Select: 'COUNT' },
  'a filter that leaves pages empty': {
    ...OF_ADA,
    FilterExpression: 'price > :price',
    values: { ...OF_ADA.values, ':price': 200 },
  },
  'some attributes': { ...OF_ADA, ProjectionExpression: 'orderId' },
};
const SCANS: Record<string, Input & { values?: Record<string, unknown> }> = {
  'a table': {},
  'an index': { IndexName: 'byStatus' },
  'a filter': { FilterExpression: 'price < :price', values: { ':price': 40 } },
  'a filtered count': { FilterExpression: 'price < :price', values: { ':price': 40 }, Select: 'COUNT' },
  'one of two segments': { Segment: 1, TotalSegments: 2 },
};
const REQUESTS = [
  ...Object.entries(QUERIES).map(([name, request]) => [`A query of ${name}`, 'query', request] as const),
  ...Object.entries(SCANS).map(([name, request]) => [`A scan of ${name}`, 'scan', request] as const),
];

describe.each(REQUESTS)('%s', (_, operation, { values, ...request }) => {
  const native = { ...request, ...(values && { ExpressionAttributeValues: marshall(values) }) };
  const document = { ...request, ...(values && { ExpressionAttributeValues: values }) };

  test.each([
    ['DynamoDBClient', false],
    ['DynamoDBDocumentClient', true],
  ])('has the same pages with %s', async (_, isDocument) => {
    const pages = async (client: DynamoDBClient) => {
      const input = { TableName, ...(isDocument ? document : native) } as never;
      const config = { client: isDocument ? DynamoDBDocumentClient.from(client) : client, pageSize: 7 };
      return all(paginator(operation, isDocument)(config, input));
    };
    const expected = await pages(direct);
    expect(expected.said.length).toBeGreaterThan(1);
    const cached = cachedClient(DynamoDBClient);
    for (const time of TIMES) expect((await pages(cached)).said, time).toStrictEqual(expected.said);
    expect((await pages(cached)).hits).toBe(expected.said.length);
  });

  test.each([
    ['DynamoDB', (client: DynamoDB) => client, native],
    ['DynamoDBDocument', (client: DynamoDB) => DynamoDBDocument.from(client), document],
  ] as const)('has the same pages with the methods of %s', async (_, from, form) => {
    const pages = (client: DynamoDB) =>
      all(byHand(from(client) as never, operation, { TableName, ...form, Limit: 6 }));
    const expected = await pages(direct);
    expect(expected.said.length).toBeGreaterThan(1);
    const cached = cachedClient(DynamoDB);
    for (const time of TIMES) expect((await pages(cached)).said, time).toStrictEqual(expected.said);
    expect((await pages(cached)).hits).toBe(expected.said.length);
  });
});

test('The methods of the aggregated classes read and write items as without a cache', async () => {
  const cached = cachedClient(DynamoDB);
  const documents = DynamoDBDocument.from(cached);
  const Key = { customerId: 'cyd', orderId: '1' };
  expect((await documents.get({ TableName, Key })).Item).toBeUndefined();
  await documents.put({ TableName, Item: { ...Key, price: 1 } });
  expect((await cached.getItem({ TableName, Key: marshall(Key) })).Item).toStrictEqual(
    marshall({ ...Key, price: 1 }),
  );
  expect((await documents.get({ TableName, Key })).Item).toStrictEqual({ ...Key, price: 1 });
  const batch = { RequestItems: { [TableName]: { Keys: [Key] } } };
  expect((await documents.batchGet(batch)).Responses).toStrictEqual({ [TableName]: [{ ...Key, price: 1 }] });
  await documents.delete({ TableName, Key });
  expect((await documents.get({ TableName, Key })).Item).toBeUndefined();
  expect((await direct.getItem({ TableName, Key: marshall(Key) })).Item).toBeUndefined();
});

type Page = { CacheMetadata?: { CacheHit?: boolean } } & Record<string, unknown>;
type Pages = AsyncIterable<object>;
type PagingConfig = { client: DynamoDBClient | DynamoDBDocumentClient; pageSize: number };

function paginator(operation: 'query' | 'scan', isDocument: boolean) {
  const paginators = isDocument
    ? { query: paginateDocumentQuery, scan: paginateDocumentScan }
    : { query: paginateQuery, scan: paginateScan };
  return paginators[operation] as (config: PagingConfig, input: never) => Pages;
}

/** Page after page, each beginning where the one before it ended. */
async function* byHand(
  client: Record<'query' | 'scan', (input: object) => Promise<Page>>,
  operation: 'query' | 'scan',
  input: object,
): Pages {
  let page: Page | undefined;
  do {
    const start = page && { ExclusiveStartKey: page.LastEvaluatedKey };
    page = await client[operation]({ ...input, ...start });
    yield page;
  } while (page.LastEvaluatedKey);
}

/** What was said on all pages, without what differs from request to request, and how many came from the cache. */
async function all(pages: Pages): Promise<{ said: object[]; hits: number }> {
  const said: object[] = [];
  let hits = 0;
  for await (const page of pages) {
    const { $metadata, CacheMetadata, ...rest } = page as Page;
    said.push(rest);
    if (CacheMetadata?.CacheHit) hits += 1;
  }
  return { said, hits };
}

function newClient<T extends DynamoDBClient>(Client: new (config: DynamoDBClientConfig) => T): T {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new Client({ endpoint: server.endpoint, region: 'us-east-1', credentials });
  clients.push(client);
  return client;
}

/** A client of an application that has the cache for itself. */
function cachedClient<T extends DynamoDBClient>(Client: new (config: DynamoDBClientConfig) => T): T {
  const client = newClient(Client);
  client.middlewareStack.use(
    NewCachingMiddleware({
      cache: redis,
      namespace: `${namespace} ${clients.length}`,
      readTimeoutMs: 5_000,
    }),
  );
  return client;
}

import diagnostics from 'node:diagnostics_channel';
import {
  type DynamoDB,
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test, vi } from 'vitest';
import { type Adopt, newAdopt } from '../../src/adopt/adopt.js';
import { ConfigError } from '../../src/errors.js';
import { NewCachingMiddleware } from '../../src/index.js';
import { REPORT_CHANNEL, type Report } from '../../src/report.js';
import { afterwards } from '../support/afterwards.js';
import { newTableStub, type TableStub } from '../support/table.js';

type Auto = { STREAM_CACHE_AUTO?: string; STREAM_CACHE_URL?: string };

/** A copy of the SDK of its own, and a table with user 1. */
function newCopy({ STREAM_CACHE_AUTO = 'on', STREAM_CACHE_URL = 'memory:' }: Auto = {}) {
  vi.stubEnv('STREAM_CACHE_AUTO', STREAM_CACHE_AUTO);
  vi.stubEnv('STREAM_CACHE_URL', STREAM_CACHE_URL);
  vi.stubEnv('STREAM_CACHE_READ_TIMEOUT_MS', '5000'); // the machine may be busy
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  afterwards(vi, () => vi.unstubAllEnvs());
  const reports: Report[] = [];
  const listen = (report: unknown) => reports.push(report as Report);
  diagnostics.subscribe(REPORT_CHANNEL, listen);
  afterwards(listen, () => diagnostics.unsubscribe(REPORT_CHANNEL, listen));
  const table = newTableStub();
  table.put({ id: { S: '1' } });
  class Client extends DynamoDBClient {}
  class DocumentClient extends DynamoDBDocumentClient {}
  return {
    ...{ table, reports, Client, DocumentClient },
    said: (type: Report['type']) => reports.filter((report) => report.type === type),
    client: () => new Client(table.clientConfig()),
    /** What `from` would make, which is of the class of all copies. */
    documentsOf: (client: DynamoDBClient): DynamoDBDocumentClient =>
      Reflect.construct(DocumentClient, [client]),
  };
}
type Copy = ReturnType<typeof newCopy>;

function adopted(auto?: Auto): Copy {
  const copy = newCopy(auto);
  newAdopt({})({ DynamoDBClient: copy.Client, DynamoDBDocumentClient: copy.DocumentClient });
  return copy;
}

const USER = { TableName: 'users', Key: { id: { S: '1' } } };
const readUser = (client: DynamoDBClient) => client.send(new GetItemCommand(USER));
const reads = (table: TableStub) => table.requests('GetItem').length;

describe('clients that nobody gave the middleware', () => {
  test('share one, whatever they are made of, and it is said once', async () => {
    const { table, said, client, Client, documentsOf } = adopted();
    class Special extends Client {}
    await readUser(client());
    await vi.waitFor(() => expect(said('fill')).toHaveLength(1));
    await readUser(client());
    await readUser(new Special(table.clientConfig()));
    const documents = documentsOf(client());
    const asDocument = new GetCommand({ TableName: 'users', Key: { id: '1' } });
    const { Item } = await documents.send(asDocument);
    expect(Item).toEqual({ id: '1' });
    expect(reads(table)).toBe(1);
    expect(said('attached')).toEqual([{ type: 'attached', tableNames: undefined }]);
  });

  test('have it once, though a document client shares the stack of its client', async () => {
    const { client, documentsOf } = adopted();
    const plain = client();
    const documents = documentsOf(plain);
    await documents.send(new GetCommand({ TableName: 'users', Key: { id: '1' } }));
    await readUser(plain);
    const ours = plain.middlewareStack.identify().filter((name) => name.startsWith('dynamodbStreamCache '));
    expect(ours).toHaveLength(1);
  });

  test('are told by a callback as by a promise', async () => {
    const { client } = adopted();
    const told = await new Promise<GetItemCommandOutput | undefined>((resolve, reject) => {
      client().send(new GetItemCommand(USER), (error, output) => (error ? reject(error) : resolve(output)));
    });
    expect(told?.Item).toEqual({ id: { S: '1' } });
  });

  test('who have one of their own keep it', async () => {
    const { table, client } = adopted();
    const own = client();
    own.middlewareStack.use(NewCachingMiddleware({ cache: 'memory:' }));
    await readUser(own);
    await readUser(client());
    expect(reads(table)).toBe(2);
    await readUser(own);
    expect(reads(table)).toBe(2);
  });

  test('who are given one of their own later have that from then on', async () => {
    const { table, client } = adopted();
    const own = client();
    await readUser(own);
    own.middlewareStack.use(NewCachingMiddleware({ cache: 'memory:' }));
    await readUser(own);
    await readUser(own);
    expect(reads(table)).toBe(2);
    expect(() => own.middlewareStack.use(NewCachingMiddleware({ cache: 'memory:' }))).toThrow(ConfigError);
  });

  test('are of a class that is adopted once, by however many', async () => {
    const copy = newCopy();
    const adopt: Adopt = newAdopt({});
    adopt({ DynamoDBClient: copy.Client });
    const { send } = copy.Client.prototype;
    adopt({ DynamoDBClient: copy.Client });
    newAdopt({})({ DynamoDBClient: copy.Client });
    expect(copy.Client.prototype.send).toBe(send);
  });
});

describe('what others do to send', () => {
  test('a stub takes its place, and gives it back', async () => {
    const { table, client, Client } = adopted();
    const stub = vi.spyOn(Client.prototype, 'send').mockImplementation(async () => 'stubbed');
    expect(await readUser(client())).toBe('stubbed');
    stub.mockRestore();
    await readUser(client());
    await readUser(client());
    expect(reads(table)).toBe(1);
  });

  test('what traces the calls of all clients is passed, whenever it came', async () => {
    const { client } = adopted();
    const clientOfAll = Object.getPrototypeOf(DynamoDBClient.prototype) as DynamoDB;
    const trace = vi.spyOn(clientOfAll, 'send');
    const { Item } = await readUser(client());
    expect(Item).toEqual({ id: { S: '1' } });
    expect(trace).toHaveBeenCalledTimes(1);
  });
});

describe('a client whose stack takes no middleware', () => {
  const rude = (client: DynamoDBClient) => {
    vi.spyOn(client.middlewareStack, 'addRelativeTo').mockImplementation(() => {
      throw new Error('no more');
    });
    return client;
  };

  test('is answered all the same', async () => {
    const { client } = adopted();
    expect((await readUser(rude(client()))).Item).toEqual({ id: { S: '1' } });
  });

  test('fails where the middleware is required, before it sends anything', async () => {
    const { table, client } = adopted({ STREAM_CACHE_AUTO: 'required' });
    await expect(async () => readUser(rude(client()))).rejects.toThrow('no more');
    expect(reads(table)).toBe(0);
  });
});

describe('the environment', () => {
  test('without a cache reads go on, and required ones do not begin', async () => {
    const { table, client, reports } = adopted({ STREAM_CACHE_URL: '' });
    await readUser(client());
    await readUser(client());
    expect(reads(table)).toBe(2);
    expect(reports).toEqual([]);
    expect(() => adopted({ STREAM_CACHE_URL: '', STREAM_CACHE_AUTO: 'required' })).toThrow(
      /^Option cache is missing/,
    );
  });

  test.each([
    [
      'momento:shop',
      /^STREAM_CACHE_URL asks for Momento.* give cachingClients\(\) the option momento: true\.$/,
    ],
    ['rediss://cache.test?iam=shop', /^STREAM_CACHE_URL asks for IAM.* install @smithy\/signature-v4 where/],
    ['rediss://cache.test?cluste', /STREAM_CACHE_URL|cache/],
  ])('that says %s is refused when the SDK is loaded', (STREAM_CACHE_URL, message) => {
    const copy = newCopy({ STREAM_CACHE_URL });
    const adopt = newAdopt({});
    expect(() => adopt({ DynamoDBClient: copy.Client })).toThrow(message);
    expect(() => adopt({ DynamoDBClient: copy.Client })).toThrow(ConfigError);
  });

  test('says on, off or required', () => {
    expect(() => adopted({ STREAM_CACHE_AUTO: 'yes' })).toThrow(
      'Environment variable STREAM_CACHE_AUTO is wrong: expected on, off or required, not "yes".',
    );
    const { Client } = adopted({ STREAM_CACHE_AUTO: 'off' });
    expect(Object.hasOwn(Client.prototype, 'send')).toBe(false);
  });
});

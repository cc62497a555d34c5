import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import type { LeftAloneReport } from '../../src/report.js';
import { getUser, nameIn, newPair, type Pair, silent, user } from './rig.js';

let pair: Pair;
beforeEach(() => {
  pair = newPair();
});

const read = (client = pair.client) => getUser(client, '1').then(nameIn);
const ofLeftAlone = () =>
  pair.reports.flatMap((report) =>
    report.type === 'left-alone' ? [(report as LeftAloneReport).reason] : [],
  );

/** What an application's own decryption does to an answer, in either form of items. */
const decrypting = (next: (args: unknown) => Promise<{ output: object }>) => async (args: unknown) => {
  const result = await next(args);
  return { ...result, output: JSON.parse(JSON.stringify(result.output).replace('cipher', 'clear')) };
};

describe("an application's middleware behind the caching one, which decrypts answers,", () => {
  test.each([
    ['deserialize, early', { step: 'deserialize', priority: 'high' }],
    ['build', { step: 'build' }],
    ['finalizeRequest', { step: 'finalizeRequest' }],
    ['serialize', { step: 'serialize' }],
    ['initialize, last', { step: 'initialize', priority: 'low' }],
  ])('sees hits as it sees misses, and nothing of it is stored: %s', async (_where, place) => {
    pair.client.middlewareStack.add(decrypting as never, place as never);
    await pair.deliver(pair.table.put(user('1', 'cipher by the stream')));
    expect(await read()).toBe('clear by the stream');
    pair.table.put(user('2', 'cipher by a reader'));
    for (const _ of ['miss', 'hit'])
      expect(nameIn(await getUser(pair.client, '2'))).toBe('clear by a reader');
    expect(pair.table.log).toHaveLength(1);
    expect(pair.count('hit')).toBe(2);
    const other = pair.table.client();
    other.middlewareStack.use(NewCachingMiddleware(pair.options));
    expect(nameIn(await getUser(other, '2'))).toBe('cipher by a reader');
  });

  test('sees hits of a document client too', async () => {
    pair.client.middlewareStack.add(decrypting as never, { step: 'deserialize', priority: 'high' });
    pair.table.put(user('1', 'cipher'));
    const document = DynamoDBDocumentClient.from(pair.client);
    for (const _ of ['miss', 'hit']) {
      const { Item } = await document.send(new GetCommand({ TableName: 'users', Key: { id: '1' } }));
      expect(Item).toEqual({ id: '1', name: 'clear' });
    }
    expect(pair.count('hit')).toBe(1);
  });

  test('where no hit would pass it, leaves its client to DynamoDB, and says so once', async () => {
    pair.client.middlewareStack.add((next) => next, { step: 'deserialize', priority: 'low' });
    pair.table.put(user('1', 'Ada'));
    for (const _ of [1, 2]) expect(await read()).toBe('Ada');
    expect(pair.cache.calls).toEqual([]);
    expect(ofLeftAlone()).toEqual(['inner-middleware']);
  });
});

test('A request that a middleware behind the caching one changes is neither answered nor stored', async () => {
  pair.client.middlewareStack.add(
    ((next: (args: object) => unknown) => (args: { input: object }) =>
      next({ ...args, input: { ...args.input, TableName: 'users' } })) as never,
    { step: 'serialize', priority: 'high' },
  );
  await pair.deliver(pair.table.put(user('1', 'of users')));
  const get = () => pair.client.send(new GetItemCommand({ TableName: 'staff', Key: { id: { S: '1' } } }));
  for (const _ of [1, 2]) expect(nameIn(await get())).toBe('of users');
  expect(pair.table.requests('GetItem')).toMatchObject([{ TableName: 'users' }, { TableName: 'users' }]);
  expect(pair.cache.calls.filter(([method]) => method === 'fill')).toEqual([]);
  expect(ofLeftAlone()).toEqual(['changed-request']);
});

describe('Calls go through whatever the objects of the application are', () => {
  const throwing = new Proxy(
    {},
    {
      get() {
        throw new TypeError('No member of this object can be read.');
      },
    },
  );

  test.each([
    ['a module as logger', Object.assign(Object.create(null), silent)],
    ['a logger without a constructor', Object.assign({ constructor: undefined }, silent)],
  ])('%s', async (_name, logger) => {
    pair.client.config.logger = logger as never;
    pair.table.put(user('1', 'Ada'));
    for (const _ of ['miss', 'hit']) expect(await read()).toBe('Ada');
    expect(pair.count('hit')).toBe(1);
  });

  test.each([
    ['throws', () => raise()],
    ['fails later', async () => raise()],
  ])('a logger or listener that %s', async (_name, fail) => {
    const logger = { debug: fail, info: fail, warn: fail, error: fail };
    const failing = newPair({ logger, onReport: fail });
    failing.cache.failWhen(() => true); // so that there is something to say
    failing.table.put(user('1', 'Ada'));
    for (const _ of [1, 2, 3, 4]) expect(nameIn(await failing.get('1'))).toBe('Ada');
  });

  test.each<[string, unknown]>([
    ['a key that throws', { TableName: 'users', Key: throwing }],
    ['an input that throws', throwing],
    ['no input at all', null],
    ['a key that holds itself', { TableName: 'users', Key: within() }],
  ])('%s fails as it does without a cache', async (_name, input) => {
    const ask = (client: Pair['client']) => {
      const command = new GetItemCommand({ TableName: 'users', Key: {} });
      (command as { input: unknown }).input = input;
      return client.send(command).catch((error: Error) => error.constructor.name);
    };
    expect(await ask(pair.client)).toEqual(await ask(pair.table.client()));
    expect(pair.cache.calls).toEqual([]);
  });
});

function raise(): never {
  throw new Error('of the application');
}

/** An object that is its own member. */
function within(): object {
  const key: Record<string, unknown> = {};
  key.id = key;
  return key;
}

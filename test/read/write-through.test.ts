import {
  type AttributeValue,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { StreamCacheConfig } from '../../src/options.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { FAILURES } from '../support/table.js';
import { getUser, nameIn, newPair, type Pair, user } from './rig.js';

const Key = { id: { S: '1' } };
const Item = user('1', 'new');
const DECLARED = { users: { partitionKey: 'id', sortKey: null } } as const;

type Write = (client: DynamoDBClient) => Promise<unknown>;

const put: Write = (client) => client.send(new PutItemCommand({ TableName: 'users', Item }));
const update =
  (more: { ReturnValues?: 'ALL_NEW' | 'UPDATED_NEW' }): Write =>
  (client) =>
    client.send(
      new UpdateItemCommand({
        TableName: 'users',
        Key,
        UpdateExpression: 'SET #name = :name',
        ExpressionAttributeNames: { '#name': 'name' },
        ExpressionAttributeValues: { ':name': { S: 'new' } },
        ...more,
      }),
    );

/** Every write after which the item is known. */
const KNOWN: [name: string, operation: string, Write][] = [
  ['PutItem', 'PutItem', put],
  ['UpdateItem that asks for ALL_NEW', 'UpdateItem', update({ ReturnValues: 'ALL_NEW' })],
  [
    'a put of BatchWriteItem',
    'BatchWriteItem',
    (client) =>
      client.send(new BatchWriteItemCommand({ RequestItems: { users: [{ PutRequest: { Item } }] } })),
  ],
  [
    'a put of TransactWriteItems',
    'TransactWriteItems',
    (client) =>
      client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName: 'users', Item } }] })),
  ],
  [
    "a document client's put",
    'PutItem',
    (client) =>
      DynamoDBDocumentClient.from(client).send(
        new PutCommand({ TableName: 'users', Item: { id: '1', name: 'new' } }),
      ),
  ],
  [
    "a document client's update that asks for ALL_NEW",
    'UpdateItem',
    (client) =>
      DynamoDBDocumentClient.from(client).send(
        new UpdateCommand({
          TableName: 'users',
          Key: { id: '1' },
          UpdateExpression: 'SET #name = :name',
          ExpressionAttributeNames: { '#name': 'name' },
          ExpressionAttributeValues: { ':name': 'new' },
          ReturnValues: 'ALL_NEW',
        }),
      ),
  ],
];

function through(config: StreamCacheConfig = {}, maxAttempts = 1): Pair {
  return newPair({ writeThrough: true, tables: DECLARED, ...config }, maxAttempts);
}

/** Another process on the same cache. */
function another(pair: Pair, config: StreamCacheConfig = {}): DynamoDBClient {
  const client = pair.table.client();
  client.middlewareStack.use(NewCachingMiddleware({ ...pair.options, ...config }));
  return client;
}

const reads = ({ table }: Pair) =>
  table.log.filter(({ operation }) => ['GetItem', 'Query'].includes(operation)).length;
const asked = ({ cache }: Pair) => cache.calls.map(([method]) => method);

let pair: Pair;
beforeEach(() => {
  pair = through();
});

describe.each(KNOWN)('%s', (_name, operation, write) => {
  test('stores what it wrote: the next read, of any process, is a hit', async () => {
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    await write(pair.client);
    expect(nameIn(await pair.get('1'))).toBe('new');
    expect(nameIn(await getUser(another(pair), '1'))).toBe('new');
    expect(reads(pair)).toBe(1);
    expect(pair.outcomes('fill')).toEqual(['filled', 'filled']);
    expect(pair.outcomes('void')).toEqual(['voided']);
  });

  test('leaves its record nothing to do, however often that comes', async () => {
    await write(pair.client);
    for (const _ of [1, 2]) await pair.deliver(...pair.table.changes);
    expect(pair.outcomes('record')).toEqual(['same', 'stale']);
    expect(nameIn(await pair.get('1'))).toBe('new');
    expect(reads(pair)).toBe(0);
  });

  test('lets who misses meanwhile wait for it instead of reading the table', async () => {
    pair = through({ leaseMs: 10_000, readTimeoutMs: 10_000 });
    pair.table.put(user('1', 'old'));
    const held = pair.table.hold(operation, 'before');
    const written = write(pair.client);
    await held.reached;
    const waiting = getUser(another(pair), '1');
    await until(() => asked(pair).includes('begin'));
    held.release();
    await written;
    expect(nameIn(await waiting)).toBe('new');
    expect(reads(pair)).toBe(0);
  });

  test.each(['internal', 'timeout', 'socket'] as const)(
    'is not stored when nobody knows whether it was carried out (%s)',
    async (failure) => {
      pair.table.put(user('1', 'old'));
      pair.table.fail(FAILURES[failure]);
      await expect(write(pair.client)).rejects.toThrow();
      expect(pair.outcomes('fill')).toEqual([]);
      expect(pair.outcomes('void')).toEqual(['voided']);
      expect(nameIn(await pair.get('1'))).toBe('old');
    },
  );

  test('that is refused is not stored, and keeps nobody waiting', async () => {
    pair = through({ leaseMs: 10_000, readTimeoutMs: 10_000 });
    pair.table.put(user('1', 'old'));
    pair.table.fail(FAILURES.conditionFailed);
    await expect(write(pair.client)).rejects.toThrow();
    const start = performance.now();
    expect(nameIn(await getUser(another(pair), '1'))).toBe('old');
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(asked(pair)).not.toContain('void');
  });

  test('is not stored when somebody read the item meanwhile, and what that one stored is voided', async () => {
    pair = through({ leaseMs: 0 });
    pair.table.put(user('1', 'old'));
    const held = pair.table.hold(operation, 'before');
    const written = write(pair.client);
    await held.reached;
    expect(nameIn(await getUser(another(pair), '1'))).toBe('old');
    held.release();
    await written;
    expect(pair.outcomes('fill')).toEqual(['filled', 'occupied']);
    expect(nameIn(await getUser(another(pair), '1'))).toBe('new');
  });

  test('is not stored when somebody else claimed the item meanwhile', async () => {
    const held = pair.table.hold(operation, 'after');
    const slowly = write(pair.client);
    await held.reached;
    const other = another(pair);
    await other.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'newer') }));
    held.release();
    await slowly;
    expect(pair.outcomes('fill')).toEqual(['filled', 'occupied']);
    expect(nameIn(await pair.get('1'))).toBe('newer');
    expect(reads(pair)).toBe(1);
  });

  test('is not stored when its record was there first', async () => {
    const held = pair.table.hold(operation, 'after');
    const slowly = write(pair.client);
    await held.reached;
    await pair.deliver(...pair.table.changes);
    held.release();
    await slowly;
    expect(pair.outcomes('record')).toEqual(['overlapping']);
    expect(pair.outcomes('fill')).toEqual(['moved']);
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('is voided afterwards when the cache does not confirm the claim', async () => {
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    pair.cache.failWhen((_key, method) => method === 'claim');
    await write(pair.client);
    expect(pair.outcomes('void')).toEqual(['voided']);
    expect(nameIn(await getUser(another(pair), '1'))).toBe('new');
    expect(reads(pair)).toBe(2);
  });

  test('that the cache does not confirm to have stored is read only once it has been voided', async () => {
    pair.cache.failWhen((_key, method) => method === 'fill');
    await write(pair.client);
    pair.cache.failWhen(() => false);
    expect(pair.outcomes('void')).toEqual(['failed']);
    expect(nameIn(await pair.get('1'))).toBe('new');
    expect(asked(pair)).toContain('void');
    expect(reads(pair)).toBe(1);
  });

  test('waits for a cache that is silent no longer than its budget, before and after, and is not read from it', async () => {
    pair = through({ readTimeoutMs: 20 });
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    pair.cache.hang();
    const start = performance.now();
    await write(pair.client);
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(pair.outcomes('void')).toEqual(['failed']);
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('moves the tags of queries', async () => {
    pair.table.put(user('1', 'old'));
    const query = () =>
      pair.client.send(
        new QueryCommand({
          TableName: 'users',
          KeyConditionExpression: 'id = :id',
          ExpressionAttributeValues: { ':id': { S: '1' } },
        }),
      );
    await query();
    await write(pair.client);
    expect((await query()).Items).toEqual([Item]);
  });

  test('of a table that is not written through is voided once', async () => {
    pair = newPair({ tables: DECLARED });
    await write(pair.client);
    expect(
      asked(pair)
        .filter((method) => method !== 'get')
        .sort(),
    ).toEqual(['move', 'void']);
  });
});

describe('what is not known is voided', () => {
  const OTHERS: [name: string, Write][] = [
    ['an UpdateItem that asks for nothing', update({})],
    ['an UpdateItem that asks for a part', update({ ReturnValues: 'UPDATED_NEW' })],
    ['a DeleteItem', (client) => client.send(new DeleteItemCommand({ TableName: 'users', Key }))],
    [
      'a transaction with a token, which may be the repetition of an earlier one',
      (client) =>
        client.send(
          new TransactWriteItemsCommand({
            TransactItems: [{ Put: { TableName: 'users', Item } }],
            ClientRequestToken: 'token',
          }),
        ),
    ],
  ];

  test.each(OTHERS)('%s', async (_name, write) => {
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    await write(pair.client);
    expect(asked(pair)).not.toContain('claim');
    expect(pair.outcomes('fill')).toEqual(['filled']);
    expect(pair.outcomes('void')).toEqual(['voided']);
    expect(nameIn(await pair.get('1'))).not.toBe('old');
  });

  const ITEMS: [name: string, more: Record<string, AttributeValue>][] = [
    ['a number that DynamoDB spells in another way', { n: { N: '1.50' } }],
    ['one in a map in a list', { l: { L: [{ M: { n: { N: '1e2' } } }] } }],
    ['one in a set', { n: { NS: ['1', '02'] } }],
    ['a number so small that its spelling is not documented', { n: { N: '0.0000001' } }],
    ['a lone surrogate', { s: { S: '\ud800' } }],
    ['a lone surrogate in a name', { '\ud800': { S: '' } }],
    ['a value that cannot be stored', { s: { SS: ['twice', 'twice'] } }],
  ];

  test.each(ITEMS)('a put of an item with %s', async (_name, more) => {
    pair.table.put(user('1', 'old'));
    await pair.get('1');
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item: { ...Item, ...more } }));
    expect(pair.outcomes('fill')).toEqual(['filled']);
    expect(pair.outcomes('void')).toEqual(['voided']);
    expect(nameIn(await pair.get('1'))).toBe('new');
    expect(reads(pair)).toBe(2);
  });

  test('an item that is over its time', async () => {
    pair = through({ ttlAttribute: 'expires' });
    const over = { ...Item, expires: { N: String(pair.clock.now() / 1000 - 1) } };
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item: over }));
    expect(pair.outcomes('fill')).toEqual(['expired']);
    expect(pair.outcomes('void')).toEqual(['voided']);
  });

  test('an item that is put twice by one request: nobody knows which was last', async () => {
    pair = through({ tables: { users: { partitionKey: 'n', sortKey: null } } });
    pair.table.remake('users', ['n']);
    const puts = ['1', '1.0'].map((N, index) => ({
      PutRequest: { Item: { n: { N }, name: { S: String(index) } } },
    }));
    await pair.client.send(new BatchWriteItemCommand({ RequestItems: { users: puts } }));
    expect(pair.outcomes('fill')).toEqual([]);
    expect(pair.outcomes('void')).toEqual(['voided']);
  });

  test('what DynamoDB did not process of a batch is neither stored nor voided again, and keeps nobody waiting', async () => {
    pair = through({ leaseMs: 10_000, readTimeoutMs: 10_000 });
    pair.table.put(user('2', 'old'));
    pair.table.leaveUnprocessed((item) => item.id !== undefined && 'S' in item.id && item.id.S === '2');
    const puts = ['1', '2'].map((id) => ({ PutRequest: { Item: user(id, 'new') } }));
    await pair.client.send(new BatchWriteItemCommand({ RequestItems: { users: puts } }));
    expect(pair.outcomes('fill')).toEqual(['filled']);
    const start = performance.now();
    expect(nameIn(await getUser(another(pair), '2'))).toBe('old');
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(nameIn(await getUser(another(pair), '1'))).toBe('new');
    expect(reads(pair)).toBe(1);
  });

  test('a write that somebody has sent again after it was answered: what was claimed afterwards is not stored', async () => {
    pair.client.middlewareStack.add(
      (next) => async (args) => {
        await next(args);
        return next(args);
      },
      { name: 'again', step: 'finalizeRequest' },
    );
    await put(pair.client);
    expect(asked(pair).filter((method) => method === 'claim')).toHaveLength(1);
    expect(pair.outcomes('void').at(-1)).toBe('voided');
    expect(nameIn(await pair.get('1'))).toBe('new');
  });
});

describe('what is stored', () => {
  test('is the item as DynamoDB has it, of every type and whatever the order', async () => {
    const all: Record<string, AttributeValue> = {
      ...Item,
      n: { N: '-1.5' },
      b: { B: new Uint8Array([1, 2]) },
      ss: { SS: ['b', 'a'] },
      ns: { NS: ['10', '9'] },
      bs: { BS: [new Uint8Array([2]), new Uint8Array([1])] },
      m: { M: { z: { BOOL: true }, a: { NULL: true } } },
      l: { L: [{ S: '😀' }] },
    };
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item: all }));
    await pair.deliver(...pair.table.changes);
    expect(pair.outcomes('record')).toEqual(['same']);
    expect((await pair.get('1')).Item).toEqual({
      ...all,
      ss: { SS: ['a', 'b'] },
      bs: { BS: [new Uint8Array([1]), new Uint8Array([2])] },
    });
    expect(reads(pair)).toBe(0);
  });

  test('is what was sent, whatever the caller makes of the object meanwhile', async () => {
    const input = { TableName: 'users', Item: { ...Item } };
    const held = pair.table.hold('PutItem', 'before');
    const written = pair.client.send(new PutItemCommand(input));
    input.Item.name = { S: 'changed' };
    await held.reached;
    input.Item.name = { S: 'changed again' };
    held.release();
    await written;
    expect(nameIn(await getUser(another(pair), '1'))).toBe('new');
    expect(reads(pair)).toBe(0);
  });

  test('lives as long as any other item', async () => {
    pair = through({ ttlSeconds: 100, ttlJitter: 0 });
    await put(pair.client);
    pair.clock.pass(99_000);
    await pair.get('1');
    expect(reads(pair)).toBe(0);
    pair.clock.pass(2_000);
    await pair.get('1');
    expect(reads(pair)).toBe(1);
  });

  test('is of the tables that say so', async () => {
    pair = newPair({
      tables: {
        users: { ...DECLARED.users, writeThrough: true },
        orders: { partitionKey: 'customerId', sortKey: 'orderId' },
      },
    });
    const order = { customerId: { S: '1' }, orderId: { S: '1' } };
    const TransactItems = [
      { Put: { TableName: 'users', Item } },
      { Put: { TableName: 'orders', Item: order } },
    ];
    await pair.client.send(new TransactWriteItemsCommand({ TransactItems }));
    expect(pair.memory.values.get('users:id=1')).toBeDefined();
    expect(pair.memory.values.get('orders:customerId=1,orderId=1')).toBeUndefined();
  });

  test('needs no declared keys where the cache knows their names', async () => {
    pair = through({ tables: ['users'] });
    await pair.get('2'); // the names are learned, and noted in the cache
    const writer = another(pair);
    await put(writer);
    expect(nameIn(await getUser(another(pair), '1'))).toBe('new');
    expect(reads(pair)).toBe(1);
  });

  test('is of a put whose keys nobody knows yet nothing', async () => {
    pair = through({ tables: ['users'] });
    await put(pair.client);
    expect(asked(pair)).not.toContain('claim');
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('makes up for an earlier write that the cache did not confirm', async () => {
    pair.cache.failWhen((_key, method) => method === 'claim' || method === 'void');
    await put(pair.client);
    pair.cache.failWhen(() => false);
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'newer') }));
    expect(nameIn(await pair.get('1'))).toBe('newer');
    expect(reads(pair)).toBe(0);
  });

  test('is in mode invalidate deleted by its record', async () => {
    pair = through({ mode: 'invalidate' });
    await put(pair.client);
    await pair.deliver(...pair.table.changes);
    expect(pair.outcomes('record')).toEqual(['overlapping']);
    expect(pair.memory.values.get('users:id=1')).toBeUndefined();
  });
});

test('two processes write the same item in any interleaving: no step back, and in the end what the table holds', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...ACTS), { minLength: 2, maxLength: 8 }),
      async (scheduler, acts) => {
        const { pair, processes } = newScheduled(scheduler);
        const served: number[] = [];
        let issued = 0;
        let delivered = 0;
        const run = async ([who, act]: (typeof ACTS)[number]) => {
          const client = processes[who] as DynamoDBClient;
          if (act === 'put') {
            issued += 1;
            await client.send(new PutItemCommand({ TableName: 'users', Item: user('1', String(issued)) }));
          } else if (act === 'get') {
            const before = Math.max(-1, ...served);
            const answer = (await getUser(client, '1')) as { CacheMetadata?: { CacheHit?: boolean } };
            if (!answer.CacheMetadata?.CacheHit) return;
            const position = pair.table.changes.findLastIndex(
              ({ newImage }) => nameIn({ Item: newImage }) === nameIn(answer as never),
            );
            expect(position).toBeGreaterThanOrEqual(before);
            served.push(position);
          } else {
            const records = pair.table.changes.slice(delivered);
            delivered += records.length;
            if (records.length > 0) await pair.deliver(...records);
          }
        };
        const all = Promise.all(
          acts.map((act) => scheduler.schedule(Promise.resolve()).then(() => run(act))),
        );
        await scheduler.waitFor(all);
        const text = pair.memory.values.get('users:id=1');
        const latest = pair.table.changes.at(-1)?.newImage;
        if (text !== undefined) expect(JSON.parse(text)?.name).toBe(nameIn({ Item: latest }));
      },
    ),
    { numRuns: Number(process.env.INTERLEAVINGS ?? 500) },
  );
});

const ACTS = [
  [0, 'put'],
  [1, 'put'],
  [0, 'get'],
  [1, 'get'],
  [0, 'deliver'],
] as const;

/** Two processes whose every call of the cache and of the table comes when the scheduler lets it. */
function newScheduled(scheduler: fc.Scheduler) {
  const pair = through();
  const later =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await scheduler.schedule(Promise.resolve());
      const answer = await call(...args);
      await scheduler.schedule(Promise.resolve());
      return answer;
    };
  const cache = Object.fromEntries(
    Object.entries(pair.cache).map(([name, method]) => [
      name,
      typeof method === 'function' ? later(method) : method,
    ]),
  );
  const processes = [0, 1].map(() => {
    const client = pair.table.client();
    client.middlewareStack.use(
      NewCachingMiddleware({ ...pair.options, cache: cache as never, leaseMs: 0, readTimeoutMs: 10_000 }),
    );
    const handler = client.config.requestHandler;
    client.config.requestHandler = { ...handler, handle: later(handler.handle.bind(handler)) } as never;
    return client;
  });
  return { pair, processes };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

import type { Context } from 'aws-lambda';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { itemKey, keyPart } from '../../src/key.js';
import { withMetrics } from '../../src/metrics/index.js';
import type { StreamCacheConfig } from '../../src/options.js';
import type { Report } from '../../src/report.js';
import { memoryStore } from '../../src/store/memory.js';
import type { CacheStore } from '../../src/store/store.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import type { StreamRecord } from '../../src/stream-record.js';
import { event, record, sequenceNumber } from '../support/records.js';
import { startRedis } from '../support/redis.js';
import { type UnreliableStore, unreliable } from '../support/stores.js';

let store: UnreliableStore;
let reports: Report[];
const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };

beforeEach(() => {
  store = unreliable(memoryStore());
  reports = [];
  for (const level of Object.values(logger)) level.mockReset();
});

function newHandler(config: StreamCacheConfig = {}) {
  return NewStreamCacheHandler({
    cache: store,
    logger,
    onReport: (report) => reports.push(report),
    ...config,
  });
}

async function cached(key = 'users:id=42'): Promise<unknown> {
  const [text] = await store.get([key]);
  return typeof text === 'string' ? JSON.parse(text) : text;
}

function outcomes(): string[] {
  return reports.flatMap((report) => (report.type === 'record' ? [report.outcome] : []));
}

function failed(...numbers: number[]) {
  return { batchItemFailures: numbers.map((number) => ({ itemIdentifier: sequenceNumber(number) })) };
}

const NONE_FAILED = { batchItemFailures: [] };

describe('in mode write', () => {
  test('an INSERT stores the new image', async () => {
    expect(await newHandler()(event(record({ number: 7 })))).toEqual(NONE_FAILED);
    expect(await cached()).toEqual({ id: '42', name: 'Ada Lovelace', logins: 7 });
  });

  test('a MODIFY replaces it', async () => {
    await newHandler()(event(record(), record({ eventName: 'MODIFY', id: '1', number: 2 })));
    await newHandler()(event(record({ eventName: 'MODIFY', number: 3 })));
    expect(await cached()).toMatchObject({ logins: 3 });
  });

  test('a REMOVE deletes the key', async () => {
    await newHandler()(event(record()));
    await newHandler()(event(record({ eventName: 'REMOVE', number: 2 })));
    expect(await cached()).toBeUndefined();
    expect(outcomes()).toEqual(['written', 'deleted']);
  });
});

test('how far the cache was behind is told of a record that it had not known of', async () => {
  const lags = () => reports.flatMap((report) => (report.type === 'record' ? [report.lagMs] : []));
  const change = event(record(), record({ number: 2 }));
  await newHandler()(change);
  expect(lags()).toEqual([undefined, expect.any(Number)]); // the first is superseded
  await newHandler()(change); // stale, and superseded by that
  await newHandler({ key: () => undefined })(event(record()));
  store.failWhen(() => true);
  await newHandler()(event(record({ number: 3 })));
  expect(outcomes().slice(3)).toEqual(['stale', 'skipped', 'failed']);
  expect(lags().slice(3)).toEqual([undefined, undefined, undefined]);
});

describe('of a replica of a global table', () => {
  const replicated = {
    'aws:rep:deleting': { BOOL: false },
    'aws:rep:updatetime': { N: '1768470180.000001' },
    'aws:rep:updateregion': { S: 'us-east-1' },
  };

  test('what another Region wrote is stored with what replication keeps in it', async () => {
    await newHandler()(event(record({ eventName: 'MODIFY', item: replicated })));
    expect(await cached()).toMatchObject({ 'aws:rep:updateregion': 'us-east-1', logins: 1 });
  });

  test('a change whose old image nobody saw, since several arrived as one, is stored like any other', async () => {
    await newHandler()(event(record()));
    const oldImage = { id: { S: '42' }, logins: { N: '6' } };
    await newHandler()(event(record({ eventName: 'MODIFY', number: 7, oldImage })));
    expect(await cached()).toMatchObject({ logins: 7 });
  });

  test('an expiry in another Region, which does not say that it is one, deletes the key', async () => {
    await newHandler()(event(record()));
    await newHandler()(event(record({ eventName: 'REMOVE', number: 2 })));
    expect(await cached()).toBeUndefined();
  });
});

test('mode refresh stores only what is cached now', async () => {
  await newHandler()(event(record({ id: '1' })));
  await newHandler({ mode: 'refresh' })(
    event(
      record({ eventName: 'MODIFY', id: '1', number: 2 }),
      record({ eventName: 'MODIFY', id: '2', number: 3 }),
    ),
  );
  expect(await cached('users:id=1')).toMatchObject({ logins: 2 });
  expect(await cached('users:id=2')).toBeUndefined();
  expect(outcomes()).toEqual(['written', 'written', 'unchanged']);
});

test('mode invalidate deletes the key, and never encodes an image', async () => {
  await newHandler()(event(record()));
  const value = vi.fn();
  await newHandler({ mode: 'invalidate', value })(event(record({ eventName: 'MODIFY', number: 2 })));
  expect(await cached()).toBeUndefined();
  expect(value).not.toHaveBeenCalled();
});

describe('coalescing', () => {
  test('applies only the last record of an item', async () => {
    await newHandler()(
      event(...[1, 2, 3].map((number) => record({ number })), record({ id: '1', number: 4 })),
    );
    expect(outcomes()).toEqual(['superseded', 'superseded', 'written', 'written']);
    expect(store.calls).toContainEqual(['apply', ['users:id=42', 'users:id=1']]);
    expect(await cached()).toMatchObject({ logins: 3 });
  });

  test('takes the highest version for the last, whatever the order of delivery', async () => {
    await newHandler()(event(record({ number: 9 }), record({ number: 10 }), record({ number: 8 })));
    expect(await cached()).toMatchObject({ logins: 10 });
  });

  test('deletes when versions and times disagree on which record is the last', async () => {
    for (const numbers of [
      [20, 1],
      [1, 20],
    ]) {
      const records = numbers.map((number) => record({ number, age: number }));
      await newHandler()(event(...records));
      expect(await cached()).toBeUndefined();
    }
    expect(outcomes()).toEqual(['deleted', 'superseded', 'superseded', 'stale']);
  });

  test('reports every record of an item that failed, so that the checkpoint is before the first', async () => {
    store.failWhen((key) => key === 'users:id=42');
    const response = await newHandler()(
      event(record({ number: 1 }), record({ id: '1', number: 2 }), record({ number: 3 })),
    );
    expect(response).toEqual(failed(1, 3));
    expect(await cached('users:id=1')).toMatchObject({ logins: 2 });
  });

  test('keeps the derived keys and the tags of every record', async () => {
    const handler = newHandler({
      alsoDelete: ({ newImage, oldImage }) =>
        [newImage, oldImage].flatMap((image) =>
          image?.email && 'S' in image.email ? [`mail:${image.email.S}`] : [],
        ),
      tables: { users: { partitionKey: 'id', indexes: { byStatus: { partitionKey: 'status' } } } },
    });
    const image = (email: string, status: string) => ({ email: { S: email }, status: { S: status } });
    await handler(
      event(
        record({ number: 1, newImage: image('a', 'new') }),
        record({ eventName: 'MODIFY', number: 2, oldImage: image('a', 'new'), newImage: image('b', 'paid') }),
        record({ eventName: 'REMOVE', number: 3, oldImage: image('b', 'paid') }),
      ),
    );
    const keysOf = (method: string) =>
      store.calls.filter(([name]) => name === method).flatMap(([, keys]) => keys);
    expect(keysOf('apply')).toEqual(['users:id=42']);
    expect(keysOf('delete')).toEqual(['mail:a', 'mail:b']);
    expect(keysOf('move')).toEqual([
      'users*',
      'users*id=42',
      'users*byStatus*status=new',
      'users*byStatus*status=paid',
    ]);
  });
});

describe('tags', () => {
  test('without declared keys a record touches its whole table, once per batch', async () => {
    await newHandler({ namespace: 'shop' })(event(record({ id: '1' }), record({ id: '2', number: 2 })));
    expect(store.calls).toContainEqual(['move', ['shop:users*']]);
  });

  test('a record without its old image touches the whole index, since nobody knows where the item was', async () => {
    const handler = newHandler({ tables: { users: { indexes: { byStatus: { partitionKey: 'status' } } } } });
    await handler(
      event(record({ eventName: 'MODIFY', oldImage: undefined, item: { status: { S: 'paid' } } })),
    );
    expect(store.calls).toContainEqual(['move', ['users*', 'users*byStatus*', 'users*byStatus*status=paid']]);
  });

  test('an item that is not in an index touches nothing of it', async () => {
    const handler = newHandler({ tables: { users: { indexes: { byStatus: { partitionKey: 'status' } } } } });
    await handler(event(record({ item: { status: { L: [] } } }), record({ id: '2', number: 2 })));
    expect(store.calls).toContainEqual(['move', ['users*']]);
  });

  test('of an index with several partition keys a partition is where an item has them all', async () => {
    const indexes = { byGame: { partitionKey: ['region', 'game'] } };
    const handler = newHandler({ tables: { users: { indexes } } });
    const image = (region: string, game?: string) => ({
      id: { S: '42' },
      region: { S: region },
      ...(game && { game: { S: game } }),
    });
    const change = { eventName: 'MODIFY', oldImage: image('eu'), newImage: image('eu', 'go') };
    await handler(event(record({ ...change, number: 1 })));
    expect(store.calls).toContainEqual(['move', ['users*', 'users*byGame*game=go,region=eu']]);
    expect(reports.filter(({ type }) => type === 'poison')).toEqual([]);
  });

  test('a tag that did not move fails the records under it, though their items were applied', async () => {
    store.failWhen((_key, method) => method === 'move');
    expect(await newHandler()(event(record()))).toEqual(failed(1));
    expect(await cached()).toMatchObject({ logins: 1 });
  });
});

describe('functions of the caller', () => {
  test('key and value make what other readers expect', async () => {
    const handler = newHandler({
      key: ({ keys }) => `user/${keys.id && 'S' in keys.id && keys.id.S}`,
      value: ({ newImage }) => JSON.stringify(Object.keys(newImage ?? {})),
    });
    await handler(event(record()));
    expect(await cached('user/42')).toEqual(['id', 'name', 'logins']);
  });

  test('a key of undefined caches nothing, yet moves tags and deletes derived keys', async () => {
    await newHandler({ key: () => undefined, alsoDelete: () => ['derived'] })(event(record()));
    expect(outcomes()).toEqual(['skipped']);
    expect(store.calls).toEqual([
      ['move', ['users*']],
      ['delete', ['derived']],
    ]);
  });

  test('derived keys are deleted after the items are applied, and not for items that failed', async () => {
    store.failWhen((key) => key === 'users:id=42');
    const handler = newHandler({
      alsoDelete: ({ sequenceNumber: number }) => [`derived-${number.slice(-1)}`],
    });
    await handler(event(record({ number: 1 }), record({ id: '1', number: 2 })));
    expect(store.calls.filter(([method]) => method === 'apply' || method === 'delete')).toEqual([
      ['apply', ['users:id=42', 'users:id=1']],
      ['delete', ['derived-2']],
    ]);
  });

  test('a derived key that was not deleted fails its record', async () => {
    store.failWhen((key) => key === 'derived');
    expect(await newHandler({ alsoDelete: () => ['derived'] })(event(record()))).toEqual(failed(1));
  });

  test('a value of undefined deletes the key', async () => {
    await newHandler()(event(record()));
    await newHandler({ value: () => undefined })(event(record({ number: 2 })));
    expect(await cached()).toBeUndefined();
  });

  test.each<[name: string, config: StreamCacheConfig]>([
    ['key throws', { key: () => raise('boom') }],
    ['key gives no text', { key: () => 42 as never }],
    ['alsoDelete throws', { alsoDelete: () => raise('boom') }],
    ['alsoDelete names what is no text', { alsoDelete: () => [42 as never] }],
  ])('a record fails alone when %s', async (_name, config) => {
    const only42 = <T>(broken: ((record: never) => T) | undefined, sound: T) =>
      broken &&
      ((given: { keys: { id?: unknown } }) =>
        JSON.stringify(given.keys.id) === '{"S":"42"}' ? broken(given as never) : sound);
    const handler = newHandler({
      ...(config.key && { key: only42(config.key, 'sound') as never }),
      ...(config.alsoDelete && { alsoDelete: only42(config.alsoDelete, []) as never }),
    });
    expect(await handler(event(record({ number: 1 }), record({ id: '1', number: 2 })))).toEqual(failed(1));
    expect(outcomes()).toEqual(['failed', 'written']);
  });
});

describe('what a visitor can choose', () => {
  const TEXTS = ['{', 'a{b}c}', '{x}:guard', 'x'.repeat(4_001), 'é'.repeat(2_001), '\ud83d', ''];
  const poison = () => reports.filter(({ type }) => type === 'poison');

  test.each(TEXTS)('as a key that cannot be is poison, and moves its tags: %j', async (text) => {
    const handler = newHandler({
      key: ({ keys }) => (keys.id && 'S' in keys.id && keys.id.S === 'hostile' ? text : 'sound'),
      alsoDelete: ({ keys }) => [`derived-${keys.id && 'S' in keys.id && keys.id.S}`],
    });
    const response = await handler(event(record({ id: 'hostile', number: 1 }), record({ number: 2 })));
    expect(response).toEqual(NONE_FAILED);
    expect(outcomes()).toEqual(['skipped', 'written']);
    expect(store.calls).toContainEqual(['move', ['users*']]);
    expect(store.calls).toContainEqual(['delete', ['derived-hostile', 'derived-42']]);
    expect(poison()).toEqual([
      expect.objectContaining({ sequenceNumber: sequenceNumber(1), key: undefined }),
    ]);
    expect(reports.at(-1)).toMatchObject({ type: 'batch', poison: 1 });
    expect(logger.warn).toHaveBeenCalledWith(
      'Record cannot be applied in full, and is not delivered again',
      expect.objectContaining({ sequenceNumber: sequenceNumber(1) }),
    );
  });

  test('as a derived key that cannot be is poison; the item and the other keys are dealt with', async () => {
    const handler = newHandler({ alsoDelete: () => ['before', '', 'x'.repeat(4_001), 'after'] });
    expect(await handler(event(record()))).toEqual(NONE_FAILED);
    expect(outcomes()).toEqual(['written']);
    expect(store.calls).toContainEqual(['delete', ['before', 'after']]);
    expect(poison()).toHaveLength(1);
  });

  test('as a derived key with a lone surrogate is deleted where Redis has it', async () => {
    expect(await newHandler({ alsoDelete: () => ['mail:\ud83d'] })(event(record()))).toEqual(NONE_FAILED);
    expect(store.calls).toContainEqual(['delete', ['mail:\ud83d']]);
    expect(poison()).toEqual([]);
  });

  test('never stops a stream whose functions use keyPart', async () => {
    const idOf = ({ keys }: StreamRecord) => (keys.id && 'S' in keys.id ? keys.id.S : '');
    const handler = newHandler({
      key: (given) => `user/${keyPart(idOf(given))}`,
      alsoDelete: (given) => [`mail/${keyPart(idOf(given))}`],
    });
    const records = TEXTS.map((id, number) => record({ id, number: number + 1 }));
    expect(await handler(event(...records))).toEqual(NONE_FAILED);
    expect(outcomes()).toEqual(TEXTS.map(() => 'written'));
    expect(poison()).toEqual([]);
  });

  test('makes a function throw a KeyError: poison too', async () => {
    const key = ({ keys }: StreamRecord) => itemKey(undefined, 'mine', { id: { N: JSON.stringify(keys) } });
    const alsoDelete = () => [itemKey(undefined, 'mine', {})];
    expect(await newHandler({ key, alsoDelete })(event(record()))).toEqual(NONE_FAILED);
    expect(outcomes()).toEqual(['skipped']);
    expect(poison()).toHaveLength(1);
  });

  test('does not make up for a cache that does not answer: poison fails with the rest of its record', async () => {
    store.failWhen((_key, method) => method === 'move');
    expect(await newHandler({ key: () => '{' })(event(record()))).toEqual(failed(1));
  });
});

describe('close', () => {
  test('ends the connections that the handler opened, and an invocation opens them again', async () => {
    const server = await startRedis();
    const redis = new Redis(server.port);
    try {
      const clients = async () =>
        String(await redis.call('CLIENT', 'LIST'))
          .trim()
          .split('\n').length;
      const handler = newHandler({ cache: `redis://127.0.0.1:${server.port}` });
      for (const end of [handler.close, handler[Symbol.asyncDispose]]) {
        expect(await handler(event(record()))).toEqual(NONE_FAILED);
        expect(await clients()).toBe(2);
        await end();
        await vi.waitFor(async () => expect(await clients()).toBe(1));
      }
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });

  test('is on a handler with metrics too', async () => {
    const close = vi.spyOn(store, 'close');
    await withMetrics(newHandler()).close();
    expect(close).toHaveBeenCalledTimes(1);
  });
});

describe('what cannot be stored', () => {
  test.each<[name: string, config: StreamCacheConfig, item: object]>([
    ['an image that cannot be encoded', {}, { odd: { X: 'secret' } }],
    ['a value function that throws', { value: () => raise('secret') }, {}],
    ['a value function that gives no string', { value: () => 7 as never }, {}],
  ])('%s deletes the key, is reported as poison, and the batch goes on', async (_name, config, item) => {
    await newHandler()(event(record()));
    const response = await newHandler(config)(
      event(
        record({ eventName: 'MODIFY', number: 2, item: item as never }),
        record({ eventName: 'REMOVE', id: '1', number: 3 }),
      ),
    );
    expect(response).toEqual(NONE_FAILED);
    expect(await cached()).toBeUndefined();
    expect(reports).toContainEqual(
      expect.objectContaining({ type: 'poison', key: 'users:id=42', sequenceNumber: sequenceNumber(2) }),
    );
    expect(reports.at(-1)).toMatchObject({ type: 'batch', poison: 1 });
  });

  test('a record without the new image that its mode needs only invalidates, which is said once', async () => {
    const handler = newHandler();
    await handler(event(record()));
    await handler(event(record({ eventName: 'MODIFY', newImage: undefined, number: 2 })));
    await handler(event(record({ eventName: 'MODIFY', newImage: undefined, number: 3 })));
    expect(await cached()).toBeUndefined();
    expect(reports.filter(({ type }) => type === 'invalidates-only')).toEqual([
      { type: 'invalidates-only', tableName: 'users', reason: 'no-new-image' },
    ]);
    expect(logger.warn).toHaveBeenCalledTimes(1);
  });

  test('a record of an unknown kind only invalidates', async () => {
    const handler = newHandler();
    await handler(event(record()));
    expect(await handler(event(record({ eventName: 'UPSERT', number: 2 })))).toEqual(NONE_FAILED);
    expect(await cached()).toBeUndefined();
    expect(reports).toContainEqual({
      type: 'invalidates-only',
      tableName: 'users',
      reason: 'unknown-event-name',
    });
  });
});

describe('time to live', () => {
  const applied = () => store.apply as ReturnType<typeof vi.fn>;

  test('is shortened by up to ttlJitter and never longer than said', async () => {
    vi.spyOn(store, 'apply');
    vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValueOnce(0.999999);
    await newHandler({ ttlSeconds: 100, ttlJitter: 0.1 })(
      event(record({ id: '1' }), record({ id: '2', number: 2 })),
    );
    expect(applied().mock.calls[0]?.[0]).toMatchObject([{ ttlMs: 100_000 }, { ttlMs: 90_001 }]);
  });

  test('of an item ends with the item itself', async () => {
    vi.spyOn(store, 'apply');
    const expiry = (N: string) => ({ item: { expires: { N } } });
    const soon = Math.floor(Date.now() / 1000) + 60;
    const handler = newHandler({ ttlAttribute: 'expires' });
    await handler(
      event(
        record({ id: '1', ...expiry(String(soon)) }),
        record({ id: '2', number: 2, ...expiry(String(soon - 120)) }),
      ),
    );
    expect(applied().mock.calls[0]?.[0]).toMatchObject([
      { expiresAt: soon * 1000 },
      { expiresAt: (soon - 120) * 1000 },
    ]);
    expect(outcomes()).toEqual(['written', 'deleted']);
  });

  test.each([{ N: '0' }, { N: '1000' }, { S: '1800000000' }])(
    'ignores a TTL attribute that DynamoDB ignores: %o',
    async (expires) => {
      await newHandler({ ttlAttribute: 'expires' })(event(record({ item: { expires } })));
      expect(outcomes()).toEqual(['written']);
    },
  );
});

describe('failures', () => {
  test('are reported one by one, and the rest is applied', async () => {
    store.failWhen((key) => key === 'users:id=2');
    const response = await newHandler()(
      event(...[1, 2, 3].map((number) => record({ id: String(number), number }))),
    );
    expect(response).toEqual(failed(2));
    expect(outcomes()).toEqual(['written', 'failed', 'written']);
  });

  test('of all records are all reported, with no exception that hides them', async () => {
    store.failWhen(() => true);
    expect(await newHandler()(event(record({ number: 1 }), record({ id: '1', number: 2 })))).toEqual(
      failed(1, 2),
    );
  });

  test('of a store that rejects fail every record', async () => {
    store.reject(new Error('secret'));
    expect(await newHandler()(event(record()))).toEqual(failed(1));
    store.reject('not even an error');
    expect(await newHandler()(event(record()))).toEqual(failed(1));
  });

  test('come in time when Lambda’s deadline is near and the store does not answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      store.hang();
      const context = { getRemainingTimeInMillis: () => 3_000 } as Context;
      const response = newHandler()(event(record()), context);
      await vi.advanceTimersByTimeAsync(2_400);
      await expect(Promise.race([response, Promise.resolve('waiting')])).resolves.toBe('waiting');
      await vi.advanceTimersByTimeAsync(200);
      expect(await response).toEqual(failed(1));
    } finally {
      vi.useRealTimers();
    }
  });

  test('of one invocation leave the next alone', async () => {
    const handler = newHandler();
    store.failWhen(() => true);
    const first = await handler(event(record()));
    first.batchItemFailures.push({ itemIdentifier: 'changed by the caller' });
    store.failWhen(() => false);
    const second = await handler(event(record()));
    expect(second).toEqual(NONE_FAILED);
    second.batchItemFailures.push({ itemIdentifier: 'changed by the caller' });
    expect(await handler(event(record()))).toEqual(NONE_FAILED);
  });
});

describe('an event that no DynamoDB stream delivers is refused before anything is applied', () => {
  const without = (field: string) => {
    const broken = record({ number: 2 });
    delete (broken.dynamodb as Record<string, unknown>)[field];
    return event(record(), broken);
  };
  test.each<[name: string, given: unknown, message: RegExp]>([
    ['nothing', undefined, /Not a DynamoDB stream event/],
    ['no records', { detail: {} }, /Not a DynamoDB stream event/],
    ['an SQS event', { Records: [{ eventSource: 'aws:sqs', body: '' }] }, /Records\[0\].*aws:sqs/],
    ['a record without Keys', without('Keys'), /Records\[1\].*Keys/],
    ['a record without SequenceNumber', without('SequenceNumber'), /Records\[1\].*SequenceNumber/],
    [
      'a sequence number with letters',
      event({ ...record(), dynamodb: { ...record().dynamodb, SequenceNumber: 'x1' } }),
      /digits/,
    ],
    ['a record of no table', event(record({ arn: 'arn:aws:kinesis:eu-west-1:1:stream/x' })), /tableName/],
  ])('%s', async (_name, given, message) => {
    await expect(newHandler()(given as never)).rejects.toThrow(message);
    await expect(newHandler()(given as never)).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    expect(store.calls).toEqual([]);
  });

  test('but an empty batch is fine', async () => {
    expect(await newHandler()(event())).toEqual(NONE_FAILED);
  });

  test('and a table that the event does not name can be configured', async () => {
    await newHandler({ tableName: 'people' })(event(record({ arn: '' })));
    expect(await cached('people:id=42')).toMatchObject({ id: '42' });
  });
});

test('options of one table do not touch another', async () => {
  const orders = 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-15T09:30:00.000';
  const handler = newHandler({ tables: { orders: { mode: 'invalidate' } } });
  await handler(event(record(), record({ arn: orders, number: 2 })));
  expect(outcomes()).toEqual(['written', 'deleted']);
});

test('a store of the caller is given plain changes, which it may copy', async () => {
  const copying: CacheStore = {
    ...store,
    apply: (changes, ...rest) =>
      store.apply(
        changes.map((change) => ({ ...change, key: `copy:${change.key}` })),
        ...rest,
      ),
  };
  await newHandler({ cache: copying })(event(record({ number: 7 })));
  expect(await cached('copy:users:id=42')).toMatchObject({ logins: 7 });
});

test('a stream that was recreated is newer, though its sequence numbers begin anew', async () => {
  const recreated = 'arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-02-01T00:00:00.000';
  await newHandler()(event(record({ number: 900 })));
  await newHandler()(event(record({ number: 1, arn: recreated })));
  await newHandler()(event(record({ number: 901 })));
  expect(await cached()).toMatchObject({ logins: 1 });
  expect(outcomes()).toEqual(['written', 'written', 'stale']);
});

describe('reports and logs', () => {
  test('there is one INFO line per invocation, with counts, the oldest record’s age and the duration', async () => {
    store.failWhen((key) => key === 'users:id=3');
    await newHandler()(event(record({ age: 30 }), record({ number: 2 }), record({ id: '3', number: 3 })));
    expect(logger.info).toHaveBeenCalledTimes(1);
    const [message, batch] = logger.info.mock.calls[0] ?? [];
    expect(message).toBe('Stream batch applied');
    expect(batch).toMatchObject({
      records: 3,
      outcomes: { superseded: 1, written: 1, failed: 1 },
      poison: 0,
    });
    expect(batch.oldestRecordAgeMs).toBeGreaterThanOrEqual(30_000);
    expect(batch.oldestRecordAgeMs).toBeLessThan(35_000);
    expect(batch.durationMs).toBeGreaterThanOrEqual(0);
  });

  const later = async () => raise('later'); // what nobody hears of ends a process, and this test run
  const failing = (fail: () => never | Promise<never>) => ({
    debug: fail,
    info: fail,
    warn: fail,
    error: fail,
  });

  test.each<[string, StreamCacheConfig]>([
    ['a listener that throws', { onReport: () => raise('listener') }],
    ['a listener that fails later', { onReport: later }],
    ['a logger that throws', { logger: failing(() => raise('logger')) }],
    ['a logger that fails later', { logger: failing(later) }],
  ])('%s disturbs nothing', async (_, config) => {
    store.failWhen((key) => key === 'users:id=bad');
    const bad = record({ id: 'bad', number: 2 });
    const { batchItemFailures } = await newHandler(config)(event(record({ number: 1 }), bad));
    expect(batchItemFailures).toHaveLength(1);
    expect(await cached()).toMatchObject({ id: '42' });
  });

  test.each<[string, StreamCacheConfig, failures: number]>([
    ['a key', { key: later as never }, 1],
    ['a value', { value: later as never }, 0],
    ['a list of further keys', { alsoDelete: later as never }, 1],
  ])('%s that is given later, or never, is none', async (_, config, failures) => {
    const { batchItemFailures } = await newHandler(config)(event(record()));
    expect(batchItemFailures).toHaveLength(failures);
    expect(await cached()).toBeUndefined();
  });

  test('no log line above DEBUG has a key, none at all has item contents', async () => {
    const secret = { item: { password: { S: 'hunter2' }, odd: { X: 'hunter2' } as never } };
    const handler = newHandler();
    await handler(event(record({ id: 'key-of-ada', ...secret }), record({ id: 'key-of-bob', number: 2 })));
    store.reject(new Error('hunter2'));
    await handler(event(record({ id: 'key-of-ada', number: 3 })));
    await newHandler({ value: () => raise('hunter2') })(event(record({ id: 'key-of-ada', number: 4 })));
    await newHandler({ key: () => raise('key-of-ada') })(event(record({ number: 5 })));

    const lines = (...levels: (keyof typeof logger)[]) =>
      JSON.stringify(levels.map((level) => logger[level].mock.calls));
    expect(lines('info', 'warn', 'error')).not.toMatch(/key-of-|hunter2|Ada/);
    expect(lines('debug')).not.toMatch(/hunter2|Ada/);
    expect(lines('debug')).toContain('key-of-ada');
    expect(lines('warn', 'error')).toMatch(/EncodeError.*CacheError/s);
  });
});

function raise(message: string): never {
  throw new Error(message);
}

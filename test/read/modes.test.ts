import { Readable } from 'node:stream';
import { BatchGetItemCommand, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { encode } from '../../src/codec.js';
import { resolveConfig } from '../../src/config.js';
import { itemKey, switchKey } from '../../src/key.js';
import { newModes } from '../../src/read/modes.js';
import { SWITCH_TTL_MS, switchNote } from '../../src/reader-switch.js';
import type { Report } from '../../src/report.js';
import { openMemory } from '../../src/store/memory.js';
import { type UnreliableStore, unreliable } from '../support/stores.js';
import { batchGetUsers, nameIn, newClock, newPair, type Pair, silent, user } from './rig.js';

describe('the switch in the cache', () => {
  function open(reader: 'on' | 'shadow' | 'off' = 'on', namespace?: string) {
    const clock = newClock();
    const cache: UnreliableStore = unreliable(openMemory(clock.now).store);
    const reports: Report[] = [];
    const options = {
      cache,
      namespace,
      reader,
      logger: silent,
      onReport: (each: Report) => reports.push(each),
    };
    return { clock, cache, reports, modes: newModes(resolveConfig(options, {}), clock.now) };
  }

  test.each([
    ['on', 'off', 'off'],
    ['on', 'shadow', 'shadow'],
    ['shadow', 'off', 'off'],
    ['off', 'shadow', 'off'],
  ] as const)('takes readers that are %s, and says %s, to %s', async (reader, said, mode) => {
    const { cache, modes } = open(reader);
    await cache.put([switchNote(undefined, said)]);
    expect(await modes()).toBe(mode);
  });

  test('does not take a reader further than its options do', async () => {
    const { cache, modes } = open('shadow');
    await cache.put([{ key: switchKey(undefined), value: 'on', ttlMs: SWITCH_TTL_MS }]);
    expect(await modes()).toBe('shadow');
  });

  test('is of its namespace', async () => {
    const { cache, modes } = open('on', 'shop');
    await cache.put([switchNote(undefined, 'off')]);
    expect(await modes()).toBe('on');
  });

  test('is obeyed at most four seconds after it was turned, and its end too', async () => {
    const { cache, clock, modes, reports } = open();
    expect(await modes()).toBe('on');
    await cache.put([switchNote(undefined, 'off')]);
    expect(modes()).toBe('on');
    clock.pass(4_000);
    expect(await modes()).toBe('off');
    await cache.delete([switchKey(undefined)]);
    clock.pass(4_000);
    expect(await modes()).toBe('on');
    expect(reports.map((report) => report.type === 'reader-mode' && report.mode)).toEqual(['off', 'on']);
  });

  test('is looked at again after two seconds, while reads go on', async () => {
    const { cache, clock, modes } = open();
    await modes();
    await cache.put([switchNote(undefined, 'off')]);
    clock.pass(2_000);
    expect(modes()).toBe('on');
    await expect.poll(() => modes()).toBe('off');
  });

  test('stays as it was while the cache does not answer, and nobody waits for it again', async () => {
    const { cache, clock, modes } = open();
    await cache.put([switchNote(undefined, 'off')]);
    expect(await modes()).toBe('off');
    cache.reject(new Error('gone'));
    clock.pass(4_000);
    expect(await modes()).toBe('off');
    clock.pass(4_000);
    expect(modes()).toBe('off');
  });
});

describe('where the mode is', () => {
  const put = (pair: Pair, id: string, name: string) => pair.table.put(user(id, name));

  /** What a writer that passes the stream by leaves behind. */
  function plant(pair: Pair, id: string, name: string): void {
    pair.memory.values.set(itemKey(undefined, 'users', { id: { S: id } }), encode(user(id, name)), 60_000);
  }

  test('off, the table answers, and a write through the middleware still voids', async () => {
    const tables = { users: { partitionKey: 'id', sortKey: null } };
    const pair = newPair({ reader: 'off', tables });
    put(pair, '1', 'Ada');
    plant(pair, '1', 'Bob');
    expect(nameIn(await pair.get('1'))).toBe('Ada');
    expect(pair.cache.calls).toEqual([]);
    await pair.client.send(new PutItemCommand({ TableName: 'users', Item: user('1', 'Cyd') }));
    expect(pair.outcomes('void')).toEqual(['voided']);
  });

  test('shadow, the table answers, and what is cached as it is there is said to be the same', async () => {
    const pair = newPair({ reader: 'shadow' });
    put(pair, '1', 'Ada');
    for (const _ of [1, 2]) {
      const answer = await pair.get('1');
      expect(nameIn(answer)).toBe('Ada');
      expect(answer).not.toHaveProperty('CacheMetadata.CacheHit', true);
    }
    expect(pair.outcomes('fill')).toEqual(['filled']);
    expect(pair.outcomes('shadow')).toEqual(['same']);
    expect(pair.table.log).toHaveLength(2);
  });

  test('shadow, a stale entry is never served, and is said for how long it has been one', async () => {
    const pair = newPair({ reader: 'shadow' });
    put(pair, '1', 'Ada');
    plant(pair, '1', 'Bob');
    for (const _ of [1, 2]) expect(nameIn(await pair.get('1'))).toBe('Ada');
    const stale = pair.reports.filter(({ type }) => type === 'shadow');
    expect(stale).toMatchObject([
      { operation: 'GetItem', tableName: 'users', outcome: 'stale', ageMs: 0 },
      { outcome: 'stale', ageMs: expect.any(Number) },
    ]);
  });

  test('shadow, an answer of the table that lags is not taken for a stale entry', async () => {
    const pair = newPair({ reader: 'shadow' });
    put(pair, '1', 'Ada');
    pair.table.lag();
    put(pair, '1', 'Bob');
    plant(pair, '1', 'Bob');
    expect(nameIn(await pair.get('1'))).toBe('Ada'); // as without a cache
    expect(pair.outcomes('shadow')).toEqual(['same']);
  });

  test('shadow, of a batch all is from the table, and none of it stale', async () => {
    const pair = newPair({ reader: 'shadow' });
    for (const id of ['1', '2', '3']) put(pair, id, `name ${id}`);
    plant(pair, '1', 'name 1');
    plant(pair, '2', 'Bob');
    const { Responses } = await batchGetUsers(pair.client, '1', '2', '3');
    expect(Responses?.users?.map(({ name }) => name?.S).sort()).toEqual(['name 1', 'name 2', 'name 3']);
    expect(pair.outcomes('shadow')).toEqual(['stale']);
  });

  /** From now on the table answers strongly consistent reads so. */
  function strongReads(pair: Pair, respond: (response: string) => string): void {
    const { requestHandler } = pair.client.config;
    const handle = requestHandler.handle.bind(requestHandler);
    requestHandler.handle = async (request, options) => {
      const { response } = await handle(request, options);
      if (!new TextDecoder().decode(request.body).includes('"ConsistentRead":true')) return { response };
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body) chunks.push(chunk);
      return {
        response: Object.assign(response, { body: Readable.from([respond(String(Buffer.concat(chunks)))]) }),
      };
    };
  }

  test.each(['GetItem', 'BatchGetItem'])(
    'shadow, a strongly consistent read that fails does not fail the %s',
    async (operation) => {
      const pair = newPair({ reader: 'shadow' });
      put(pair, '1', 'Ada');
      plant(pair, '1', 'Bob');
      strongReads(pair, () => {
        throw new Error('slow down');
      });
      const name =
        operation === 'GetItem'
          ? nameIn(await pair.get('1'))
          : (await batchGetUsers(pair.client, '1')).Responses?.users?.[0]?.name?.S;
      expect(name).toBe('Ada');
      expect(pair.outcomes('shadow')).toEqual([]);
    },
  );

  test('shadow, a strongly consistent read that is not complete is not handed on, and says nothing', async () => {
    const pair = newPair({ reader: 'shadow' });
    put(pair, '1', 'Ada');
    plant(pair, '1', 'Bob');
    const Keys = [{ id: { S: '1' } }];
    strongReads(pair, () =>
      JSON.stringify({ Responses: {}, UnprocessedKeys: { users: { Keys, ConsistentRead: true } } }),
    );
    const { Responses, UnprocessedKeys } = await batchGetUsers(pair.client, '1');
    expect(Responses?.users).toEqual([user('1', 'Ada')]);
    expect(UnprocessedKeys ?? {}).toEqual({});
    expect(pair.outcomes('shadow')).toEqual([]);
  });

  test('shadow, a stale item of a batch is said to be one, though a part of the batch is read with strong consistency', async () => {
    const pair = newPair({ reader: 'shadow' });
    put(pair, '1', 'Ada');
    pair.table.put({ customerId: { S: 'c' }, orderId: { N: '1' } }, 'orders');
    plant(pair, '1', 'Bob');
    const { Responses } = await pair.client.send(
      new BatchGetItemCommand({
        RequestItems: {
          users: { Keys: [{ id: { S: '1' } }] },
          orders: { Keys: [{ customerId: { S: 'c' }, orderId: { N: '1' } }], ConsistentRead: true },
        },
      }),
    );
    expect(Responses?.users).toEqual([user('1', 'Ada')]);
    expect(pair.outcomes('shadow')).toEqual(['stale']);
  });

  test('shadow, the results of queries are compared too', async () => {
    const pair = newPair({ reader: 'shadow' });
    put(pair, '1', 'Ada');
    const ofOne = new QueryCommand({
      TableName: 'users',
      KeyConditionExpression: 'id = :id',
      ExpressionAttributeValues: { ':id': { S: '1' } },
    });
    await pair.client.send(ofOne);
    put(pair, '1', 'Bob'); // and no stream tells
    const { Items } = await pair.client.send(ofOne);
    expect(Items).toEqual([user('1', 'Bob')]);
    expect(pair.outcomes('shadow')).toEqual(['stale']);
  });

  test("shadow with a share, the other reads are the table's alone", async () => {
    const pair = newPair({ reader: 'shadow', shadowShare: 1e-12 });
    put(pair, '1', 'Ada');
    plant(pair, '1', 'Bob');
    expect(nameIn(await pair.get('1'))).toBe('Ada');
    expect(pair.cache.calls).toEqual([]);
  });

  test('turned off while a read is under way, it is not answered from the cache', async () => {
    const pair = newPair();
    put(pair, '1', 'Ada');
    plant(pair, '1', 'Bob');
    await pair.memory.store.put([switchNote(undefined, 'off')]);
    const answer = await pair.client.send(
      new GetItemCommand({ TableName: 'users', Key: { id: { S: '1' } } }),
    );
    expect(nameIn(answer)).toBe('Ada');
  });
});

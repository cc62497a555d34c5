import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { memoryStore, NewCachingMiddleware, NewStreamCacheHandler } from '../../src/index.js';
import { publishMetrics, withMetrics } from '../../src/metrics/publish.js';
import { reporter } from '../../src/report.js';
import { record } from '../support/records.js';
import { unreliable } from '../support/stores.js';
import { readEmf } from './emf.js';

const logger = { debug() {}, info() {}, warn() {}, error() {} };
let output = '';

beforeEach(() => {
  output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text;
    return true;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

function published(namespace?: string) {
  const lines = readEmf(output, namespace);
  output = '';
  return lines;
}

/** A client whose table holds what is asked for, with the middleware on a store. */
function readingFrom(cache = memoryStore()) {
  const answer = ({ body }: { body: Uint8Array }) => {
    const { Key } = JSON.parse(new TextDecoder().decode(body));
    return new TextEncoder().encode(JSON.stringify({ Item: Key }));
  };
  const client = new DynamoDBClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: {
      handle: async (request: never) => ({
        response: { statusCode: 200, headers: {}, body: answer(request) },
      }),
    } as never, // all that the SDK needs of one
  });
  client.middlewareStack.use(NewCachingMiddleware({ cache, logger, readTimeoutMs: 5_000 }));
  return (id: string) => client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: id } } }));
}

describe('a function with metrics', () => {
  test('publishes those of the stream after each invocation, a line for the table and one for the process', async () => {
    const handler = withMetrics(NewStreamCacheHandler({ cache: memoryStore(), logger }));
    const event: DynamoDBStreamEvent = { Records: [record(), record()] };
    await handler(event);
    expect(published()).toEqual([
      {
        service: 'dynamodb-stream-cache',
        table: 'users',
        metrics: {
          ...{ RecordsWritten: 1, RecordsSuperseded: 1, StreamAge: expect.any(Number) },
          InvalidationLag: expect.any(Number),
        },
      },
      {
        service: 'dynamodb-stream-cache',
        table: undefined,
        metrics: { BatchSize: 2, BatchDuration: expect.any(Number) },
      },
    ]);
    await handler(event);
    expect(published().map(({ metrics }) => metrics.RecordsStale ?? metrics.BatchSize)).toEqual([1, 2]);
  });

  test('publishes what became of reads, not a line for each read', async () => {
    const get = readingFrom();
    const handler = withMetrics(async (ids: string[]) => {
      for (const id of ids) await get(id);
    });
    await handler(['1', '2', '1', '1', '2', '1']);
    expect(published()).toEqual([
      expect.objectContaining({ table: undefined, metrics: { BreakerOpen: 0 } }),
      expect.objectContaining({ table: 'users', metrics: { Hits: 4, Misses: 2, FillsStored: 2 } }),
    ]);
  });

  test('publishes that the cache fails, and that it is no longer asked', async () => {
    const cache = unreliable(memoryStore());
    cache.failWhen(() => true);
    const get = readingFrom(cache);
    const handler = withMetrics(async (ids: string[]) => {
      for (const id of ids) await get(id);
    });
    await handler(['1', '2', '3', '4', '5']);
    expect(published().map(({ metrics }) => metrics)).toEqual([
      { CacheFailures: 3, BreakerOpen: 1 },
      { Misses: 5 },
    ]);
  });

  test('publishes also when it fails, and its error stays its own', async () => {
    const get = readingFrom();
    const handler = withMetrics(async () => {
      await get('1');
      throw new Error('of the function');
    });
    await expect(handler()).rejects.toThrow('of the function');
    expect(published()).toHaveLength(2);
  });

  test('says nothing when nothing happened', async () => {
    const warnings = vi.spyOn(process.stderr, 'write');
    expect(await withMetrics(async (word: string) => word)('unchanged')).toBe('unchanged');
    expect(output).toBe('');
    expect(warnings).not.toHaveBeenCalled();
  });

  test('goes by the name that Powertools is told, or by that of an option', async () => {
    const event: DynamoDBStreamEvent = { Records: [record()] };
    vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'shop');
    await withMetrics(NewStreamCacheHandler({ cache: memoryStore(), logger }))(event);
    expect(new Set(published().map(({ service }) => service))).toEqual(new Set(['shop']));
    const options = { service: 'orders', namespace: 'Shop' };
    await withMetrics(NewStreamCacheHandler({ cache: memoryStore(), logger }), options)(event);
    expect(new Set(published('Shop').map(({ service }) => service))).toEqual(new Set(['orders']));
  });
});

describe('a process that runs on', () => {
  test('publishes once a minute, by a timer that does not keep it alive, until it is stopped', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const timers = vi.spyOn(globalThis, 'setInterval');
    const metrics = publishMetrics();
    expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([false]);
    const get = readingFrom();
    await get('1');
    vi.advanceTimersByTime(59_000);
    expect(output).toBe('');
    vi.advanceTimersByTime(1_000);
    expect(published()).toHaveLength(2);

    await get('1');
    metrics.stop();
    expect(published().map((line) => line.metrics)).toEqual([{ BreakerOpen: 0 }, { Hits: 1 }]);
    await get('1');
    metrics.publish();
    vi.advanceTimersByTime(120_000);
    expect(output).toBe('');
  });

  test('publishes any number of measures under their table', () => {
    const metrics = publishMetrics();
    const report = reporter(undefined);
    for (let batch = 0; batch < 250; batch += 1) {
      report({
        type: 'record',
        outcome: 'written',
        tableName: 'users',
        eventName: 'INSERT',
        sequenceNumber: '1',
        ageMs: batch,
      });
      report({ type: 'batch', records: 1, outcomes: {}, poison: 0, durationMs: batch });
    }
    metrics.stop();
    const lines = published();
    const ages = lines
      .filter(({ table }) => table === 'users')
      .flatMap((line) => line.metrics.StreamAge ?? []);
    expect(ages).toEqual(Array.from({ length: 250 }, (_, n) => n));
  });

  test('is told when it asks for an interval that cannot be', () => {
    expect(() => publishMetrics({ everySeconds: 0 })).toThrow('expected seconds from 1 to an hour');
  });
});

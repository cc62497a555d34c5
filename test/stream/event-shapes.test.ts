import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { describe, expect, test, vi } from 'vitest';
import { encode } from '../../src/codec.js';
import { LocalEventSourceMapping } from '../../src/local/index.js';
import type { Report } from '../../src/report.js';
import { memoryStore } from '../../src/store/memory.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import { silent } from '../read/rig.js';
import { changed, eventShapes } from '../support/event-shapes.js';
import { event, record } from '../support/records.js';
import { createScriptedStream, STREAM_ARN } from '../support/scripted-stream.js';
import { unreliable } from '../support/stores.js';

function rig() {
  const reports: Report[] = [];
  const store = unreliable(memoryStore());
  const onReport = (report: Report) => reports.push(report);
  const handler = NewStreamCacheHandler({ cache: store, logger: silent, onReport });
  const outcomes = () =>
    reports.flatMap((report) => (report.type === 'record' ? [`${report.outcome}:${report.key}`] : []));
  const poison = () => reports.filter(({ type }) => type === 'poison').length;
  return { reports, store, handler, outcomes, poison };
}

describe('an event in another form than that of Lambda', () => {
  test.each(eventShapes())('$name', async ({ document, gives, poison = 0 }) => {
    const it = rig();
    const response = it.handler(JSON.parse(JSON.stringify(document)));
    if (gives instanceof RegExp) {
      await expect(response).rejects.toThrow(gives);
      await expect(response).rejects.toMatchObject({ code: 'EVENT_INVALID' });
      return;
    }
    expect(await response).toEqual({ batchItemFailures: [] });
    expect(it.outcomes()).toEqual(gives);
    expect(it.poison()).toBe(poison);
    expect(it.reports.at(-1)).toMatchObject({ type: 'batch', poison });
  });

  const batches = eventShapes().filter(
    ({ document, gives }) => !(gives instanceof RegExp) && (document as DynamoDBStreamEvent).Records,
  );
  test.each(batches)('$name comes through a LocalEventSourceMapping once', async ({ document, gives }) => {
    const it = rig();
    const stream = createScriptedStream('a');
    const delivered = vi.fn(it.handler);
    const mapping = new LocalEventSourceMapping({ source: stream.source, handler: delivered });
    await mapping.start();
    const { Records } = JSON.parse(JSON.stringify(document)) as DynamoDBStreamEvent;
    stream.write('a', ...Records.map((each) => ({ ...each, eventSourceARN: STREAM_ARN })));
    await mapping.drained();
    await mapping.stop();
    expect(it.outcomes()).toEqual(gives);
    expect(delivered).toHaveBeenCalledTimes(1);
  });

  test('binary that went through JSON is stored like that of Lambda', async () => {
    const { handler, store } = rig();
    const image = (B: unknown, BS: unknown) => ({
      id: { S: '42' },
      b: { B },
      l: { L: [{ M: { s: { BS } } }] },
    });
    const bytes = { type: 'Buffer', data: [1, 2, 255] };
    await handler(event(changed(record(), { NewImage: image(bytes, [{ 0: 1 }, []]) })));
    // An empty list is no bytes for certain.
    expect(await store.get(['users:id=42'])).toEqual([undefined]);
    const buffers = [{ 0: 1 }, { type: 'Buffer', data: [] }];
    await handler(event(changed(record({ number: 2 }), { NewImage: image(bytes, buffers) })));
    expect(await store.get(['users:id=42'])).toEqual([encode(image('AQL/', ['AQ==', '']) as never)]);
  });

  test('binary that went through JSON in an index key ends what was read of its partition', async () => {
    const store = unreliable(memoryStore());
    const tables = { users: { indexes: { byDigest: { partitionKey: 'digest' } } } };
    const handler = NewStreamCacheHandler({ cache: store, tables, logger: silent });
    await handler(event(record({ item: { digest: { B: { 0: 1, 1: 2 } } as never } })));
    expect(store.calls).toContainEqual(['move', ['users*', 'users*byDigest*digest~AQI']]);
  });
});

describe('one record alone', () => {
  test.each<[string, (one: DynamoDBRecord) => unknown]>([
    ['bare', (one) => one],
    ['in an event of EventBridge', (detail) => ({ detail })],
  ])('%s is thrown when it fails: nobody would read the response', async (_, wrap) => {
    const { handler, store } = rig();
    store.failWhen(() => true);
    await expect(handler(wrap(record()) as never)).rejects.toThrow('told to fail');
  });

  test('in a list, a failure is in the response', async () => {
    const { handler, store } = rig();
    store.failWhen(() => true);
    expect(await handler([record()])).toEqual({ batchItemFailures: [{ itemIdentifier: record().eventID }] });
  });
});

describe('the time of a record', () => {
  const dated = (time: unknown, number = 1) =>
    changed(record({ number }), { ApproximateCreationDateTime: time });
  const now = () => Math.floor(Date.now() / 1000);

  test.each([1, 1e3, 1e6])('replays are stale in whatever unit it is: seconds times %d', async (unit) => {
    const { handler, outcomes, store } = rig();
    const records = [1, 2, 3].map((number) => dated(now() * unit, number));
    for (const each of [...records, ...records.slice(0, 2)]) await handler(event(each));
    expect(outcomes().map((outcome) => outcome.split(':')[0])).toEqual([
      ...['written', 'written', 'written'],
      ...['stale', 'stale'],
    ]);
    expect(JSON.parse(String((await store.get(['users:id=42']))[0]))).toMatchObject({ logins: 3 });
  });

  test.each([1, 1e3, 1e6])('of 2015 is late: seconds times %d', async (unit) => {
    const { handler, outcomes, reports } = rig();
    await handler(event(dated(1_430_000_000 * unit)));
    expect(outcomes()).toEqual(['late:users:id=42']);
    expect(reports.map(({ type }) => type)).not.toContain('invalidates-only');
  });

  test.each([
    ['missing', undefined],
    ['a text', 'soon'],
    ['ISO text without a zone, which may be anywhere', '2026-10-01T09:30:01'],
    ['a date that does not exist', '2026-19-41T09:30:01Z'],
    ['negative', -1],
    ['endless', Number.POSITIVE_INFINITY],
    ['nanoseconds', 1.79e18],
    ['a list', [1]],
    ['in the future', Math.floor(Date.now() / 1000) + 3_600],
    ['milliseconds in the future', Date.now() + 3_600_000],
  ])('that is %s is late, and that is said once', async (_, time) => {
    const { handler, outcomes, reports } = rig();
    await handler(event(dated(time, 1), dated(time, 2)));
    await handler(event(dated(time, 3)));
    expect(outcomes().at(-1)).toBe('late:users:id=42');
    expect(reports.filter(({ type }) => type === 'invalidates-only')).toEqual([
      { type: 'invalidates-only', tableName: 'users', reason: 'unusable-time' },
    ]);
  });

  test('may be ahead by as much as clocks may differ, and no more', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_790_000_000_000 });
    try {
      const { handler, outcomes } = rig();
      await handler(event(dated(1_790_000_002)));
      await handler(event(dated(1_790_000_002_001, 2)));
      expect(outcomes()).toEqual(['written:users:id=42', 'late:users:id=42']);
    } finally {
      vi.useRealTimers();
    }
  });
});

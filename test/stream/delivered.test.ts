import type { DynamoDBRecord } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import type { StreamCacheConfig } from '../../src/options.js';
import type { Report } from '../../src/report.js';
import { memoryStore } from '../../src/store/memory.js';
import { NewStreamCacheHandler, type StreamEvent } from '../../src/stream/handler.js';
import { silent } from '../read/rig.js';
import { event, record } from '../support/records.js';
import {
  kinesisEvent,
  kinesisNumber,
  kinesisPayload,
  kinesisPipe,
  messageId,
  queueEvent,
} from '../support/sources.js';
import { unreliable } from '../support/stores.js';

const RULES = { lateAfterMs: 60_000, guardMs: 300_000, settleMs: 5_000 };

function rig(config: StreamCacheConfig = {}) {
  const reports: Report[] = [];
  const store = unreliable(memoryStore());
  const onReport = (report: Report) => reports.push(report);
  const handler = NewStreamCacheHandler({ cache: store, logger: silent, onReport, ...config });
  const outcomes = () =>
    reports.flatMap((report) => (report.type === 'record' ? [`${report.outcome}:${report.key}`] : []));
  return { reports, store, handler, outcomes };
}

const ofKinesis = (...records: DynamoDBRecord[]) =>
  kinesisEvent(records.map((each) => kinesisPayload(each, 'MILLISECOND')));
const failedOf = (...names: string[]) => ({
  batchItemFailures: names.map((itemIdentifier) => ({ itemIdentifier })),
});
const userOne = (key: string) => key === 'users:id=1';

describe('a record of a Kinesis data stream', () => {
  test.each(['MILLISECOND', 'MICROSECOND'] as const)(
    'deletes the entry of its item, with its time in %ss',
    async (precision) => {
      const { handler, store, outcomes, reports } = rig();
      await handler(event(record()));
      const change = kinesisPayload(record({ eventName: 'MODIFY', number: 2, age: 7 }), precision);
      expect(await handler(kinesisEvent([change]))).toEqual(failedOf());
      expect(outcomes()).toEqual(['written:users:id=42', 'deleted:users:id=42']);
      expect(await store.get(['users:id=42'])).toEqual([undefined]);
      const { ageMs = 0 } = reports.findLast(({ type }) => type === 'record') as { ageMs?: number };
      expect(Math.round(ageMs / 1e3)).toBeGreaterThanOrEqual(7);
      expect(ageMs).toBeLessThan(60_000);
    },
  );

  test('deletes even when it is older than what the stream brought, or comes again: no number of its says so', async () => {
    const { handler, store } = rig();
    const first = ofKinesis(record({ age: 30 }));
    for (const _time of ['once', 'again']) {
      await handler(event(record({ number: 9 })));
      await store.void(['users:id=42'], RULES);
      await store.fill(await leases(store), RULES);
      expect(await store.get(['users:id=42'])).toEqual(['{"id":"42"}']);
      await handler(first);
      expect(await store.get(['users:id=42'])).toEqual([undefined]);
    }
  });

  test('refuses what a reader read before it, and asks the next for a strong read', async () => {
    const { handler, store } = rig();
    const begun = await leases(store);
    await handler(ofKinesis(record()));
    expect(await store.fill(begun, RULES)).toEqual(['moved']);
    expect(await store.begin(['users:id=42'], RULES)).toMatchObject([{ strong: true }]);
  });

  test('ends results and what is derived from its item, as any other', async () => {
    const { handler, store } = rig({ alsoDelete: ({ keys }) => [`page:${(keys.id as { S: string }).S}`] });
    await handler(ofKinesis(record()));
    expect(store.calls).toEqual(
      expect.arrayContaining([
        ['move', ['users*']],
        ['void', ['users:id=42']],
        ['delete', ['page:42']],
      ]),
    );
    expect(store.calls.map(([method]) => method)).not.toContain('apply');
  });

  test('is said to only delete, once for each table, unless that is what its mode does anyway', async () => {
    const { handler, reports } = rig({ tables: { orders: { mode: 'invalidate' } } });
    const orders = 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-15T09:31:12.418';
    await handler(ofKinesis(record(), record({ id: '1' }), record({ arn: orders })));
    await handler(ofKinesis(record()));
    expect(reports.filter(({ type }) => type === 'invalidates-only')).toEqual([
      { type: 'invalidates-only', tableName: 'users', reason: 'no-order' },
    ]);
  });

  test('that fails is called by its number in that stream', async () => {
    const { handler, store } = rig();
    store.failWhen(userOne);
    const records = [record(), record({ id: '1' }), record({ id: '1', number: 2 }), record({ id: '2' })];
    expect(await handler(ofKinesis(...records))).toEqual(failedOf(kinesisNumber(1), kinesisNumber(2)));
  });

  test('comes through a pipe too', async () => {
    const { handler, store, outcomes } = rig();
    store.failWhen(userOne);
    const payloads = [record(), record({ id: '1' })].map((each) => kinesisPayload(each, 'MICROSECOND'));
    const response = await handler(kinesisPipe(payloads) as StreamEvent);
    expect(outcomes()).toEqual(['deleted:users:id=42', 'failed:users:id=1']);
    expect(response).toEqual(failedOf(`shardId-000000000000:${kinesisNumber(1)}`));
  });

  test.each([
    ['without its table', { dynamodb: { Keys: { id: { S: '1' } } } }, /tableName/],
    ['of no table', { temperature: 21 }, /no dynamodb.Keys/],
    ['that is no JSON', 'secret text', /^Records\[0\] .*aws:kinesis is no stream record[^"]*$/],
    ['that is a text', '"secret text"', /aws:kinesis is no stream record/],
  ])('%s is refused before anything is applied, and not quoted', async (_, payload, message) => {
    const { handler, store } = rig();
    const refused = handler(kinesisEvent([payload]));
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    await expect(refused).rejects.not.toThrow(/secret/);
    expect(store.calls).toEqual([]);
  });
});

describe('a message of a queue', () => {
  test('with a record is applied like the record, in whatever order it comes', async () => {
    const { handler, outcomes, store } = rig();
    await handler(queueEvent([record({ number: 2 })]));
    expect(await handler(queueEvent([record(), record({ id: '1' })]))).toEqual(failedOf());
    expect(outcomes()).toEqual(['written:users:id=42', 'stale:users:id=42', 'written:users:id=1']);
    expect(JSON.parse(String((await store.get(['users:id=42']))[0]))).toMatchObject({ logins: 2 });
  });

  test.each<[string, unknown]>([
    ['an event of EventBridge', { source: 'shop', detail: record() }],
    ['a list of records', [record()]],
    ['an event of Lambda', event(record())],
  ])('with %s too', async (_, body) => {
    const { handler, outcomes } = rig();
    await handler(queueEvent([body]));
    expect(outcomes()).toEqual(['written:users:id=42']);
  });

  test('is named once by its ID when any of its records fails, and the others are done', async () => {
    const { handler, store } = rig();
    store.failWhen(userOne);
    const two = [record({ id: '1' }), record({ id: '2' }), record({ id: '1', number: 2 })];
    expect(await handler(queueEvent([record(), two]))).toEqual(failedOf(messageId(1)));
    expect(await store.get(['users:id=42', 'users:id=2'])).toEqual([expect.any(String), expect.any(String)]);
  });

  test.each([
    ['of something else', { orderId: 7 }, /Not a DynamoDB stream event/],
    ['that is no JSON', 'secret text', /aws:sqs is no stream record/],
    [
      'of what Lambda gave up',
      { DDBStreamBatchInfo: {} },
      /NewReplayHandler of dynamodb-stream-cache\/operate/,
    ],
  ])('%s is refused before anything is applied, and not quoted', async (_, body, message) => {
    const { handler, store } = rig();
    const refused = handler(queueEvent([record(), body]));
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.not.toThrow(/secret/);
    expect(store.calls).toEqual([]);
  });
});

describe('a record of a pipe', () => {
  test('that fails is called by its event ID, as Pipes wants it', async () => {
    const { handler, store } = rig();
    store.failWhen(userOne);
    const records = [record(), record({ id: '1', number: 2 })];
    expect(await handler(records)).toEqual(failedOf('event-2'));
  });

  test('may carry what an enrichment put beside it', async () => {
    const { handler, outcomes } = rig();
    await handler([{ ...record(), data: 'e30=', body: 'text', sequenceNumber: '7' } as DynamoDBRecord]);
    expect(outcomes()).toEqual(['written:users:id=42']);
  });

  test('whose event ID an enrichment left out fails all: nothing else says which it was', async () => {
    const { handler, store } = rig();
    store.failWhen(userOne);
    const { eventID: _, ...nameless } = record({ id: '1' });
    await expect(handler([record(), nameless])).rejects.toThrow('told to fail');
    await expect(handler([nameless, record({ id: '2' })])).rejects.toThrow('told to fail');
    store.failWhen(() => false);
    expect(await handler([nameless])).toEqual(failedOf());
  });
});

async function leases(store: ReturnType<typeof unreliable>) {
  const [lease] = await store.begin(['users:id=42'], RULES);
  return [{ key: 'users:id=42', lease: lease as never, strong: true, value: '{"id":"42"}', ttlMs: 60_000 }];
}

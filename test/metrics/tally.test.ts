import { expect, test } from 'vitest';
import { CacheError } from '../../src/errors.js';
import { METRICS } from '../../src/metrics/names.js';
import { newTally, type Tallied } from '../../src/metrics/tally.js';
import type { RecordOutcome, Report } from '../../src/report.js';

const OUTCOMES: Record<RecordOutcome, true> = {
  written: true,
  deleted: true,
  unchanged: true,
  superseded: true,
  stale: true,
  included: true,
  late: true,
  disordered: true,
  overlapping: true,
  same: true,
  full: true,
  skipped: true,
  failed: true,
};

const records = (outcome: RecordOutcome, ageMs?: number, tableName = 'users'): Report => ({
  type: 'record',
  outcome,
  tableName,
  eventName: 'INSERT',
  sequenceNumber: '1',
  ageMs,
});
const lagging = (lagMs: number): Report => ({ ...records('written'), lagMs }) as Report;
const batch = (count: number, durationMs: number): Report => ({
  type: 'batch',
  records: count,
  outcomes: {},
  poison: 0,
  durationMs,
});
const item = { operation: 'GetItem', tableName: 'users', key: 'users:id=42' } as const;
const failure: Report = { type: 'cache-failure', operation: 'get', error: new CacheError('gone') };

function tallied(...reports: Report[]) {
  const tally = newTally();
  for (const report of reports) tally.add(report);
  return plain(tally.take());
}

function plain(taken: Tallied) {
  return Object.fromEntries([...taken].map(([table = '', metrics]) => [table, Object.fromEntries(metrics)]));
}

test('records count by table and outcome', () => {
  expect(tallied(records('written'), records('written'), records('late', 1, 'orders'))).toEqual({
    users: { RecordsWritten: [2] },
    orders: { RecordsLate: [1] },
  });
});

test('the age of a stream is that of the oldest record of each table, once per invocation', () => {
  expect(
    tallied(
      records('written', 300),
      records('written', 900),
      records('stale', 20, 'orders'),
      records('late'),
      batch(4, 12),
      records('written', 50),
      batch(1, 7),
    ),
  ).toEqual({
    users: { RecordsWritten: [3], RecordsLate: [1], StreamAge: [900, 50] },
    orders: { RecordsStale: [1], StreamAge: [20] },
    '': { BatchSize: [4, 1], BatchDuration: [12, 7] },
  });
});

test('what readers do counts by table', () => {
  expect(
    tallied(
      { type: 'hit', ...item },
      { type: 'hit', ...item },
      { type: 'miss', ...item },
      ...(['filled', 'moved', 'occupied', 'expired', 'full', 'failed'] as const).map(
        (outcome): Report => ({ type: 'fill', outcome, ...item }),
      ),
      { type: 'strong-read', operation: 'GetItem', tableName: 'users' },
      { type: 'void', outcome: 'voided', tableName: 'users', keys: ['a'] },
      { type: 'void', outcome: 'failed', tableName: 'users', keys: ['a', 'b'] },
    ).users,
  ).toEqual({
    Hits: [2],
    Misses: [1],
    FillsStored: [1],
    FillsRefused: [4],
    FillsFailed: [1],
    StrongReads: [1],
    VoidsFailed: [2],
  });
});

test('failures of the cache count for the process', () => {
  expect(tallied(failure, failure)).toEqual({ '': { CacheFailures: [2] } });
});

test('the breaker is told of where something is read: open if it was open at any time', () => {
  const tally = newTally();
  const seen = (...reports: Report[]) => {
    for (const report of reports) tally.add(report);
    return plain(tally.take())['']?.BreakerOpen;
  };
  expect(seen({ type: 'hit', ...item })).toEqual([0]);
  expect(seen()).toBeUndefined();
  expect(seen({ type: 'breaker', state: 'open' }, { type: 'breaker', state: 'closed' })).toEqual([1]);
  expect(seen({ type: 'miss', ...item })).toEqual([0]);
  expect(seen({ type: 'breaker', state: 'open' })).toEqual([1]);
  expect(seen({ type: 'miss', ...item })).toEqual([1]);
});

test('what was taken is not taken again', () => {
  const tally = newTally();
  tally.add(records('written', 10));
  tally.add(batch(1, 1));
  expect(tally.take().size).toBe(2);
  expect(tally.take().size).toBe(0);
});

test('how far the cache was behind is told of every record of an invocation, or of a hundred of them from first to last', () => {
  expect(
    tallied(lagging(300), lagging(20), records('stale'), batch(3, 1), lagging(5), batch(1, 1)).users,
  ).toEqual({
    ...{ RecordsWritten: [3], RecordsStale: [1] },
    InvalidationLag: [300, 20, 5],
  });
  const many = tallied(...Array.from({ length: 250 }, (_, ms) => lagging(ms)), batch(250, 1)).users
    ?.InvalidationLag;
  expect(many).toHaveLength(100);
  expect(many?.slice(0, 3)).toEqual([0, 2, 5]);
  expect(many?.at(-1)).toBe(247);
});

test('what was compared is counted, and what was stale of it, with its age', () => {
  const shadow = { type: 'shadow', operation: 'GetItem', tableName: 'users' } as const;
  const reports = [
    { ...shadow, outcome: 'same' },
    { ...shadow, outcome: 'changed' },
    { ...shadow, outcome: 'stale', ageMs: 0 },
    { ...shadow, outcome: 'stale', ageMs: 70 },
  ] as const;
  expect(tallied(...reports).users).toEqual({ ShadowReads: [4], StaleHits: [2], StaleHitAge: [0, 70] });
});

test('everything that can be reported comes to the metrics of the list, and all of the list come from reports', () => {
  const all = tallied(
    ...Object.keys(OUTCOMES).map((outcome) => records(outcome as RecordOutcome, 5)),
    lagging(7),
    { type: 'poison', tableName: 'users', sequenceNumber: '1', key: 'k', error: new Error('no') },
    batch(12, 3),
    { type: 'hit', ...item },
    { type: 'miss', ...item },
    { type: 'fill', outcome: 'filled', ...item },
    { type: 'fill', outcome: 'moved', ...item },
    { type: 'fill', outcome: 'failed', ...item },
    { type: 'strong-read', operation: 'Query', tableName: 'users' },
    { type: 'shadow', operation: 'GetItem', tableName: 'users', outcome: 'same' },
    { type: 'shadow', operation: 'GetItem', tableName: 'users', outcome: 'stale', ageMs: 3 },
    { type: 'undecodable', tableName: 'users', key: 'k' },
    { type: 'void', outcome: 'failed', tableName: 'users', keys: ['k'] },
    { type: 'invalidates-only', tableName: 'users', reason: 'no-new-image' },
    failure,
  );
  const emitted = { ...all.users, ...all[''] };
  expect(Object.keys(emitted).sort()).toEqual(Object.keys(METRICS).sort());
  for (const [name, { per }] of Object.entries(METRICS)) {
    expect(all[per === 'table' ? 'users' : ''], name).toHaveProperty(name);
  }
});

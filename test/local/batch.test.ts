import { describe, expect, test } from 'vitest';
import { afterInvocation, beforeInvocation, newBatch } from '../../src/local/batch.js';
import { COMPLETE_FAILURE, SUCCESS } from '../../src/local/response.js';
import { streamRecord } from '../support/scripted-stream.js';

const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((id, index) => streamRecord(id, index + 1));
const batchOf = (...records: (typeof a)[]) => newBatch(records as NonNullable<typeof a>[]);
const rules = { maximumRetryAttempts: 2, maximumRecordAgeInSeconds: -1, bisectBatchOnFunctionError: false };
const bisecting = { ...rules, bisectBatchOnFunctionError: true };

describe('after an invocation', () => {
  test('a success leaves nothing to do', () => {
    expect(afterInvocation(batchOf(a, b), SUCCESS, rules)).toEqual({ next: [] });
  });

  test('everything from the checkpoint on is delivered again, as a batch with retries of its own', () => {
    const retried = { ...batchOf(a, b, c), invocations: 2 };
    expect(afterInvocation(retried, { failedFrom: 1 }, rules)).toEqual({ next: [batchOf(b, c)] });
  });

  test('a failure as a whole delivers the same batch again after a pause', () => {
    expect(afterInvocation(batchOf(a, b), COMPLETE_FAILURE, rules)).toEqual({
      next: [{ ...batchOf(a, b), invocations: 1 }],
      backOff: true,
    });
  });

  test('a batch is given up after its first delivery and the maximum of retries', () => {
    const twiceRetried = { ...batchOf(a, b), invocations: 2 };
    expect(afterInvocation(twiceRetried, COMPLETE_FAILURE, rules)).toEqual({
      next: [],
      exhausted: { ...batchOf(a, b), invocations: 3 },
    });
    const noRetries = { ...rules, maximumRetryAttempts: 0 };
    expect(afterInvocation(batchOf(a), COMPLETE_FAILURE, noRetries).exhausted?.invocations).toBe(1);
  });

  test('without a maximum a batch is never given up', () => {
    const often = { ...batchOf(a), invocations: 1_000_000 };
    const decision = afterInvocation(often, COMPLETE_FAILURE, { ...rules, maximumRetryAttempts: -1 });
    expect(decision).toEqual({ next: [{ ...batchOf(a), invocations: 1_000_001 }], backOff: true });
  });

  test('bisecting splits a failed batch into two new ones, the first half first', () => {
    const tried = { ...batchOf(a, b, c, d, e), invocations: 1 };
    expect(afterInvocation(tried, COMPLETE_FAILURE, bisecting)).toEqual({
      next: [batchOf(a, b, c), batchOf(d, e)],
    });
  });

  test('bisecting splits at the checkpoint when there is one, and only the rest is delivered again', () => {
    expect(afterInvocation(batchOf(a, b, c, d), { failedFrom: 3 }, bisecting)).toEqual({
      next: [batchOf(d)],
    });
  });

  test('bisecting retries a record that is alone, and splitting has cost it no retry', () => {
    expect(afterInvocation(batchOf(a), COMPLETE_FAILURE, bisecting)).toEqual({
      next: [{ ...batchOf(a), invocations: 1 }],
      backOff: true,
    });
    const noRetries = { ...bisecting, maximumRetryAttempts: 0 };
    expect(afterInvocation(batchOf(a, b), COMPLETE_FAILURE, noRetries)).toEqual({
      next: [batchOf(a), batchOf(b)],
    });
  });
});

describe('before an invocation', () => {
  const now = Date.UTC(2026, 0, 1, 12);
  const aged = (id: string, seconds: number) => streamRecord(id, 1, now - seconds * 1000);
  const oneMinute = { maximumRecordAgeInSeconds: 60 };

  test('without a maximum age no record is too old', () => {
    const ancient = batchOf(aged('a', 1_000_000));
    expect(beforeInvocation(ancient, now, { maximumRecordAgeInSeconds: -1 })).toEqual({ live: ancient });
  });

  test('records older than the maximum age are given up, the others delivered', () => {
    const [old, older, young] = [aged('a', 62), aged('b', 61), aged('c', 60)];
    const batch = { ...batchOf(old, older, young), invocations: 3 };
    expect(beforeInvocation(batch, now, oneMinute)).toEqual({
      expired: { records: [old, older], invocations: 3 },
      live: { records: [young], invocations: 3 },
    });
  });

  test('nothing is left of a batch whose records are all too old', () => {
    const batch = batchOf(aged('a', 61), aged('b', 61));
    expect(beforeInvocation(batch, now, oneMinute)).toEqual({ expired: batch });
  });

  test('a record that does not say when it was made is not too old', () => {
    const batch = newBatch([{ dynamodb: {} }]);
    expect(beforeInvocation(batch, now, oneMinute)).toEqual({ live: batch });
  });
});

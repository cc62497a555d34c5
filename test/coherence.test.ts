import { describe, expect, test } from 'vitest';
import {
  contradict,
  decide,
  type Guard,
  guardAfterChange,
  guardAfterClaim,
  guardAfterFill,
  guardAfterLocalWrite,
  guardAfterRelease,
  guardAtMiss,
  heldMs,
  SLACK_MS,
} from '../src/coherence.js';

const NOW = 1_800_000_000_000;
const RULES = { lateAfterMs: 60_000, guardMs: 300_000, settleMs: 5_000 };
const MOMENT = { now: NOW, token: 'new' };

function guard(more: Partial<Guard> = {}): Guard {
  return { generation: 'old', settled: 0, ...more };
}

function record(version: string, at: number) {
  return { version, at };
}

describe('the decision table', () => {
  test.each<[name: string, Guard | undefined, version: string, at: number, decision: string]>([
    ['nothing is known', undefined, 'v1', NOW, 'write'],
    ['an older version was applied', guard({ version: 'v1', at: NOW }), 'v2', NOW, 'write'],
    ['the same version was applied', guard({ version: 'v1', at: NOW }), 'v1', NOW, 'stale'],
    ['a newer version was applied', guard({ version: 'v2', at: NOW }), 'v1', NOW, 'stale'],
    ['a newer version, made within the slack', guard({ version: 'v2', at: NOW - 2000 }), 'v1', NOW, 'stale'],
    ['a newer version, made before', guard({ version: 'v2', at: NOW - 2001 }), 'v1', NOW, 'disordered'],
    ['it is a minute old', undefined, 'v1', NOW - 60_000, 'write'],
    ['it is more than a minute old', undefined, 'v1', NOW - 60_001, 'late'],
    ['stale outranks late', guard({ version: 'v2', at: NOW - 70_000 }), 'v1', NOW - 70_000, 'stale'],
    ['late outranks included', guard({ asOf: NOW, until: NOW }), 'v1', NOW - 60_001, 'late'],
    ['a reader saw it', guard({ asOf: NOW, until: NOW }), 'v1', NOW - 3001, 'included'],
    ['a reader may not have seen it', guard({ asOf: NOW, until: NOW }), 'v1', NOW - 3000, 'overlapping'],
    [
      'a reader stored 2 s before it',
      guard({ asOf: NOW - 9000, until: NOW - 2000 }),
      'v1',
      NOW,
      'overlapping',
    ],
    ['a reader stored earlier', guard({ asOf: NOW - 9000, until: NOW - 2001 }), 'v1', NOW, 'write'],
  ])('when %s', (_name, known, version, at, decision) => {
    expect(decide(known, record(version, at), NOW, RULES)).toBe(decision);
    const isStored = () => true;
    const whenStored = decision === 'overlapping' ? 'same' : decision;
    expect(decide(known, record(version, at), NOW, RULES, isStored)).toBe(whenStored);
  });
});

describe('the guard', () => {
  test('after a write knows the version, and nothing more of readers', () => {
    const before = guard({ version: 'v1', at: NOW - 9000, asOf: NOW - 8000, until: NOW - 7000 });
    expect(guardAfterChange(before, record('v2', NOW), 'write', MOMENT, RULES)).toEqual({
      version: 'v2',
      at: NOW,
      generation: 'new',
      settled: NOW + 5000,
    });
  });

  test('after a void keeps what readers knew, under a new generation', () => {
    const before = guard({ version: 'v1', at: NOW - 9000, asOf: NOW - 1, until: NOW });
    expect(guardAfterChange(before, record('v2', NOW), 'overlapping', MOMENT, RULES)).toEqual({
      version: 'v2',
      at: NOW,
      generation: 'new',
      settled: NOW + 5000,
      asOf: NOW - 1,
      until: NOW,
    });
  });

  test('after an included record only knows its version', () => {
    const before = guard({ settled: 7, asOf: NOW - 1, until: NOW });
    expect(guardAfterChange(before, record('v2', NOW - 9000), 'included', MOMENT, RULES)).toEqual({
      ...before,
      version: 'v2',
      at: NOW - 9000,
    });
  });

  test('after the same record knows its version, and has to settle: replicas may lag behind it', () => {
    const before = guard({ settled: NOW + 10, asOf: NOW - 1, until: NOW });
    const after = { ...before, version: 'v2', at: NOW };
    expect(guardAfterChange(before, record('v2', NOW), 'same', MOMENT, RULES)).toEqual({
      ...after,
      settled: NOW + 5000,
    });
    const later = guard({ ...before, settled: NOW + 9000 });
    expect(guardAfterChange(later, record('v2', NOW), 'same', MOMENT, RULES)).toEqual({
      ...after,
      settled: NOW + 9000,
    });
  });

  test('stays as it is after a stale record', () => {
    expect(guardAfterChange(guard(), record('v1', NOW), 'stale', MOMENT, RULES)).toBeUndefined();
  });

  test('never goes back in version or time', () => {
    const newer = guard({ version: 'v3', at: NOW - 9000 });
    expect(guardAfterChange(newer, record('v1', NOW), 'disordered', MOMENT, RULES)).toMatchObject({
      version: 'v3',
      at: NOW - 9000,
    });
    const later = guard({ version: 'v1', at: NOW });
    expect(guardAfterChange(later, record('v3', NOW - 9000), 'write', MOMENT, RULES)).toMatchObject({
      version: 'v3',
      at: NOW,
    });
  });

  test('at a miss asks for nothing strong', () => {
    expect(guardAtMiss(undefined, MOMENT, RULES)).toEqual({ generation: 'new', settled: 0 });
  });

  test('at a miss is held by one reader at a time, for leaseMs', () => {
    const rules = { ...RULES, leaseMs: 25 };
    const held = guardAtMiss(guard({ version: 'v1', at: 5 }), MOMENT, rules);
    expect(held).toEqual({ version: 'v1', at: 5, generation: 'old', settled: 0, leased: NOW + 25 });
    const at = (now: number) => ({ now, token: 'newer' });
    expect(heldMs(held, NOW + 24, rules)).toBe(1);
    expect(guardAtMiss(held, at(NOW + 24), rules)).toEqual(held);
    expect(heldMs(held, NOW + 25, rules)).toBe(0);
    expect(guardAtMiss(held, at(NOW + 25), rules)).toEqual({ ...held, leased: NOW + 50 });
    expect(heldMs(held, NOW, RULES)).toBe(0);
    expect(guardAtMiss(held, at(NOW + 1), RULES)).toEqual(held);
  });

  test('is held no more when the lease is given back, by the one that holds it', () => {
    const rules = { ...RULES, leaseMs: 25 };
    const held = guard({ leased: NOW + 25 });
    expect(guardAfterRelease(held, { generation: 'old', begunAt: NOW }, false, rules)).toEqual(guard());
    expect(guardAfterRelease(held, { generation: 'old', begunAt: NOW - 1 }, false, rules)).toBeUndefined();
    expect(guardAfterRelease(held, { generation: 'older', begunAt: NOW }, false, rules)).toBeUndefined();
    expect(guardAfterRelease(undefined, { generation: 'old', begunAt: NOW }, false, rules)).toBeUndefined();
  });

  test('is not held until something changes when what was read cannot be stored', () => {
    const rules = { ...RULES, leaseMs: 25 };
    const open = guardAfterRelease(
      guard({ leased: NOW + 25 }),
      { generation: 'old', begunAt: NOW },
      true,
      rules,
    );
    expect(open).toEqual(guard({ leased: 0 }));
    expect(guardAtMiss(open, MOMENT, rules)).toEqual(open);
    expect(heldMs(open, NOW, rules)).toBe(0);
  });

  test.each(['write', 'late', 'overlapping'] as const)(
    'is held no more after a change that is %s',
    (decision) => {
      const held = guard({ leased: NOW + 25 });
      expect(guardAfterChange(held, record('v2', NOW), decision, MOMENT, RULES)?.leased).toBeUndefined();
    },
  );

  test('is held no more after a fill or a local write', () => {
    const held = guard({ leased: NOW + 25 });
    const fill = { generation: 'old', begunAt: NOW, strong: true };
    expect(guardAfterFill(held, fill, MOMENT, RULES)?.leased).toBeUndefined();
    expect(guardAfterLocalWrite(held, MOMENT, RULES).leased).toBeUndefined();
  });

  test('takes a fill of its generation once, as of when it began', () => {
    const fill = { generation: 'old', begunAt: NOW - 40, strong: true };
    const after = guardAfterFill(guard({ version: 'v1', at: 5 }), fill, MOMENT, RULES);
    expect(after).toEqual({
      version: 'v1',
      at: 5,
      generation: 'new',
      settled: NOW + 5000,
      asOf: NOW - 40,
      until: NOW,
    });
    expect(guardAfterFill(after, fill, MOMENT, RULES)).toBeUndefined();
    expect(guardAfterFill(undefined, fill, MOMENT, RULES)).toBeUndefined();
  });

  test('takes an eventually consistent fill as settleSeconds older', () => {
    const fill = { generation: 'old', begunAt: NOW - 40, strong: false };
    expect(guardAfterFill(guard(), fill, MOMENT, RULES)).toMatchObject({ asOf: NOW - 5040 });
  });

  test('after a claim is that of a local write, and held by the one that will write', () => {
    const before = guard({ version: 'v1', at: 5, leased: 0 });
    const after = guardAfterClaim(before, MOMENT, { ...RULES, leaseMs: 25 });
    expect(after).toEqual({ ...guardAfterLocalWrite(before, MOMENT, RULES), leased: NOW + 25 });
    expect(guardAfterClaim(before, MOMENT, RULES)).toEqual(guardAfterLocalWrite(before, MOMENT, RULES));
  });

  test('after a local write knows that nothing older counts', () => {
    expect(guardAfterLocalWrite(guard({ version: 'v1', at: 5 }), MOMENT, RULES)).toEqual({
      version: 'v1',
      at: 5,
      generation: 'new',
      settled: NOW + 5000,
      asOf: NOW,
      until: NOW,
    });
  });
});

test('times contradict versions only beyond the slack', () => {
  const older = { version: '1', at: 10_000 };
  expect(contradict(older, { version: '2', at: older.at - SLACK_MS })).toBe(false);
  expect(contradict(older, { version: '2', at: older.at - SLACK_MS - 1 })).toBe(true);
  expect(contradict({ version: '2', at: older.at - SLACK_MS - 1 }, older)).toBe(true);
});

test('a disordered record of the version that the guard has leaves its time as it is', () => {
  const guard = { version: '1', at: 1_000, generation: 'g', settled: 0 };
  const rules = { lateAfterMs: 60_000, guardMs: 300_000, settleMs: 5_000 };
  const moment = { now: 20_000, token: 't' };
  const after = guardAfterChange(guard, { version: '1', at: 19_000 }, 'disordered', moment, rules);
  expect(after).toMatchObject({ version: '1', at: 1_000 });
});

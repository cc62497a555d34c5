import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CacheError } from '../../src/errors.js';
import { newBreaker } from '../../src/read/breaker.js';
import { openSession } from '../../src/read/session.js';
import type { Report } from '../../src/report.js';
import { memoryStore } from '../../src/store/memory.js';
import type { CacheStore } from '../../src/store/store.js';
import { type UnreliableStore, unreliable } from '../support/stores.js';

const RULES = { lateAfterMs: 60_000, guardMs: 300_000, settleMs: 5_000 };
const FAILED = expect.any(CacheError);

let store: UnreliableStore;
let changes: string[];
beforeEach(() => {
  vi.useFakeTimers();
  store = unreliable(memoryStore());
  changes = [];
});
afterEach(() => {
  vi.useRealTimers();
});

const newBreakerNoted = () => newBreaker((state) => changes.push(state));
const open = (of: CacheStore = store, breaker = newBreakerNoted()) => openSession(of, breaker, 50);

/** How long something takes by the fake clock, in milliseconds. */
async function timed(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  let isDone = false;
  void work.then(() => {
    isDone = true;
  });
  while (!isDone) await vi.advanceTimersByTimeAsync(1);
  return performance.now() - start;
}

/** A store each of whose answers takes so many milliseconds. */
function slow(ms: number): CacheStore {
  const inner = memoryStore();
  const late = async <T>(answer: Promise<T>) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return answer;
  };
  return {
    ...inner,
    get: (keys) => late(inner.get(keys)),
    begin: (keys, rules) => late(inner.begin(keys, rules)),
    generations: (tags) => late(inner.generations(tags)),
  };
}

/** The budget of 50 ms, and a turn of the loop behind it. */
const GIVEN_UP = 52;

describe('the budget of a session', () => {
  test('ends the wait for a store that never answers, and no further operation of the call waits at all', async () => {
    store.hang();
    const session = open();
    const asked = session.get(['a', 'b']);
    expect(await timed(asked)).toBe(GIVEN_UP);
    expect(await asked).toEqual([FAILED, FAILED]);
    expect(await session.begin(['a'], RULES)).toEqual([FAILED]);
    expect(store.calls).toHaveLength(1);
  });

  test('is shared by all operations of the call', async () => {
    const session = open(slow(30));
    const [found, begun] = [session.get(['a']), session.get(['a']).then(() => session.begin(['a'], RULES))];
    expect(await timed(Promise.all([found, begun]))).toBe(GIVEN_UP);
    expect(await found).toEqual([undefined]);
    expect(await begun).toEqual([FAILED]);
  });

  test('counts operations that run at once only once', async () => {
    const session = open(slow(20));
    const both = Promise.all([session.get(['a']), session.generations(['t'])]);
    expect(await timed(both)).toBe(20);
    const begun = session.begin(['a'], RULES);
    expect(await timed(begun)).toBe(20);
    expect(await begun).toEqual([expect.objectContaining({ strong: false })]);
  });

  test("is each call's own", async () => {
    const breaker = newBreakerNoted();
    for (const _ of [1, 2, 3]) {
      const found = open(slow(40), breaker).get(['a']);
      await timed(found);
      expect(await found).toEqual([undefined]);
    }
  });

  test('does not count the time between operations', async () => {
    const session = open(slow(20));
    await timed(session.get(['a']));
    await vi.advanceTimersByTimeAsync(10_000);
    const begun = session.begin(['a'], RULES);
    await timed(begun);
    expect(await begun).toEqual([expect.objectContaining({ strong: false })]);
  });
});

describe('a session', () => {
  test.each<[string, CacheStore]>([
    ['rejects', { ...memoryStore(), get: () => Promise.reject(new Error('boom')) }],
    [
      'throws',
      {
        ...memoryStore(),
        get: () => {
          throw new Error('boom');
        },
      },
    ],
  ])('takes a store that %s for one that failed', async (_name, broken) => {
    expect(await open(broken).get(['a', 'b'])).toEqual([FAILED, FAILED]);
  });

  test('does not ask for nothing', async () => {
    expect(await open().get([])).toEqual([]);
    expect(store.calls).toEqual([]);
  });

  test('leaves the store alone while the breaker is open, and asks again after the pause', async () => {
    const breaker = newBreakerNoted();
    store.failWhen(() => true);
    for (const _ of [1, 2, 3, 4, 5]) await open(store, breaker).get(['a']);
    expect(store.calls).toHaveLength(3);
    expect(changes).toEqual(['open']);
    store.failWhen(() => false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await open(store, breaker).get(['a'])).toEqual([undefined]);
    expect(changes).toEqual(['open', 'closed']);
  });

  test('takes a cache that says no for one that is there, and goes on asking', async () => {
    const no = new CacheError('full', { answered: true });
    const full: CacheStore = { ...memoryStore(), begin: (keys) => Promise.resolve(keys.map(() => no)) };
    const breaker = newBreakerNoted();
    for (const _ of [1, 2, 3, 4, 5]) {
      const session = open(full, breaker);
      expect(await session.begin(['a'], RULES)).toEqual([no]);
      expect(await session.get(['a'])).toEqual([undefined]);
    }
    expect(changes).toEqual([]);
  });

  test('takes a cache that answers some of what it is asked for one that is there', async () => {
    const breaker = newBreakerNoted();
    store.failWhen((key) => key === 'a');
    for (const _ of [1, 2, 3, 4, 5]) {
      expect(await open(store, breaker).get(['a', 'b'])).toEqual([FAILED, undefined]);
    }
    expect(changes).toEqual([]);
  });
});

test('a session reports each operation that was asked for and failed, if only in part', async () => {
  const reports: Report[] = [];
  const inner = memoryStore();
  const failure = new CacheError('one node is gone', { answered: true });
  const partly: CacheStore = {
    ...inner,
    get: async (keys) => [failure, ...(await inner.get(keys.slice(1)))],
    begin: () => new Promise(() => {}),
  };
  const session = openSession(partly, newBreakerNoted(), 50, (report) => reports.push(report));
  expect(await session.get(['a', 'b'])).toEqual([failure, undefined]);
  expect(await session.generations(['t'])).toEqual([undefined]);
  await timed(session.begin(['a'], RULES));
  await session.begin(['a'], RULES); // no longer asked: the budget is gone
  expect(reports).toEqual([
    { type: 'cache-failure', operation: 'get', error: failure },
    { type: 'cache-failure', operation: 'begin', error: FAILED },
  ]);
});

import { CacheError, isCacheError, toError } from '../errors.js';
import type { CacheFailureReport, Report } from '../report.js';
import type { CacheStore, CallOptions, Settled } from '../store/store.js';
import type { Breaker } from './breaker.js';
import { unlessAborted } from './call.js';
import { openPatience, type Patience } from './patience.js';

/** The store for the length of one SDK call. Like any store it never rejects; it also never takes long. */
export interface Session extends Omit<CacheStore, 'apply' | 'close'> {
  /** Waits a little, which is a part of the budget. False, at once, when too little of it would be left to store what is read. */
  pause(ms: number, signal?: AbortSignal): Promise<boolean>;
}

/** The share of the budget that is not waited away: who waits in vain reads the table, and stores what it read. */
const RESERVE = 0.2;

/** How much later a store gives up by itself, in milliseconds: long after nobody waits for it any more. */
const STORE_MS = 2_000;

/**
 * Opens a store for one SDK call: all its cache operations together may take `budgetMs`, and none is tried while the
 * breaker is open. What was not tried or not done in time is a {@link CacheError}, as for every store.
 */
export function openSession(
  store: CacheStore,
  breaker: Breaker,
  budgetMs: number,
  report: (report: Report) => void = () => {},
): Session {
  let left = budgetMs;
  let underWay = 0;
  let since = 0;

  /** What is left of the budget. Time counts once, however many operations are under way in it. */
  const remaining = () => (underWay === 0 ? left : left - (performance.now() - since));

  async function spend<T>(work: () => Promise<T>): Promise<T> {
    if (underWay === 0) since = performance.now();
    underWay += 1;
    try {
      return await work();
    } finally {
      underWay -= 1;
      if (underWay === 0) left -= performance.now() - since;
    }
  }

  async function within<T>(
    operation: CacheFailureReport['operation'],
    count: number,
    ask: (options: CallOptions) => Promise<Settled<T>[]>,
  ): Promise<Settled<T>[]> {
    if (count === 0) return [];
    const patienceMs = remaining();
    if (patienceMs <= 0) return failures(count, 'this call has waited long enough for it');
    if (!breaker.allows()) return failures(count, 'it is given a pause, since it did not answer');

    const patience = openPatience(patienceMs, () => breaker.successes);
    const answers = await spend(() =>
      // The store's own deadline comes later: it does not tell a late answer from a late look at it.
      inTime(() => ask({ deadline: Date.now() + patienceMs + STORE_MS, unref: true }), patience, count),
    );
    const error = answers.find(isCacheError);
    if (error !== undefined) report({ type: 'cache-failure', operation, error });
    // A cache that says no is there; only one that is silent is better left alone.
    if (answers.every((answer) => isCacheError(answer) && !answer.answered)) {
      left = 0; // what failed now will not do better in the next few milliseconds
      if (!patience.wasLate()) breaker.failed();
    } else {
      breaker.succeeded();
    }
    return answers;
  }

  return {
    get: (keys) => within('get', keys.length, (options) => store.get(keys, options)),
    begin: (keys, rules) => within('begin', keys.length, (options) => store.begin(keys, rules, options)),
    release: (released, rules) =>
      within('release', released.length, (options) => store.release(released, rules, options)),
    fill: (fills, rules) => within('fill', fills.length, (options) => store.fill(fills, rules, options)),
    void: (keys, rules) => within('void', keys.length, (options) => store.void(keys, rules, options)),
    claim: (keys, rules) => within('claim', keys.length, (options) => store.claim(keys, rules, options)),
    move: (tags, rules) => within('move', tags.length, (options) => store.move(tags, rules, options)),
    generations: (tags) => within('generations', tags.length, (options) => store.generations(tags, options)),
    delete: (keys) => within('delete', keys.length, (options) => store.delete(keys, options)),
    put: (results) => within('put', results.length, (options) => store.put(results, options)),
    async pause(ms, signal) {
      if (remaining() - ms < RESERVE * budgetMs) return false;
      const over = new Promise<void>((resolve) => setTimeout(resolve, ms));
      await spend(() => unlessAborted(over, signal));
      return true;
    },
  };
}

/** A store's answers, or failures in their place when it rejects or does not keep to its time. */
async function inTime<T>(
  ask: () => Promise<Settled<T>[]>,
  patience: Patience,
  count: number,
): Promise<Settled<T>[]> {
  try {
    return await Promise.race([ask(), patience.over.then(() => failures(count, 'it took too long'))]);
  } catch (thrown) {
    return failures(count, `the store threw ${toError(thrown).name}`);
  } finally {
    patience.end();
  }
}

function failures(count: number, why: string): CacheError[] {
  return new Array(count).fill(new CacheError(`The cache was not asked or did not answer: ${why}.`));
}

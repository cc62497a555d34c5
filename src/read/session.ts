import { CacheError, toError } from '../errors.js';
import type { CacheStore, CallOptions, Settled } from '../store/store.js';
import type { Breaker } from './breaker.js';

/** The store for the length of one SDK call. Like any store it never rejects; it also never takes long. */
export type Session = Omit<CacheStore, 'apply' | 'delete' | 'close'>;

/**
 * Opens a store for one SDK call: all its cache operations together may take `budgetMs`, and none is tried while the
 * breaker is open. What was not tried or not done in time is a {@link CacheError}, as for every store.
 */
export function openSession(store: CacheStore, breaker: Breaker, budgetMs: number): Session {
  let left = budgetMs;

  async function within<T>(
    count: number,
    ask: (options: CallOptions) => Promise<Settled<T>[]>,
  ): Promise<Settled<T>[]> {
    if (count === 0) return [];
    if (left <= 0) return failures(count, 'this call has waited long enough for it');
    if (!breaker.allows()) return failures(count, 'it is given a pause, since it did not answer');

    const start = performance.now();
    const answers = await inTime(ask({ deadline: Date.now() + left }), left, count);
    left -= performance.now() - start;
    if (answers.every((answer) => answer instanceof CacheError)) {
      left = 0; // what failed now will not do better in the next few milliseconds
      breaker.failed();
    } else {
      breaker.succeeded();
    }
    return answers;
  }

  return {
    get: (keys) => within(keys.length, (options) => store.get(keys, options)),
    begin: (keys, rules) => within(keys.length, (options) => store.begin(keys, rules, options)),
    fill: (fills, rules) => within(fills.length, (options) => store.fill(fills, rules, options)),
    void: (keys, rules) => within(keys.length, (options) => store.void(keys, rules, options)),
    move: (tags, rules) => within(tags.length, (options) => store.move(tags, rules, options)),
    generations: (tags) => within(tags.length, (options) => store.generations(tags, options)),
    put: (results) => within(results.length, (options) => store.put(results, options)),
  };
}

/** A store's answers, or failures in their place when it rejects or does not keep to its deadline. */
async function inTime<T>(
  answers: Promise<Settled<T>[]>,
  budgetMs: number,
  count: number,
): Promise<Settled<T>[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Settled<T>[]>((resolve) => {
    timer = setTimeout(() => resolve(failures(count, 'it took too long')), budgetMs);
  });
  try {
    return await Promise.race([answers, late]);
  } catch (thrown) {
    return failures(count, `the store threw ${toError(thrown).name}`);
  } finally {
    clearTimeout(timer);
  }
}

function failures(count: number, why: string): CacheError[] {
  return new Array(count).fill(new CacheError(`The cache was not asked or did not answer: ${why}.`));
}

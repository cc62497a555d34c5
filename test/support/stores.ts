import { CacheError } from '../../src/errors.js';
import type { CacheStore, StoreChange } from '../../src/store/store.js';

/** A store in front of another, of which single operations can be told to fail. */
export interface UnreliableStore extends CacheStore {
  /** Which calls were made, with the keys they were about. */
  readonly calls: [method: string, keys: string[]][];
  /** From now on, operations on keys of which this is true are not confirmed. */
  failWhen(fails: (key: string, method: string) => boolean): void;
  /** From now on, calls never come to an end. */
  hang(): void;
  /** From now on, calls reject, which a store should not do. */
  reject(error: unknown): void;
}

export function unreliable(inner: CacheStore): UnreliableStore {
  const calls: [string, string[]][] = [];
  let fails = (_key: string, _method: string) => false;
  let mishap: (() => Promise<never>) | undefined;

  /** Passes on what does not fail, and puts the answers back in their places. */
  async function pass<T, R>(
    method: string,
    inputs: readonly T[],
    keyOf: (input: T) => string,
    call: (inputs: T[]) => Promise<R[]>,
  ) {
    const keys = inputs.map(keyOf);
    // The look at the switch of the readers, from time to time, is of no interest to tests of other things.
    if (!keys.every((key) => key.endsWith(':switch'))) calls.push([method, keys]);
    if (mishap) return mishap();
    const answers = (await call(inputs.filter((input) => !fails(keyOf(input), method)))).values();
    return inputs.map((input) =>
      fails(keyOf(input), method) ? new CacheError('told to fail') : (answers.next().value as R),
    );
  }

  const self = (key: string) => key;
  return {
    calls,
    failWhen(when) {
      fails = when;
    },
    hang() {
      mishap = () => new Promise(() => {});
    },
    reject(error) {
      mishap = () => Promise.reject(error);
    },
    get: (keys) => pass('get', keys, self, (some) => inner.get(some)),
    apply: (changes, rules) =>
      pass(
        'apply',
        changes,
        (change: StoreChange) => change.key,
        (some) => inner.apply(some, rules),
      ),
    begin: (keys, rules) => pass('begin', keys, self, (some) => inner.begin(some, rules)),
    release: (released, rules) =>
      pass(
        'release',
        released,
        ({ key }) => key,
        (some) => inner.release(some, rules),
      ),
    fill: (fills, rules) =>
      pass(
        'fill',
        fills,
        (fill) => fill.key,
        (some) => inner.fill(some, rules),
      ),
    void: (keys, rules) => pass('void', keys, self, (some) => inner.void(some, rules)),
    claim: (keys, rules) => pass('claim', keys, self, (some) => inner.claim(some, rules)),
    move: (tags, rules) => pass('move', tags, self, (some) => inner.move(some, rules)),
    generations: (tags) => pass('generations', tags, self, (some) => inner.generations(some)),
    put: (results) =>
      pass(
        'put',
        results,
        (result) => result.key,
        (some) => inner.put(some),
      ),
    delete: (keys) => pass('delete', keys, self, (some) => inner.delete(some)),
    close: () => inner.close(),
  };
}

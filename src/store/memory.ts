import type { Guard, Moment } from '../coherence.js';
import * as steps from './steps.js';
import type { CacheStore } from './store.js';

/**
 * A cache inside this process, for trying things out and for tests: it lives and dies with the process, is shared
 * with nobody, and keeps what has not expired without a limit.
 *
 * @param now the clock, milliseconds since the epoch; the system's by default
 */
export function memoryStore(now: () => number = Date.now): CacheStore {
  return openMemory(now).store;
}

/** A memory store together with its state, for tests that compare it with another store's. */
export function openMemory(now: () => number) {
  const values = expiringMap<string>(now);
  const guards = expiringMap<Guard>(now);
  let taken = 0;

  function cellOf(key: string): steps.Cell {
    return {
      get value() {
        return values.get(key);
      },
      get guard() {
        return guards.get(key);
      },
      store: (value, ttlMs) => values.set(key, value, ttlMs),
      drop: () => values.delete(key),
      keep: (guard, guardMs) => guards.set(key, guard, guardMs),
    };
  }

  /** One script call of the Redis store: a single moment for everything in it. */
  function atOnce<Input extends string | { readonly key: string }, Output>(
    inputs: readonly Input[],
    step: (cell: steps.Cell, input: Input, moment: Moment) => Output,
  ) {
    taken += 1;
    const moment = { now: now(), token: String(taken) };
    const outcomes = inputs.map((input) =>
      step(cellOf(typeof input === 'string' ? input : input.key), input, moment),
    );
    return Promise.resolve(outcomes);
  }

  const store: CacheStore = {
    get: (keys) => Promise.resolve(keys.map((key) => values.get(key))),
    apply: (changes, rules) =>
      atOnce(changes, (cell, change, moment) => steps.apply(cell, change, moment, rules)),
    begin: (keys, rules) => atOnce(keys, (cell, _key, moment) => steps.begin(cell, moment, rules)),
    release: (released, rules) => atOnce(released, (cell, each) => steps.release(cell, each, rules)),
    fill: (fills, rules) => atOnce(fills, (cell, entry, moment) => steps.fill(cell, entry, moment, rules)),
    void: (keys, rules) => atOnce(keys, (cell, _key, moment) => steps.voidItem(cell, moment, rules)),
    claim: (keys, rules) => atOnce(keys, (cell, _key, moment) => steps.claim(cell, moment, rules)),
    move: (tags, rules) => atOnce(tags, (cell, _tag, moment) => steps.move(cell, moment, rules)),
    generations: (tags) => Promise.resolve(tags.map((tag) => guards.get(tag)?.generation)),
    put: (results) => Promise.resolve(results.map((result) => steps.put(cellOf(result.key), result))),
    delete: (keys) => {
      for (const key of keys) values.delete(key);
      return Promise.resolve(keys.map(() => 'deleted'));
    },
    close: () => Promise.resolve(),
  };
  return { store, values, guards };
}

/** A map whose entries are gone once their time to live is over. */
function expiringMap<T>(now: () => number) {
  const entries = new Map<string, { value: T; expiresAt: number }>();
  return {
    get(key: string): T | undefined {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (now() < entry.expiresAt) return entry.value;
      entries.delete(key);
      return undefined;
    },
    set(key: string, value: T, ttlMs: number): void {
      entries.set(key, { value, expiresAt: now() + ttlMs });
    },
    delete(key: string): void {
      entries.delete(key);
    },
    clear(): void {
      entries.clear();
    },
  };
}

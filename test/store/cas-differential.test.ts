import { expect, test } from 'vitest';
import { decodeEntry, type Entry, NOTHING } from '../../src/store/cas/entry.js';
import { casStore } from '../../src/store/cas/store.js';
import { openMemory } from '../../src/store/memory.js';
import type { Lease } from '../../src/store/store.js';
import { mapDriver } from '../support/map-driver.js';
import { compare, FOREVER, type Pair, perform, START, type Step } from './random-steps.js';

test(
  'memory and a store that can compare and set give the same outcomes and states for the same random steps',
  {
    timeout: 120_000,
  },
  () => compare(newPair),
);

function newPair(): Pair {
  let now = START;
  const leases: [Lease[], Lease[]] = [[], []];
  const memory = openMemory(() => now);
  const driver = mapDriver(() => now);
  const store = casStore(driver, { now: () => now, clocksApartMs: 0 });

  function expectSameState(key: string): void {
    const text = driver.entries.get(key)?.text;
    const { value, guard } = text === undefined ? NOTHING : (decodeEntry(text, now) as Entry);
    expect({ value, guard: withoutToken(guard) }).toEqual({
      value: memory.values.get(key),
      guard: withoutToken(memory.guards.get(key)),
    });
  }

  async function take(next: Step): Promise<[unknown, unknown]> {
    const key = 'item' in next ? next.item : '';
    const given = [
      await perform(memory.store, next, key, now, leases[0]),
      await perform(store, next, key, now, leases[1]),
    ].map(withoutToken);
    expectSameState(key);
    return given as [unknown, unknown];
  }

  return {
    async both(next) {
      if (next.does === 'wait') now += (next as { interval: number }).interval;
      const key = 'item' in next ? next.item : '';
      if (next.does === 'loseGuard') {
        memory.guards.delete(key);
        const value = memory.values.get(key);
        if (value === undefined) await driver.delete([key]);
        else await driver.set([{ key, text: value, ttlMs: FOREVER }]);
      }
      // A moved tag takes the place of all that was there: of tags, nothing is.
      if (next.does === 'move') await take({ does: 'loseValue', item: key } as Step);
      return take(next);
    },
  };
}

/** Each store has tokens of its own: whether they stand for the same is seen from what fills become. */
function withoutToken(of: unknown): unknown {
  return typeof of === 'object' && of !== null ? { ...of, generation: undefined } : of;
}

import { expect, test } from 'vitest';
import { memoryStore, openMemory } from '../../src/store/memory.js';
import { change, RULES, testStore } from '../contract/store-contract.js';
import { newClock } from '../read/rig.js';

testStore('memory', () => memoryStore());

test('a value lives for its own time, but not beyond that of its item', async () => {
  const clock = newClock();
  const { store } = openMemory(clock.now);
  const changes = [
    change('a', 1, { at: clock.now(), ttlMs: 10_000 }),
    change('b', 1, { at: clock.now(), ttlMs: 10_000, expiresAt: clock.now() + 5_000 }),
    change('c', 1, { at: clock.now(), ttlMs: 5_000, expiresAt: clock.now() + 10_000 }),
  ];
  await store.apply(changes, RULES);
  clock.pass(4_999);
  expect(await store.get(['a', 'b', 'c'])).toEqual(['"v1"', '"v1"', '"v1"']);
  clock.pass(1);
  expect(await store.get(['a', 'b', 'c'])).toEqual(['"v1"', undefined, undefined]);
});

test('an item whose own time is over this very moment is neither written nor filled', async () => {
  const clock = newClock();
  const { store } = openMemory(clock.now);
  const over = { at: clock.now(), expiresAt: clock.now() };
  expect(await store.apply([change('a', 1, over)], RULES)).toEqual(['deleted']);
  const [lease] = await store.begin(['b'], RULES);
  const fill = {
    key: 'b',
    lease: lease as never,
    strong: true,
    value: '"x"',
    ttlMs: 10_000,
    expiresAt: clock.now(),
  };
  expect(await store.fill([fill], RULES)).toEqual(['expired']);
});

test('a guard lives for guardMs after the last step, and a miss begins its time anew', async () => {
  const clock = newClock();
  const { store, guards } = openMemory(clock.now);
  await store.move(['a'], RULES);
  clock.pass(RULES.guardMs - 1);
  expect(guards.get('a')).toBeDefined();
  await store.begin(['a'], RULES);
  clock.pass(RULES.guardMs - 1);
  expect(guards.get('a')).toBeDefined();
  clock.pass(1);
  expect(guards.get('a')).toBeUndefined();
});

test('who is told to wait for another reader does not lengthen the time of the guard', async () => {
  const clock = newClock();
  const { store, guards } = openMemory(clock.now);
  const rules = { ...RULES, guardMs: 1_000, leaseMs: 500 };
  await store.begin(['a'], rules);
  clock.pass(400);
  expect(await store.begin(['a'], rules)).toMatchObject([{ heldMs: 100 }]);
  clock.pass(600);
  expect(guards.get('a')).toBeUndefined();
});

test('a lease asks for a strong read until the item has settled, not a moment longer', async () => {
  const clock = newClock();
  const { store } = openMemory(clock.now);
  await store.move(['a'], RULES);
  clock.pass(RULES.settleMs - 1);
  expect(await store.begin(['a'], RULES)).toMatchObject([{ strong: true }]);
  clock.pass(1);
  expect(await store.begin(['a'], RULES)).toMatchObject([{ strong: false }]);
});

test('closing takes the form of every store, and clearing forgets values', async () => {
  const { store, values } = openMemory(Date.now);
  expect(store.close()).toBeInstanceOf(Promise);
  values.set('a', '1', 10_000);
  values.clear();
  expect(values.get('a')).toBeUndefined();
});

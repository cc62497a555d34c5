import { describe, expect, test } from 'vitest';
import { newUnvoided, unvoidedIn } from '../../src/read/unvoided.js';
import { newClock } from './rig.js';

const names = (count: number, prefix = 'name') => Array.from({ length: count }, (_, n) => `${prefix} ${n}`);

test('a name is noted until it is removed', () => {
  const unvoided = newUnvoided(1_000, newClock(0).now);
  expect(unvoided.isEmpty).toBe(true);
  unvoided.add('keys', 'users', ['a', 'b']);
  const note = unvoided.note('keys', 'users', 'a');
  expect(note).toBeDefined();
  unvoided.remove('keys', 'users', 'a', note as object as { until: number });
  expect(unvoided.has('keys', 'users', 'a')).toBe(false);
  expect(unvoided.has('keys', 'users', 'b')).toBe(true);
});

test('a name is that of one table, and a key or a tag', () => {
  const unvoided = newUnvoided(1_000, newClock(0).now);
  unvoided.add('keys', 'users', ['a']);
  expect(unvoided.has('keys', 'orders', 'a')).toBe(false);
  expect(unvoided.has('tags', 'users', 'a')).toBe(false);
});

test('a note of a later write is not removed with that of an earlier one', () => {
  const unvoided = newUnvoided(1_000, newClock(0).now);
  unvoided.add('keys', 'users', ['a']);
  const first = unvoided.note('keys', 'users', 'a');
  unvoided.add('keys', 'users', ['a']);
  if (first) unvoided.remove('keys', 'users', 'a', first);
  expect(unvoided.has('keys', 'users', 'a')).toBe(true);
});

test('a note ends when all that was cached before the write has ended', () => {
  const clock = newClock(0);
  const unvoided = newUnvoided(1_000, clock.now);
  unvoided.add('keys', 'users', ['a']);
  clock.pass(999);
  expect(unvoided.has('keys', 'users', 'a')).toBe(true);
  clock.pass(1);
  expect(unvoided.has('keys', 'users', 'a')).toBe(false);
  expect(unvoided.isEmpty).toBe(true);
});

test('a later write makes the note last longer', () => {
  const clock = newClock(0);
  const unvoided = newUnvoided(1_000, clock.now);
  unvoided.add('keys', 'users', ['a']);
  clock.pass(900);
  unvoided.add('keys', 'users', ['a']);
  clock.pass(900);
  expect(unvoided.has('keys', 'users', 'a')).toBe(true);
});

describe('what would grow without end', () => {
  test('of more than 100,000 names those of the table with most widen to the table: none is forgotten', () => {
    const clock = newClock(0);
    const unvoided = newUnvoided(1_000, clock.now);
    unvoided.add('keys', 'orders', ['o']);
    unvoided.add('keys', 'users', names(99_999));
    expect(unvoided.has('keys', 'users', 'another')).toBe(false);
    unvoided.add('tags', 'orders', ['t']);
    expect(unvoided.has('keys', 'users', 'name 0')).toBe(true);
    expect(unvoided.has('keys', 'users', 'another')).toBe(true);
    expect(unvoided.note('keys', 'users', 'name 0')).toBeUndefined();
    expect(unvoided.has('tags', 'users', 'another')).toBe(false);
    expect(unvoided.has('keys', 'orders', 'o')).toBe(true);
    expect(unvoided.has('keys', 'orders', 'another')).toBe(false);
    clock.pass(1_000);
    expect(unvoided.has('keys', 'users', 'name 0')).toBe(false);
    expect(unvoided.isEmpty).toBe(true);
  });

  test('names whose time is over make room for others', () => {
    const clock = newClock(0);
    const unvoided = newUnvoided(1_000, clock.now);
    unvoided.add('keys', 'users', names(90_000));
    clock.pass(1_000);
    unvoided.add('keys', 'users', names(90_000, 'new'));
    expect(unvoided.has('keys', 'users', 'another')).toBe(false);
  });

  test('of more than 10,000 tables everything is noted', () => {
    const unvoided = newUnvoided(1_000, newClock(0).now);
    for (const table of names(10_000, 'table')) unvoided.addAll('keys', table);
    expect(unvoided.has('keys', 'another', 'a')).toBe(false);
    unvoided.addAll('keys', 'one more');
    expect(unvoided.has('keys', 'another', 'a')).toBe(true);
    expect(unvoided.has('keys', 'table 0', 'a')).toBe(true);
    expect(unvoided.has('tags', 'another', 'a')).toBe(true);
  });

  test('items whose key nobody knows, beyond 16 MiB, widen to their table', () => {
    const unvoided = newUnvoided(1_000, newClock(0).now);
    const attributes = { text: { S: 'x'.repeat(1_000) } };
    for (let index = 0; index < 20_000; index += 1) unvoided.addItem('users', attributes);
    expect(unvoided.hasItems('users')).toBe(false);
    unvoided.resolve('users', () => 'key');
    expect(unvoided.has('keys', 'users', 'another')).toBe(true);
  });
});

describe('items of which nobody knows which attributes are their key', () => {
  test('keep all of their table from being read until their keys are made, and then those keys', () => {
    const unvoided = newUnvoided(1_000, newClock(0).now);
    unvoided.addItem('users', { id: { S: '1' } });
    unvoided.addItem('users', { id: { S: '2' } });
    expect(unvoided.has('keys', 'users', 'another')).toBe(true);
    expect(unvoided.has('tags', 'users', 'a tag')).toBe(false);
    unvoided.resolve('users', ({ id }) => (id as { S: string }).S);
    expect(['1', '2', '3'].map((key) => unvoided.has('keys', 'users', key))).toEqual([true, true, false]);
    expect(unvoided.oldest('users', 1).map(([key]) => key)).toEqual(['1']);
  });

  test('widen to their table when of one of them no key can be made', () => {
    const unvoided = newUnvoided(1_000, newClock(0).now);
    unvoided.addItem('users', { id: { S: '1' } });
    unvoided.resolve('users', () => undefined);
    expect(unvoided.has('keys', 'users', 'another')).toBe(true);
  });

  test('are forgotten when all that was cached before the last of them has ended', () => {
    const clock = newClock(0);
    const unvoided = newUnvoided(1_000, clock.now);
    unvoided.addItem('users', { id: { S: '1' } });
    clock.pass(600);
    unvoided.addItem('users', { id: { S: '2' } });
    clock.pass(600);
    expect(unvoided.has('keys', 'users', '1')).toBe(true);
    clock.pass(400);
    expect(unvoided.has('keys', 'users', '1')).toBe(false);
    expect(unvoided.isEmpty).toBe(true);
  });
});

test('the readers of one cache and namespace share their notes, kept for as long as any of them needs', () => {
  const cache = {};
  const one = unvoidedIn(cache, 'n', 1_000);
  expect(unvoidedIn(cache, 'n', 2_000)).toBe(one);
  expect(unvoidedIn(cache, undefined, 1_000)).not.toBe(one);
  expect(unvoidedIn({}, 'n', 1_000)).not.toBe(one);
  expect(unvoidedIn('host:6379/0', 'n', 1_000)).toBe(unvoidedIn('host:6379/0', 'n', 1_000));
});

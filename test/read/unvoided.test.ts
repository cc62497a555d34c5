import { expect, test } from 'vitest';
import { newUnvoided } from '../../src/read/unvoided.js';
import { newClock } from './rig.js';

test('a name is noted until it is removed', () => {
  const unvoided = newUnvoided(1_000, newClock(0).now);
  expect(unvoided.isEmpty).toBe(true);
  unvoided.add(['a', 'b']);
  const note = unvoided.note('a');
  expect(note).toBeDefined();
  unvoided.remove('a', note as object as { until: number });
  expect(unvoided.note('a')).toBeUndefined();
  expect(unvoided.note('b')).toBeDefined();
});

test('a note of a later write is not removed with that of an earlier one', () => {
  const unvoided = newUnvoided(1_000, newClock(0).now);
  unvoided.add(['a']);
  const first = unvoided.note('a');
  unvoided.add(['a']);
  if (first) unvoided.remove('a', first);
  expect(unvoided.note('a')).toBeDefined();
});

test('a note ends when all that was cached before the write has ended', () => {
  const clock = newClock(0);
  const unvoided = newUnvoided(1_000, clock.now);
  unvoided.add(['a']);
  clock.pass(999);
  expect(unvoided.note('a')).toBeDefined();
  clock.pass(1);
  expect(unvoided.note('a')).toBeUndefined();
  expect(unvoided.isEmpty).toBe(true);
});

test('a later write makes the note last longer', () => {
  const clock = newClock(0);
  const unvoided = newUnvoided(1_000, clock.now);
  unvoided.add(['a']);
  clock.pass(900);
  unvoided.add(['a']);
  clock.pass(900);
  expect(unvoided.note('a')).toBeDefined();
});

test('of more than 100,000 names the oldest are given up', () => {
  const unvoided = newUnvoided(1_000, newClock(0).now);
  unvoided.add(['oldest', 'renewed']);
  unvoided.add(Array.from({ length: 99_998 }, (_, index) => `name ${index}`));
  unvoided.add(['renewed']);
  unvoided.add(['one more']);
  expect(unvoided.note('oldest')).toBeUndefined();
  expect(unvoided.note('renewed')).toBeDefined();
  expect(unvoided.note('one more')).toBeDefined();
});

import { beforeEach, expect, test } from 'vitest';
import { type Breaker, newBreaker } from '../../src/read/breaker.js';
import { newClock } from './rig.js';

let clock: ReturnType<typeof newClock>;
let changes: string[];
let breaker: Breaker;

beforeEach(() => {
  clock = newClock(0);
  changes = [];
  breaker = newBreaker((state) => changes.push(state), clock.now);
});

function fail(times: number): void {
  for (let n = 0; n < times; n += 1) breaker.failed();
}

/** How long nobody is allowed to ask, in milliseconds. */
function pause(): number {
  const start = clock.now();
  while (!breaker.allows()) clock.pass(1);
  return clock.now() - start;
}

test('opens after three failures in a row, and says so once', () => {
  fail(2);
  expect(breaker.allows()).toBe(true);
  fail(1);
  expect(breaker.allows()).toBe(false);
  fail(1);
  expect(changes).toEqual(['open']);
});

test('stays closed while something succeeds now and then', () => {
  for (let n = 0; n < 10; n += 1) {
    fail(2);
    breaker.succeeded();
  }
  expect(breaker.allows()).toBe(true);
  expect(changes).toEqual([]);
});

test('lets one ask after a second, and the others wait', () => {
  fail(3);
  expect(pause()).toBe(1_000);
  expect(breaker.allows()).toBe(false);
});

test('closes when that one succeeds', () => {
  fail(3);
  pause();
  breaker.succeeded();
  expect(breaker.allows()).toBe(true);
  expect(breaker.allows()).toBe(true);
  expect(changes).toEqual(['open', 'closed']);
});

test('pauses twice as long each time that one fails, up to half a minute, and a second again after a success', () => {
  fail(3);
  const pauses = Array.from({ length: 7 }, () => {
    const lasted = pause();
    breaker.failed();
    return lasted;
  });
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  pause();
  breaker.succeeded();
  fail(3);
  expect(pause()).toBe(1_000);
});

test('does not pause longer because many were asking when it opened', () => {
  fail(40);
  expect(pause()).toBe(1_000);
});

test('lets somebody else ask when the one that asked never comes back', () => {
  fail(3);
  expect(pause()).toBe(1_000);
  expect(pause()).toBe(1_000);
});

test('closes when a late answer shows that the cache is there', () => {
  fail(3);
  breaker.succeeded();
  expect(breaker.allows()).toBe(true);
});

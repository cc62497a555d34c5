import { expect, test } from 'vitest';
import { newFlights } from '../../src/read/flights.js';

test('those who have the same lease get what its read found', async () => {
  const flights = newFlights();
  const flight = flights.start('lease');
  const waiting = [flights.get('lease'), flights.get('lease')];
  flight.land('found');
  expect(await Promise.all(waiting)).toEqual(['found', 'found']);
  expect(await flights.get('lease')).toBe('found');
});

test('those who have another lease have nothing to wait for', () => {
  const flights = newFlights();
  flights.start('lease');
  expect(flights.get('other')).toBeUndefined();
});

test('a read that ends without having landed came to nothing, and nobody waits for it any more', async () => {
  const flights = newFlights();
  const flight = flights.start('lease');
  const waiting = flights.get('lease');
  flight.end();
  expect(await waiting).toBeUndefined();
  expect(flights.get('lease')).toBeUndefined();
});

test('a read that landed has nothing more to say when it ends', async () => {
  const flights = newFlights();
  const flight = flights.start('lease');
  const waiting = flights.get('lease');
  flight.land('found');
  flight.end();
  expect(await waiting).toBe('found');
  expect(flights.get('lease')).toBeUndefined();
});

test('the end of a read leaves a later one of the same lease alone', async () => {
  const flights = newFlights();
  const first = flights.start('lease');
  const second = flights.start('lease');
  first.end();
  const waiting = flights.get('lease');
  second.land('second');
  expect(await waiting).toBe('second');
});

import { expect, test } from 'vitest';
import { gather, hold } from '../../src/local/gather.js';
import { streamRecord } from '../support/scripted-stream.js';

const MB = 1024 * 1024;
const recordOf = (bytes: number) => {
  const empty = hold({ eventID: '' }).bytes;
  return hold({ eventID: 'x'.repeat(bytes - empty) });
};

test('a batch takes what there is, up to the batch size', () => {
  const held = [1, 2, 3].map((number) => hold(streamRecord('a', number)));
  expect(gather(held, 5)).toEqual({ count: 3, isFull: false });
  expect(gather(held, 3)).toEqual({ count: 3, isFull: true });
  expect(gather(held, 2)).toEqual({ count: 2, isFull: true });
  expect(gather([], 2)).toEqual({ count: 0, isFull: false });
});

test('a batch is full when the next record would make its event larger than 6 MB', () => {
  const fits = [recordOf(3 * MB), recordOf(3 * MB - '{"Records":[,]}'.length)];
  const event = JSON.stringify({ Records: fits.map(({ record }) => record) });
  expect(Buffer.byteLength(event)).toBe(6 * MB);
  expect(gather(fits, 100)).toEqual({ count: 2, isFull: false });
  expect(gather([...fits, recordOf(100)], 100)).toEqual({ count: 2, isFull: true });
  expect(gather([recordOf(3 * MB), recordOf(3 * MB)], 100)).toEqual({ count: 1, isFull: true });
});

test('bytes are counted, not characters', () => {
  const held = ['é'.repeat(2 * MB), 'é'.repeat(2 * MB)].map((eventID) => hold({ eventID }));
  expect(gather(held, 100)).toEqual({ count: 1, isFull: true });
});

test('a record that is too large by itself goes alone', () => {
  expect(gather([recordOf(7 * MB), recordOf(100)], 100)).toEqual({ count: 1, isFull: true });
});

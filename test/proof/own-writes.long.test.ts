import { expect, test } from 'vitest';
import { fuzzOwnWrites } from '../../proof/fuzz/own-writes.js';
import { rounds } from '../support/thorough.js';

/** The short form of `npm run proof:fuzz -- --only writes`. */
const options = { runs: rounds(200, 400), seed: 1, endOnFailure: true };

test('after own writes, and after what the stream brings in any shape and order, all read as without a cache', {
  timeout: 120_000,
}, async () => {
  const { inputs, outcomes } = await fuzzOwnWrites(options);
  expect(inputs).toBeGreaterThan(options.runs / 2);
  for (const operation of ['PutItem', 'UpdateItem', 'BatchWriteItem', 'TransactWriteItems'])
    expect(outcomes[`${operation} written`]).toBeGreaterThan(0);
});

test('a write that passes the middleware by is found', { timeout: 120_000 }, async () => {
  await expect(fuzzOwnWrites(options, { writesPassBy: true })).rejects.toThrow(/Property failed/);
});

test('a record that is not applied is found', { timeout: 120_000 }, async () => {
  await expect(fuzzOwnWrites(options, { isStreamDead: true })).rejects.toThrow(/Property failed/);
});

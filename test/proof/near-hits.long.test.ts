import { expect, test } from 'vitest';
import { fuzzNearHits } from '../../proof/fuzz/near-hits.js';
import { rounds } from '../support/thorough.js';

/** The short form of `npm run proof:fuzz -- --only near`. */
const options = { runs: rounds(40, 150), seed: 1, endOnFailure: true };

test('requests near cached ones are answered and refused as without a cache', {
  timeout: 120_000,
}, async () => {
  const { inputs, outcomes } = await fuzzNearHits(options);
  expect(inputs).toBe(options.runs);
  for (const operation of ['GetItem', 'Query'])
    for (const became of ['hit', 'refused']) expect(outcomes[`${operation} ${became}`]).toBeGreaterThan(0);
});

test('an answer that is not the one of a client without a cache is found', { timeout: 120_000 }, async () => {
  const withoutProjection = ({ ProjectionExpression, ...input }: { ProjectionExpression?: string }) => input;
  await expect(fuzzNearHits(options, withoutProjection)).rejects.toThrow(/Property failed/);
});

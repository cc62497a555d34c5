import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hotKeys } from '../../src/operate/hot-keys.js';

const CAPACITY = 8;

test('no key is counted too high by more than the stream has to a counter, and none that came more often is missing', () => {
  // Few keys come often, as fast-check's small numbers do.
  const stream = fc.array(
    fc.nat({ max: 60 }).map((n) => `k${Math.floor(n ** 2 / 60)}`),
    // Long ones: by itself fast-check makes few that have more keys than there are counters.
    { minLength: 50, maxLength: 400, size: 'max' },
  );
  fc.assert(
    fc.property(stream, (keys) => {
      const sketch = hotKeys(CAPACITY);
      const counts = new Map<string, number>();
      for (const key of keys) {
        sketch.add(key);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const top = sketch.top(CAPACITY);
      const bound = keys.length / CAPACITY;
      for (const { key, count, error } of top) {
        const real = counts.get(key) as number;
        expect(count).toBeGreaterThanOrEqual(real);
        expect(count - error).toBeLessThanOrEqual(real);
        expect(error).toBeLessThanOrEqual(bound);
      }
      const named = new Set(top.map(({ key }) => key));
      for (const [key, count] of counts) if (count > bound) expect(named).toContain(key);
    }),
    { seed: 20_261_127, numRuns: 300 },
  );
});

test('the most frequent come first, and as many as asked for', () => {
  const sketch = hotKeys(10);
  for (const key of ['a', 'b', 'b', 'c', 'c', 'c']) sketch.add(key);
  expect(sketch.top(2)).toEqual([
    { key: 'c', count: 3, error: 0 },
    { key: 'b', count: 2, error: 0 },
  ]);
});

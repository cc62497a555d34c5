import { expect, test } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import { decodeResult, encodeResult } from '../../src/read/result-codec.js';

const result = { cachedAt: 0, items: [], count: 0, scannedCount: 3 };

test.each<[string, AttributeMap]>([
  ['of a sort key before the partition key', { sk: { S: 'b' }, pk: { S: 'a' } }],
  ['of an index', { gs1sk: { N: '1e100' }, sk: { B: Uint8Array.of(255) }, gs1pk: { N: '1' }, pk: { S: '' } }],
  ['of names that mean something elsewhere', JSON.parse('{"$types":{"S":"B"},"__proto__":{"S":"a"}}')],
])('The key where the next page begins, %s, keeps its attributes in their order', (_, lastEvaluatedKey) => {
  const stored = encodeResult(['1'], { ...result, lastEvaluatedKey });
  const decoded = decodeResult(['1'], stored);
  expect(decoded).toStrictEqual({ ...result, lastEvaluatedKey });
  expect(Object.keys((decoded as typeof result & { lastEvaluatedKey: object }).lastEvaluatedKey)).toEqual(
    Object.keys(lastEvaluatedKey),
  );
});

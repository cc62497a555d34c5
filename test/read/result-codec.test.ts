import { expect, test } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import { decodeResult, encodeResult, openResult } from '../../src/read/result-codec.js';

const result = { cachedAt: 0, items: [], count: 0, scannedCount: 3 };

test.each<[string, AttributeMap]>([
  ['of a sort key before the partition key', { sk: { S: 'b' }, pk: { S: 'a' } }],
  ['of an index', { gs1sk: { N: '1e100' }, sk: { B: Uint8Array.of(255) }, gs1pk: { N: '1' }, pk: { S: '' } }],
  ['of names that mean something elsewhere', JSON.parse('{"$types":{"S":"B"},"__proto__":{"S":"a"}}')],
])('The key where the next page begins, %s, keeps its attributes in their order', (_, lastEvaluatedKey) => {
  const stored = encodeResult(['1'], { ...result, lastEvaluatedKey }, { operation: 'Scan', input: {} });
  const decoded = decodeResult(['1'], stored);
  expect(decoded).toStrictEqual({ ...result, lastEvaluatedKey });
  expect(Object.keys((decoded as typeof result & { lastEvaluatedKey: object }).lastEvaluatedKey)).toEqual(
    Object.keys(lastEvaluatedKey),
  );
});

test('What was asked stands with the result, but for its table, consistency and capacity, and can be asked again', () => {
  const input = {
    TableName: 'orders',
    ConsistentRead: false,
    ReturnConsumedCapacity: 'TOTAL',
    IndexName: undefined,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { B: Buffer.from([0, 255]) }, ':x': { M: { $binary: { S: 'no' } } } },
    ExclusiveStartKey: { pk: { B: Uint8Array.of(0, 255) } },
    Limit: 3,
  };
  const stored = encodeResult(['1', '2'], result, { operation: 'Query', input });
  expect(openResult(stored)).toStrictEqual({
    generations: ['1', '2'],
    result,
    request: {
      operation: 'Query',
      input: {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: {
          ':pk': { B: Uint8Array.of(0, 255) },
          ':x': { M: { $binary: { S: 'no' } } },
        },
        ExclusiveStartKey: { pk: { B: Uint8Array.of(0, 255) } },
        Limit: 3,
      },
    },
  });
});

test.each([
  '',
  'seen',
  '1\n',
  '1\n{"cachedAt":0,"items":[],"count":0,"scannedCount":3}',
  '1\n{"request":{}}',
])('What is no result, or of before requests stood there, cannot be asked again: %j', (text) => {
  expect(openResult(text)).toBeUndefined();
});

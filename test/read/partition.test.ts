import { describe, expect, it } from 'vitest';
import { queryPartition } from '../../src/read/partition.js';

const VALUES = { ':p': { S: 'a' }, ':s': { N: '1' }, ':t': { N: '2' } };

/** The partition of an expression on `pk` and `sk`, given just the values it uses. */
function partition(KeyConditionExpression: string, names?: Record<string, string>) {
  const used = Object.entries(VALUES).filter(([placeholder]) => KeyConditionExpression.includes(placeholder));
  const ExpressionAttributeValues = used.length > 0 ? Object.fromEntries(used) : undefined;
  return queryPartition(
    { KeyConditionExpression, ExpressionAttributeValues, ExpressionAttributeNames: names },
    ['pk'],
  );
}

describe('queryPartition', () => {
  it.each([
    'pk = :p',
    ':p = pk',
    '(pk=:p)',
    'pk = :p AND sk = :s',
    'sk = :s and pk = :p',
    ':s < sk AND :p = pk',
    '(pk = :p) AND (sk >= :s)',
    '(pk = :p AND sk BETWEEN :s AND :t)',
    'sk between :s and :t aNd pk = :p',
    'pk = :p AND begins_with(sk, :s)',
    'begins_with ( sk , :s ) AND pk = :p',
    '(sk BETWEEN :s AND :t) AND (pk = :p)',
  ])('reads it from %s', (expression) => {
    expect(partition(expression)).toEqual({ pk: { S: 'a' } });
  });

  it('reads it through an alias, also when the name is a reserved word', () => {
    const request = {
      KeyConditionExpression: '#k = :p AND #s > :s',
      ExpressionAttributeNames: { '#k': 'name', '#s': 'pk' },
      ExpressionAttributeValues: { ':p': { S: 'a' }, ':s': { S: 'b' } },
    };
    expect(queryPartition(request, ['name'])).toEqual({ name: { S: 'a' } });
  });

  it('reads it where a filter and a projection share the aliases', () => {
    const request = {
      KeyConditionExpression: '#k = :p',
      FilterExpression: '#a = :v',
      ProjectionExpression: '#k, #a',
      ExpressionAttributeNames: { '#k': 'pk', '#a': 'name' },
      ExpressionAttributeValues: { ':p': { B: new Uint8Array([1]) }, ':v': { BOOL: true } },
    };
    expect(queryPartition(request, ['pk'])).toEqual({ pk: { B: new Uint8Array([1]) } });
  });

  it('reads it from legacy conditions', () => {
    const KeyConditions = {
      pk: { ComparisonOperator: 'EQ' as const, AttributeValueList: [{ N: '1' }] },
      sk: { ComparisonOperator: 'GT' as const, AttributeValueList: [{ N: '2' }] },
    };
    expect(queryPartition({ KeyConditions }, ['pk'])).toEqual({ pk: { N: '1' } });
    expect(queryPartition({ KeyConditions }, ['sk'])).toBeUndefined();
    expect(queryPartition({ KeyConditions }, ['toString'])).toBeUndefined();
    expect(queryPartition({ KeyConditions, KeyConditionExpression: 'pk = :p' }, ['pk'])).toBeUndefined();
  });

  it('reads each attribute of a key that has several, in any order, and none where one is missing', () => {
    const request = (KeyConditionExpression: string, ...used: string[]) => ({
      KeyConditionExpression,
      ExpressionAttributeValues: Object.fromEntries(used.map((name) => [name, { S: name }])),
    });
    const names = ['area', 'game'];
    expect(
      queryPartition(request('game = :g AND area = :a AND round > :n', ':g', ':a', ':n'), names),
    ).toEqual({ game: { S: ':g' }, area: { S: ':a' } });
    expect(queryPartition(request('area = :a AND round = :n', ':a', ':n'), names)).toBeUndefined();
    expect(queryPartition(request('area = :a AND game > :g', ':a', ':g'), names)).toBeUndefined();
  });

  it.each([
    'sk = :p',
    ':p = sk',
    'pk < :p',
    'pk = pk',
    'pk = sk',
    'pk BETWEEN :s AND :t',
    'begins_with(pk, :p)',
    'pk = :p OR sk = :s',
    'NOT pk = :p',
    'pk IN (:p)',
    'pk.x = :p',
    'pk[0] = :p',
    'x.pk = :p',
    'size(pk) = :p',
    'pk = :p AND pk = :p',
    'pk = :p AND pk = :s',
    'pk = :p AND (sk = :s OR pk = :t)',
    'pk = :p sk = :s',
    'pk = :p AND',
    '(pk = :p',
    'pk = :p)',
    'pk == :p',
    'pk = :undefined',
    '#pk = :p',
    '',
  ])('does not guess one from %s', (expression) => {
    expect(partition(expression)).toBeUndefined();
  });

  it('does not guess one from a request that leaves an alias or a placeholder unused', () => {
    expect(partition('pk = :p', { '#unused': 'x' })).toBeUndefined();
    const request = { KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: VALUES };
    expect(queryPartition(request, ['pk'])).toBeUndefined();
    expect(queryPartition({}, ['pk'])).toBeUndefined();
  });

  it.each([{ BOOL: true }, { SS: ['a'] }, { M: {} }, { S: 'a', N: '1' }, {}, 'a'])(
    'does not take %j for the value of a key',
    (value) => {
      const ExpressionAttributeValues = { ':p': value as never };
      expect(
        queryPartition({ KeyConditionExpression: 'pk = :p', ExpressionAttributeValues }, ['pk']),
      ).toBeUndefined();
      const KeyConditions = {
        pk: { ComparisonOperator: 'EQ' as const, AttributeValueList: [value as never] },
      };
      expect(queryPartition({ KeyConditions }, ['pk'])).toBeUndefined();
    },
  );
});

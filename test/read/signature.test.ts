import type { QueryCommandInput, ScanCommandInput } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { querySignature, scanSignature } from '../../src/read/signature.js';

const QUERY: QueryCommandInput = {
  TableName: 'orders',
  KeyConditionExpression: '#c = :c AND placed > :from',
  FilterExpression: 'amount IN (:n, :m) OR contains(#t[0].x, :set)',
  ProjectionExpression: 'id, #t[0], amount',
  ExpressionAttributeNames: { '#c': 'customer', '#t': 'tags' },
  ExpressionAttributeValues: {
    ':c': { S: 'c1' },
    ':from': { S: '2026' },
    ':n': { N: '10' },
    ':m': { M: { a: { L: [{ N: '0.5' }] }, b: { B: new Uint8Array([1, 2]) } } },
    ':set': { NS: ['1', '2'] },
  },
};

const LEGACY: QueryCommandInput = {
  TableName: 'orders',
  KeyConditions: {
    customer: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'c1' }] },
    placed: { ComparisonOperator: 'BETWEEN', AttributeValueList: [{ S: '2025' }, { S: '2026' }] },
  },
  QueryFilter: {
    amount: { ComparisonOperator: 'GT', AttributeValueList: [{ N: '10' }] },
    paid: { ComparisonOperator: 'NULL' },
  },
  AttributesToGet: ['id', 'amount'],
};

const SCAN: ScanCommandInput = { TableName: 'orders' };

describe('the signature of a request', () => {
  it('is a text, the same each time', () => {
    for (const signature of [querySignature(QUERY), querySignature(LEGACY), scanSignature(SCAN)]) {
      expect(signature).toEqual(expect.any(String));
    }
    expect(querySignature(structuredClone(QUERY))).toBe(querySignature(QUERY));
  });

  it.each<[string, Partial<QueryCommandInput>]>([
    [
      'defaults are written out',
      { ScanIndexForward: true, ConsistentRead: false, Select: 'SPECIFIC_ATTRIBUTES' },
    ],
    ['members are there but undefined', { Limit: undefined, IndexName: undefined, QueryFilter: undefined }],
    ['the capacity is asked for', { ReturnConsumedCapacity: 'INDEXES' }],
    [
      'a member of writes is there, which the SDK leaves out',
      { ReturnItemCollectionMetrics: 'SIZE' } as object,
    ],
    ['the table is named by ARN', { TableName: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders' }],
    ['whitespace differs', { KeyConditionExpression: ' #c=:c\r\n and  placed\t>:from ' }],
    ['a projection lists its paths in another order', { ProjectionExpression: 'amount, id, #t [ 0 ]' }],
    [
      'numbers, sets and maps are spelled in another way',
      {
        ExpressionAttributeValues: {
          ':set': { NS: ['2.0', '01'] },
          ':m': { M: { b: { B: Buffer.from([1, 2]) }, a: { L: [{ N: '5e-1' }] } } },
          ':n': { N: '+1e1' },
          ':from': { S: '2026' },
          ':c': { S: 'c1' },
        },
      },
    ],
    [
      'aliases have other names, or are not needed',
      {
        KeyConditionExpression: 'customer = :c AND #p > :from',
        FilterExpression: '#to IN (:n, :m) OR contains(tags[0].x, :set)',
        ProjectionExpression: '#i, tags[0], #to',
        ExpressionAttributeNames: { '#p': 'placed', '#to': 'amount', '#i': 'id' },
      },
    ],
    [
      'placeholders have other names',
      {
        KeyConditionExpression: '#c = :n AND placed > :c',
        FilterExpression: 'amount IN (:1, :2) OR contains(#t[0].x, :_)',
        ExpressionAttributeValues: {
          ':n': { S: 'c1' },
          ':c': { S: '2026' },
          ':1': { N: '10' },
          ':2': { M: { a: { L: [{ N: '0.5' }] }, b: { B: new Uint8Array([1, 2]) } } },
          ':_': { NS: ['1', '2'] },
        },
      },
    ],
  ])('is the same when %s', (_, change) => {
    expect(querySignature({ ...QUERY, ...change })).toBe(querySignature(QUERY));
  });

  it('is the same when legacy members are in another order, with the default operator written out', () => {
    const reversed = <T extends object>(record: T) =>
      Object.fromEntries(Object.entries(record).reverse()) as T;
    const { KeyConditions = {}, QueryFilter = {}, ...rest } = LEGACY;
    const request: QueryCommandInput = {
      AttributesToGet: ['amount', 'id'],
      ConditionalOperator: 'AND',
      QueryFilter: reversed(QueryFilter),
      KeyConditions: reversed(KeyConditions),
      TableName: rest.TableName,
    };
    expect(querySignature(request)).toBe(querySignature(LEGACY));
  });

  it('names the default Select of a table, of an index and of a projection', () => {
    const index = { ...SCAN, IndexName: 'byDate' };
    const projected = { ...SCAN, ProjectionExpression: 'id' };
    expect(scanSignature({ ...SCAN, Select: 'ALL_ATTRIBUTES' })).toBe(scanSignature(SCAN));
    expect(scanSignature({ ...index, Select: 'ALL_PROJECTED_ATTRIBUTES' })).toBe(scanSignature(index));
    expect(scanSignature({ ...index, Select: 'ALL_ATTRIBUTES' })).not.toBe(scanSignature(index));
    expect(scanSignature({ ...projected, Select: 'SPECIFIC_ATTRIBUTES' })).toBe(scanSignature(projected));
  });

  it('tells requests apart by every member that changes their answer', () => {
    const queries: Partial<QueryCommandInput>[] = [
      {},
      { TableName: 'users' },
      { IndexName: 'byDate' },
      { IndexName: '' },
      { Select: 'COUNT' },
      { Limit: 1 },
      { Limit: 2 },
      { ConsistentRead: true },
      { ScanIndexForward: false },
      { ExclusiveStartKey: {} },
      { ExclusiveStartKey: { customer: { S: 'c1' } } },
      { ExclusiveStartKey: { customer: { S: 'c2' } } },
      { ConditionalOperator: 'AND' },
      { ConditionalOperator: 'OR' },
      { KeyConditionExpression: '#c = :c AND placed >= :from' },
      { KeyConditionExpression: '#c = :c AND :from > placed' },
      { KeyConditionExpression: '(#c = :c) AND placed > :from' },
      { FilterExpression: 'amount IN (:m, :n) OR contains(#t[0].x, :set)' },
      { FilterExpression: 'amount IN (:n, :m) AND contains(#t[0].x, :set)' },
      { FilterExpression: 'amount IN (:n, :m) OR contains(#t[1].x, :set)' },
      { FilterExpression: 'amount IN (:n, :m) OR contains(#t[0].y, :set)' },
      { FilterExpression: 'amount IN (:n, :m) OR contains(#t.x, :set)' },
      { ProjectionExpression: 'id, #t[0]' },
      { ProjectionExpression: 'id, #t[1], amount' },
      { ExpressionAttributeNames: { '#c': 'customer', '#t': 'labels' } },
      { ExpressionAttributeNames: { '#c': 'tags', '#t': 'customer' } },
      ...[{ S: '10' }, { N: '10.5' }, { N: '-10' }, { NS: ['10'] }, { SS: ['10'] }, { BOOL: true }].map(
        (value) => ({
          ExpressionAttributeValues: { ...QUERY.ExpressionAttributeValues, ':n': value },
        }),
      ),
      ...[{ BS: [new Uint8Array([1])] }, { BS: [new Uint8Array([2])] }, { L: [] }, { M: {} }].map(
        (value) => ({
          ExpressionAttributeValues: { ...QUERY.ExpressionAttributeValues, ':n': value },
        }),
      ),
    ];

    const condition = { ComparisonOperator: 'GT' as const, AttributeValueList: [{ N: '10' }] };
    const legacies: Partial<QueryCommandInput>[] = [
      {},
      { KeyConditions: { customer: LEGACY.KeyConditions?.customer as never } },
      { QueryFilter: { ...LEGACY.QueryFilter, amount: { ...condition, ComparisonOperator: 'GE' as const } } },
      { QueryFilter: { ...LEGACY.QueryFilter, amount: { ...condition, AttributeValueList: [{ N: '11' }] } } },
      { QueryFilter: { amount: condition } },
      { QueryFilter: { amount: condition }, ConditionalOperator: 'AND' as const },
      { QueryFilter: {} },
      { QueryFilter: undefined },
      { ConditionalOperator: 'OR' as const },
      { AttributesToGet: ['id'] },
      { AttributesToGet: ['id', 'id'] },
      { AttributesToGet: [] },
      { AttributesToGet: undefined },
    ];

    const scans: Partial<ScanCommandInput>[] = [
      {},
      { Segment: 0, TotalSegments: 2 },
      { Segment: 1, TotalSegments: 2 },
      { Segment: 0, TotalSegments: 3 },
      { ScanFilter: { amount: condition } },
      { FilterExpression: 'attribute_exists(amount)' },
      { FilterExpression: 'attribute_not_exists(amount)' },
    ];

    const signatures = [
      ...queries.map((change) => querySignature({ ...QUERY, ...change })),
      ...legacies.map((change) => querySignature({ ...LEGACY, ...change })),
      ...scans.map((change) => scanSignature({ ...SCAN, ...change })),
      querySignature({ TableName: 'orders' }),
    ];
    expect(signatures).not.toContain(undefined);
    expect(new Set(signatures).size).toBe(signatures.length);
  });

  it.each<[string, object]>([
    ['a member it does not know', { VectorSearch: {} }],
    ['a level of capacity that there is not', { ReturnConsumedCapacity: 'SOME' }],
    ['null', { AttributesToGet: null }],
    ['an index ARN for a table', { TableName: 'arn:aws:dynamodb:eu-west-1:1:table/orders/index/byDate' }],
    ['no table', { TableName: undefined }],
    ['a limit that is no integer', { Limit: Number.NaN }],
    ['a flag that is no boolean', { ConsistentRead: 'false' }],
    ['a reserved word', { ProjectionExpression: 'id, #t[0], name' }],
    ['an expression that is empty', { ProjectionExpression: '' }],
    [
      'an expression with a character of no use',
      { FilterExpression: 'amount IN (:n, :m) OR contains(#t[0].x, :set);' },
    ],
    ['an expression over 4 KB', { ProjectionExpression: `id, #t[0]${' '.repeat(4096)}` }],
    ['an alias right behind a word', { KeyConditionExpression: 'placed > :from AND#c = :c' }],
    ['a placeholder right behind a word', { KeyConditionExpression: 'placed > :from AND:c = #c' }],
    ['an undefined alias', { ProjectionExpression: '#id, #t[0]' }],
    ['an unused alias', { ExpressionAttributeNames: { ...QUERY.ExpressionAttributeNames, '#x': 'x' } }],
    [
      'an unused placeholder',
      { ExpressionAttributeValues: { ...QUERY.ExpressionAttributeValues, ':x': { S: 'x' } } },
    ],
    ...[
      {},
      { S: 'a', N: '1' },
      { S: 1 },
      { N: 'one' },
      { N: 1 },
      { B: 'AQ==' },
      { X: 'a' },
      { L: ['a'] },
      'c1',
      null,
    ].map((value): [string, object] => [
      `the value ${JSON.stringify(value)}`,
      { ExpressionAttributeValues: { ...QUERY.ExpressionAttributeValues, ':c': value } },
    ]),
  ])('is undefined for %s', (_, change) => {
    expect(querySignature({ ...QUERY, ...change })).toBeUndefined();
  });

  it('is the same with a member of the other operation, which the SDK does not send', () => {
    const scanned: object = { ...SCAN, ScanIndexForward: false };
    expect(scanSignature(scanned as ScanCommandInput)).toBe(scanSignature(SCAN));
    const queried: object = { ...QUERY, Segment: 0 };
    expect(querySignature(queried as never)).toBe(querySignature(QUERY));
  });

  it('tells an attribute apart from a keyword or a function of its name', () => {
    const filter = (FilterExpression: string, name: string) =>
      scanSignature({ ...SCAN, FilterExpression, ExpressionAttributeNames: { '#a': name } });
    expect(filter('NOT attribute_exists(#a)', 'NOT')).not.toBe(filter('#a attribute_exists(#a)', 'NOT'));
    expect(filter('size(#a) = size(b)', 'size')).not.toBe(filter('#a(#a) = size(b)', 'size'));
  });

  it('keeps names apart that JSON or an object could confuse', () => {
    const key = (name: string) =>
      scanSignature({ ...SCAN, ExclusiveStartKey: JSON.parse(`{${JSON.stringify(name)}:{"S":"a"}}`) });
    const names = ['__proto__', 'a', '1', '01', '"', '\\', '\ud800', '\ufffd'];
    expect(new Set(names.map(key)).size).toBe(names.length);
  });
});

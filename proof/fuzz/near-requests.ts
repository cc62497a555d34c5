import { NumberValueImpl } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { type Input, mostly, tablesArbitrary } from './near-keys.js';

export type NearOperation = 'GetItem' | 'BatchGetItem' | 'Query' | 'Scan';

/** One request, for one kind of client. */
export interface Near {
  readonly operation: NearOperation;
  readonly input: object;
  readonly isDocument: boolean;
}

/** A member that is mostly left out, else one of several values. */
const sometimes = (name: string, rarity: number, ...values: readonly unknown[]): fc.Arbitrary<Input> =>
  fc.oneof(
    { weight: rarity, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.constantFrom(...values).map((value) => ({ [name]: value })) },
  );

const all = (...parts: readonly fc.Arbitrary<Input>[]): fc.Arbitrary<Input> =>
  fc.tuple(...parts).map((some) => Object.assign({}, ...some) as Input);

const PATHS = mostly(
  [
    ...['name', '#n', '#id', 'm', 'm.a', 'm.#a', '#m.#a.b', 'm.a.b', 'm.#dot', '#dot', 'm.nope'],
    ...[
      'l',
      'l[0]',
      'l[1]',
      'l[1].x',
      'l[2][0]',
      'l[9]',
      'ss',
      'ns',
      'bin',
      'bs',
      'flag',
      'none',
      'nope',
      'n1',
      '#t',
    ],
  ],
  [
    ...[
      'id',
      'customer',
      'id.x',
      'id[0]',
      '#id.x',
      'n.x',
      'b[0]',
      'customer[0]',
      'order.x',
      'status',
      'order',
      'day',
      'day.x',
    ],
    ...[
      '',
      '.',
      'm.',
      '.m',
      'm..a',
      'l[]',
      'l[-1]',
      'l[01]',
      'l[a]',
      'l [0]',
      'm . a',
      '"m"',
      'm-a',
      '1',
      ':v',
      '$types',
    ],
    ...['m.name', '#missing'],
  ],
);
const NAMES: Record<string, string> = {
  '#n': 'name',
  '#id': 'id',
  '#m': 'm',
  '#a': 'a',
  '#dot': 'a.b',
  '#t': '$types',
  '#o': 'order',
  '#s': 'status',
  '#c': 'customer',
  '#day': 'day',
};
const SEPARATORS = [',', ', ', ' ,', ' , ', '\n,\t', ',,', ' '];

const projection: fc.Arbitrary<Input> = fc
  .record({
    paths: fc.array(PATHS, { minLength: 1, maxLength: 3 }),
    separator: mostly([',', ', '], SEPARATORS),
    around: mostly([''], [' ', '\n', ',']),
  })
  .map(({ paths, separator, around }) => ({ ProjectionExpression: around + paths.join(separator) + around }));

/** The names that the expressions of a request use, and sometimes more or fewer. */
function withNames(input: Input, extra: Input | 'none' | 'exact'): Input {
  const text = Object.entries(input)
    .map(([name, value]) => (/Expression$/.test(name) ? String(value) : ''))
    .join(' ');
  const used = Object.fromEntries(
    Object.entries(NAMES).filter(([name]) => new RegExp(`${name}(?![a-z])`).test(text)),
  );
  if (extra === 'none') return input;
  const names = extra === 'exact' ? used : { ...used, ...extra };
  return Object.keys(names).length === 0 ? input : { ...input, ExpressionAttributeNames: names };
}

const namesAround = mostly<Input | 'none' | 'exact'>(
  ['exact'],
  ['none', { '#unused': 'x' }, { '#n': 'id' }, { '#id': '' }, { n: 'name' }],
);

const projected = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Input>({}) },
  { weight: 4, arbitrary: projection },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<unknown>(
        [],
        ['id'],
        ['name', 'm'],
        ['m.a'],
        ['id', 'id'],
        [''],
        ['nope'],
        ['l[0]'],
        null,
        'id',
      )
      .map((AttributesToGet): Input => ({ AttributesToGet })),
  },
);

const options = all(
  sometimes('ConsistentRead', 12, true, false, false, false, null, 'true', 0, 'x'),
  sometimes('ReturnConsumedCapacity', 6, 'TOTAL', 'INDEXES', 'NONE', 'TOTAL', 'total', '', null, 'x'),
  sometimes('Unknown', 30, 1, 'x', undefined),
);

const tableName = (name: string) =>
  mostly<unknown>(
    [name],
    [`arn:aws:dynamodb:eu-west-1:000000000000:table/${name}`, `${name} `, 'nope', '', null, 'arn:x'],
  );

function getItem(isDocument: boolean): fc.Arbitrary<Input> {
  return tablesArbitrary(isDocument).chain(({ name, key }) =>
    fc
      .tuple(all(projected, options), key, mostly([name], ['nope', '', name.toUpperCase()]), namesAround)
      .map(([more, Key, TableName, names]) => withNames({ TableName, Key, ...more }, names)),
  );
}

function batchGetItem(isDocument: boolean): fc.Arbitrary<Input> {
  const ofTable = tablesArbitrary(isDocument).chain(({ name, key }) =>
    fc
      .tuple(
        all(projected, sometimes('ConsistentRead', 8, true, false)),
        fc.array(key, { minLength: 0, maxLength: 4 }),
        namesAround,
      )
      .map(([more, Keys, names]) => [name, withNames({ Keys, ...more }, names)] as const),
  );
  return fc
    .tuple(
      fc.array(ofTable, { minLength: 1, maxLength: 2 }),
      sometimes('ReturnConsumedCapacity', 8, 'TOTAL', 'x'),
    )
    .map(([some, more]) => ({ RequestItems: Object.fromEntries(some), ...more }));
}

const CONDITIONS = mostly(
  [
    ...['customer = :c', '#c = :c', 'customer=:c', '(customer = :c)', ' customer  =  :c ', '((#c) = (:c))'],
    ...['customer = :c AND #o > :o', '#o > :o and customer = :c', 'customer = :c AND #o BETWEEN :o AND :p'],
    ...['(#c = :c) AND (#o <= :p)', 'customer = :c AND #o = :o'],
  ],
  [
    ...[
      ':c = customer',
      'customer = :c AND begins_with(#o, :o)',
      'customer = :c AND customer = :c',
      'customer > :c',
      '',
    ],
    ...[
      'customer = :c OR #o = :o',
      'customer = :c AND #o IN (:o, :p)',
      ' ',
      'customer = :c AND',
      'customer == :c',
    ],
    ...['id = :c', '#o = :o', 'customer = :missing', 'customer = :c AND #o > :o AND #o < :p', '#s = :s'],
  ],
);
const OF_INDEXES = [
  ...[
    '#s = :s',
    '#s = :s AND #o < :p',
    '(#s = :s) and #o >= :o',
    'customer = :c',
    'customer = :c AND begins_with(#day, :d)',
  ],
];
const FILTERS = [
  'name = :s',
  '#n = :s',
  'attribute_exists(m.a)',
  'size(l) > :o',
  'customer = :c',
  'order = :o',
  'contains(ss, :s)',
  '',
];
const INDEXES = mostly<unknown>(['byStatus', 'byDay'], ['nope', '', null, 'bystatus']);

function query(isDocument: boolean): fc.Arbitrary<Input> {
  const value = (plain: unknown, wire: object) => (isDocument ? plain : wire);
  const values: Record<string, unknown> = {
    ':c': value('1', { S: '1' }),
    ':o': value(1, { N: '1' }),
    ':p': value(2, { N: '2.0' }),
    ':s': value('open', { S: 'open' }),
    ':d': value('2026', { S: '2026' }),
  };
  const withValues = (input: Input, extra: 'exact' | 'more' | 'none' | 'respelled') => {
    const text = `${input.KeyConditionExpression ?? ''} ${input.FilterExpression ?? ''}`;
    const used = Object.fromEntries(Object.entries(values).filter(([name]) => text.includes(name)));
    if (extra === 'respelled' && used[':o']) used[':o'] = value(NumberValueImpl.from('1.0'), { N: '01.0' });
    const some =
      extra === 'more' ? { ...used, ':unused': value('x', { S: 'x' }) } : extra === 'none' ? {} : used;
    return Object.keys(some).length === 0 ? input : { ...input, ExpressionAttributeValues: some };
  };
  const equal = (plain: unknown, wire: object) => ({
    ComparisonOperator: 'EQ',
    AttributeValueList: [value(plain, wire)],
  });
  const legacy = fc
    .tuple(
      fc.constantFrom<Input>(
        { customer: equal('1', { S: '1' }) },
        { customer: equal('1', { S: '1' }), order: { ...equal(1, { N: '1.0' }), ComparisonOperator: 'GE' } },
        { customer: { ...equal('1', { S: '1' }), ComparisonOperator: 'NE' } },
        { order: equal(1, { N: '1' }) },
        {},
      ),
      all(
        sometimes(
          'QueryFilter',
          3,
          { name: equal('Ada', { S: 'Ada' }) },
          {},
          { order: equal(1, { N: '1' }) },
        ),
        sometimes('ConditionalOperator', 3, 'AND', 'OR', 'XOR', ''),
      ),
    )
    .map(([KeyConditions, more]): Input => ({ KeyConditions, ...more }));
  const expression = fc
    .tuple(
      fc.oneof(
        { weight: 3, arbitrary: CONDITIONS },
        { weight: 2, arbitrary: fc.constantFrom(...OF_INDEXES) },
      ),
      all(sometimes('FilterExpression', 4, ...FILTERS)),
    )
    .map(([KeyConditionExpression, more]): Input => ({ KeyConditionExpression, ...more }));
  return fc
    .tuple(
      fc.oneof({ weight: 4, arbitrary: expression }, { weight: 1, arbitrary: legacy }),
      all(options, pageOptions(value), sometimes('ScanIndexForward', 4, true, false, null, 'x')),
      fc.oneof(
        { weight: 3, arbitrary: fc.constant<Input>({}) },
        { weight: 2, arbitrary: INDEXES.map((IndexName): Input => ({ IndexName })) },
      ),
      fc.oneof({ weight: 4, arbitrary: fc.constant<Input>({}) }, { weight: 1, arbitrary: projected }),
      namesAround,
      mostly<'exact' | 'more' | 'none' | 'respelled'>(['exact', 'respelled'], ['more', 'none']),
      tableName('orders'),
    )
    .map(([condition, more, index, part, names, extra, TableName]) => {
      const input = { TableName, ...condition, ...more, ...index, ...part };
      return withNames(withValues(input, extra), names);
    });
}

function pageOptions(value: (plain: unknown, wire: object) => unknown): fc.Arbitrary<Input> {
  const key = (order: string) => ({
    customer: value('1', { S: '1' }),
    order: value(Number(order), { N: order }),
  });
  return all(
    sometimes('Limit', 4, 1, 2, 100, 100, 2, 1, 1, 0, -1, 1.5, '1', null, 2 ** 31),
    sometimes(
      'Select',
      6,
      'ALL_ATTRIBUTES',
      'COUNT',
      'SPECIFIC_ATTRIBUTES',
      'ALL_PROJECTED_ATTRIBUTES',
      'x',
      null,
    ),
    sometimes(
      'ExclusiveStartKey',
      6,
      key('1'),
      key('01'),
      key('1.0'),
      key('5'),
      {},
      { customer: value('1', { S: '1' }) },
      null,
    ),
  );
}

function scan(isDocument: boolean): fc.Arbitrary<Input> {
  const value = (plain: unknown, wire: object) => (isDocument ? plain : wire);
  return fc
    .tuple(
      all(
        options,
        pageOptions(value),
        sometimes('Segment', 6, 0, 1, 2, -1, null),
        sometimes('TotalSegments', 6, 1, 2, 0, 1_000_001, null),
        sometimes('FilterExpression', 6, 'attribute_exists(#n)', 'attribute_exists(nope)', ''),
        sometimes('ScanIndexForward', 12, true, false),
        sometimes('IndexName', 8, 'byStatus', 'byDay', 'nope'),
      ),
      fc.oneof({ weight: 4, arbitrary: fc.constant<Input>({}) }, { weight: 1, arbitrary: projected }),
      namesAround,
      tableName('orders'),
    )
    .map(([more, part, names, TableName]) => withNames({ TableName, ...more, ...part }, names));
}

export function nearArbitrary(): fc.Arbitrary<Near> {
  const of = (operation: NearOperation, input: (isDocument: boolean) => fc.Arbitrary<Input>) =>
    fc
      .boolean()
      .chain((isDocument) => input(isDocument).map((made) => ({ operation, isDocument, input: made })));
  return fc.oneof(
    { weight: 4, arbitrary: of('GetItem', getItem) },
    { weight: 2, arbitrary: of('BatchGetItem', batchGetItem) },
    { weight: 4, arbitrary: of('Query', query) },
    { weight: 1, arbitrary: of('Scan', scan) },
  );
}

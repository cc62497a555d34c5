import { NumberValueImpl } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';

/** A request, or a part of one. */
export type Input = Record<string, unknown>;

/** Mostly one of the first values, else one of the rest. */
export const mostly = <T>(usual: readonly T[], odd: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );

const bytes = (...content: number[]) => new Uint8Array(content);
const slice = () => Buffer.from([9, 1, 9]).subarray(1, 2);

const TEXTS = mostly<unknown>(
  [{ S: '1' }, { S: '01' }, { S: '{' }, { S: 'a{b}c}' }, { S: '😀' }, { S: 'nobody' }],
  [
    ...[
      { S: '' },
      { S: ' ' },
      { S: '\ud800' },
      { S: 'x'.repeat(2048) },
      { S: 'x'.repeat(2049) },
      { S: '\u0000' },
    ],
    ...[
      { N: '1' },
      { B: bytes(49) },
      { S: '1', N: '1' },
      {},
      { S: undefined },
      { S: null },
      { S: 1 },
      { BOOL: true },
    ],
    ...[
      { SS: ['1'] },
      { L: [] },
      null,
      undefined,
      '1',
      1,
      { S: '1', N: undefined },
      { $unknown: ['S', '1'] },
    ],
  ],
);
const SPELLINGS = [
  ...[
    '1',
    '1.0',
    '01',
    '1e0',
    '+1',
    '0.1e1',
    '10e-1',
    '1E0',
    '1E+0',
    '1.',
    '0',
    '-0',
    '0.0',
    '0e5',
    '-1.5',
    '-01.50',
  ],
  ...['-15e-1', '-.15e1', '10', '1e1', '100e-1', '7', `1.${'0'.repeat(37)}`, `${'0'.repeat(50)}1`],
];
const NUMBERS = mostly<unknown>(
  SPELLINGS.map((N) => ({ N })),
  [
    ...[
      '',
      ' 1',
      '1 ',
      'NaN',
      'Infinity',
      '1e400',
      '1e-400',
      '0x1',
      '1_0',
      '--1',
      '9'.repeat(38),
      '9'.repeat(39),
    ].map((N) => ({ N })),
    ...[{ N: 1 }, { S: '1' }, { N: null }, { N: '1', S: '1' }, null, undefined],
  ],
);
const BINARIES = mostly<unknown>(
  [{ B: bytes(1) }, { B: Buffer.from([1]) }, { B: slice() }, { B: bytes(0, 255) }, { B: bytes(7) }],
  [
    { B: 'AQ==' },
    { B: bytes() },
    { B: [1] },
    { S: 'AQ==' },
    { B: new DataView(bytes(1).buffer) },
    { B: bytes(1).buffer },
  ],
);
const PLAIN_TEXTS = mostly<unknown>(
  ['1', '01', '{', 'a{b}c}', '😀', 'nobody'],
  ['', 1, 1n, true, null, undefined, [], new Set(['1']), { S: '1' }, bytes(49), '\ud800', new Date(0)],
);
const PLAIN_NUMBERS = mostly<unknown>(
  [1, 0, -1.5, 10, 1n, 10n, -0, 7, NumberValueImpl.from('1.0'), NumberValueImpl.from('01')],
  ['1', Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, 1e21, 1e-7, null, 12345678901234567890n],
);
const PLAIN_BINARIES = mostly<unknown>(
  [bytes(1), Buffer.from([1]), slice(), bytes(0, 255)],
  ['AQ==', bytes(), bytes(1).buffer, new DataView(bytes(1).buffer), [1]],
);

/** A table, and keys of its items in all spellings: most of them well-formed. */
export interface TableKeys {
  readonly name: string;
  readonly key: fc.Arbitrary<Input>;
}

/** @param isDocument whether the keys are plain values or those of the wire */
export function tablesArbitrary(isDocument: boolean): fc.Arbitrary<TableKeys> {
  const [texts, numbers, binaries] = isDocument
    ? [PLAIN_TEXTS, PLAIN_NUMBERS, PLAIN_BINARIES]
    : [TEXTS, NUMBERS, BINARIES];
  const odd = fc.oneof(
    { weight: 12, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Input>(
        { extra: isDocument ? 'x' : { S: 'x' } },
        { extra: undefined },
        { extra: null },
      ),
    },
  );
  const keyOf = (members: Record<string, fc.Arbitrary<unknown>>) =>
    fc.tuple(fc.record(members), odd).map(([key, more]) => ({ ...key, ...more }));
  return fc.constantFrom(
    { name: 'users', key: keyOf({ id: texts }) },
    { name: 'counters', key: keyOf({ n: numbers }) },
    { name: 'blobs', key: keyOf({ b: binaries }) },
    { name: 'orders', key: keyOf({ customer: texts, order: numbers }) },
    { name: 'orders', key: fc.oneof(keyOf({ order: numbers, customer: texts }), keyOf({ customer: texts })) },
  );
}

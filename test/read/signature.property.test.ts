import type { AttributeValue, QueryCommandInput, ScanCommandInput } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { querySignature, scanSignature } from '../../src/read/signature.js';

/** What a request means, in one spelling: numbers in normal form, sets and projections sorted. */
interface Meaning {
  operation: 'Query' | 'Scan';
  table: string;
  index: string | undefined;
  limit: number | undefined;
  consistent: boolean;
  count: boolean;
  backward: boolean;
  segment: number | undefined;
  start: Record<string, AttributeValue> | undefined;
  condition: Condition;
  filter: Condition | undefined;
  paths: Path[] | undefined;
}
type Path = (string | number)[];
type Condition =
  | { compare: string; path: Path; value: AttributeValue }
  | { call: string; path: Path; value: AttributeValue | undefined }
  | { between: Path; low: AttributeValue; high: AttributeValue }
  | { join: 'AND' | 'OR'; left: Condition; right: Condition }
  | { not: Condition };

describe('the signature of a request', () => {
  it('is the same however the request is spelled', () => {
    fc.assert(
      fc.property(meaning, dice, dice, (meaning, one, other) => {
        const signature = signatureOf(meaning, one);
        expect(signature).toEqual(expect.any(String));
        expect(signatureOf(meaning, other)).toBe(signature);
      }),
      { numRuns: 500 },
    );
  });

  it('differs as soon as the meaning does', () => {
    fc.assert(
      fc.property(meaning, meaning, fc.constantFrom(...MEMBERS), dice, (one, other, member, dice) => {
        const changed = { ...one, [member]: other[member] };
        const isSame = text(one) === text(changed);
        expect(signatureOf(one, dice) === signatureOf(changed, dice)).toBe(isSame);
      }),
      { numRuns: 2000 },
    );
  });
});

const MEMBERS = [
  ...(['operation', 'table', 'index', 'limit', 'consistent', 'count', 'backward', 'segment'] as const),
  ...(['start', 'condition', 'filter', 'paths'] as const),
];

/** A meaning as comparable text: members that its operation does not have are left out. */
function text({ backward, condition, segment, ...shared }: Meaning): string {
  const own = shared.operation === 'Query' ? { backward, condition } : { segment };
  const paths = shared.count ? undefined : shared.paths;
  return JSON.stringify({ ...shared, ...own, paths }, (_, value) =>
    value instanceof Uint8Array ? [...value] : value,
  );
}

function signatureOf(meaning: Meaning, dice: Iterator<number>): string | undefined {
  const request = spell(meaning, (sides) => dice.next().value % sides);
  return meaning.operation === 'Query'
    ? querySignature(request as unknown as QueryCommandInput)
    : scanSignature(request as unknown as ScanCommandInput);
}

type Roll = (sides: number) => number;

function spell(meaning: Meaning, roll: Roll): Record<string, unknown> {
  const maybe = (value: unknown): unknown => (roll(2) === 0 ? value : undefined);
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  const name = (name: string): string => {
    if (/^[a-z]\w*$/.test(name) && name !== 'size' && roll(2) === 0) return name;
    const alias = `#${'nvabc_'[roll(6)]}${roll(2) === 0 ? Object.keys(names).length : 'x'}`;
    if (alias in names && names[alias] !== name) return fresh(names, '#', name);
    names[alias] = name;
    return alias;
  };
  const value = (value: AttributeValue): string =>
    fresh(values, roll(2) === 0 ? ':v' : ':n', spellValue(value, roll));
  const space = (least = ''): string => [least, ' ', '\t ', '\r\n'][roll(4)] as string;
  const word = (word: string): string => [...word].map((c) => (roll(2) === 0 ? c.toLowerCase() : c)).join('');
  const path = (path: Path): string =>
    path
      .map((step, i) =>
        typeof step === 'number'
          ? `[${space()}${step}${space()}]`
          : (i > 0 ? '.' : '') + space() + name(step),
      )
      .join(space());
  const condition = (c: Condition): string => {
    if ('compare' in c) return path(c.path) + space() + c.compare + space() + value(c.value);
    if ('call' in c) {
      return `${c.call}${space()}(${path(c.path)}${c.value ? `${space()},${space()}${value(c.value)}` : ''}${space()})`;
    }
    if ('between' in c) {
      return `${path(c.between)} ${word('BETWEEN')} ${value(c.low)}${space(' ')}${word('AND')} ${value(c.high)}`;
    }
    if ('not' in c) return `${word('NOT')}${space()}(${condition(c.not)})`;
    return `(${condition(c.left)})${space()}${word(c.join)}${space()}(${condition(c.right)})`;
  };

  const { operation, table, index, consistent, count, backward, filter, segment } = meaning;
  const paths = count ? undefined : meaning.paths;
  const isQuery = operation === 'Query';
  const expressions = {
    KeyConditionExpression: isQuery ? condition(meaning.condition) : undefined,
    FilterExpression: filter && condition(filter),
    ProjectionExpression: paths && shuffle(paths, roll).map(path).join(`${space()},${space()}`),
  };
  const all = paths
    ? 'SPECIFIC_ATTRIBUTES'
    : index === undefined
      ? 'ALL_ATTRIBUTES'
      : 'ALL_PROJECTED_ATTRIBUTES';
  const request = {
    TableName: roll(2) === 0 ? table : `arn:aws:dynamodb:eu-west-1:123456789012:table/${table}`,
    IndexName: index,
    Limit: meaning.limit,
    ConsistentRead: consistent || maybe(false),
    Select: count ? 'COUNT' : maybe(all),
    ...(isQuery ? { ScanIndexForward: backward ? false : maybe(true) } : {}),
    ...(!isQuery && segment !== undefined ? { Segment: segment, TotalSegments: 4 } : {}),
    ExclusiveStartKey: meaning.start && (spellValue({ M: meaning.start }, roll) as AttributeValue.MMember).M,
    ReturnConsumedCapacity: maybe('TOTAL'),
    ...(roll(2) === 0 ? JSON.parse(JSON.stringify(expressions)) : expressions),
    ExpressionAttributeNames: Object.keys(names).length > 0 ? names : undefined,
    ExpressionAttributeValues: Object.keys(values).length > 0 ? values : undefined,
  };
  return Object.fromEntries(shuffle(Object.entries(request), roll));
}

function fresh<T>(record: Record<string, T>, prefix: string, value: T): string {
  const key = `${prefix}${Object.keys(record).length + 100}`;
  record[key] = value;
  return key;
}

function spellValue(value: AttributeValue, roll: Roll): AttributeValue {
  if (value.N !== undefined) return { N: spellNumber(value.N, roll) };
  if (value.NS) return { NS: shuffle(value.NS, roll).map((n) => spellNumber(n, roll)) };
  if (value.SS) return { SS: shuffle(value.SS, roll) };
  if (value.BS) return { BS: shuffle(value.BS, roll) };
  if (value.L) return { L: value.L.map((element) => spellValue(element, roll)) };
  if (value.B) return { B: roll(2) === 0 ? Buffer.from(value.B) : value.B };
  if (value.M) {
    const entries = Object.entries(value.M).map(([name, inner]) => [name, spellValue(inner, roll)]);
    return { M: Object.fromEntries(shuffle(entries, roll)) };
  }
  return value;
}

/** Another text of a number that has at most two decimals. */
function spellNumber(number: string, roll: Roll): string {
  const padded = number.includes('.') ? `${number}00` : `${number}.0`;
  const zeroed = number.replace(/^-?/, '$&00');
  const shifted = `${BigInt(Math.round(Number(number) * 100))}E-2`;
  return [number, padded, zeroed, shifted, number.startsWith('-') ? number : `+${number}`][roll(5)] as string;
}

function shuffle<T>(list: readonly T[], roll: Roll): T[] {
  const rest = [...list];
  return list.map(() => rest.splice(roll(rest.length), 1)[0] as T);
}

const dice = fc.infiniteStream(fc.nat(999));
const name = fc.constantFrom('a', 'b', 'c_1', 'size', 'AND', 'a.b', '__x', '1');
const number = fc.integer({ min: -500, max: 500 }).map((hundredths) => String(hundredths / 100));
const sorted = <T>(arbitrary: fc.Arbitrary<T[]>): fc.Arbitrary<T[]> => arbitrary.map((list) => list.sort());
const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    fc.oneof(
      fc.record({ S: fc.constantFrom('', 'a', '1', ':n') }),
      fc.record({ N: number }),
      fc.record({ B: fc.uint8Array({ maxLength: 2 }) }),
      fc.record({ BOOL: fc.boolean() }),
      fc.constant({ NULL: true }),
      fc.record({ SS: sorted(fc.uniqueArray(fc.constantFrom('a', 'b', 'c'))) }),
      fc.record({ NS: sorted(fc.uniqueArray(number, { maxLength: 3 })) }),
    ),
    fc.constantFrom({ BS: [] }, { BS: [Buffer.from('a')] }, { BS: [Buffer.from('a'), Buffer.from('b')] }),
    fc.record({ L: fc.array(tie('value'), { maxLength: 2 }) }),
    fc.record({ M: attributes(tie('value')) }),
  ) as fc.Arbitrary<AttributeValue>,
}));

function attributes<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  const entries = fc.uniqueArray(fc.tuple(name, value), { selector: ([name]) => name, maxLength: 3 });
  return entries.map((entries) => Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))));
}

const path: fc.Arbitrary<Path> = fc
  .tuple(name, fc.array(fc.oneof(name, fc.nat(2)), { maxLength: 2 }))
  .map(([first, rest]) => [first, ...rest]);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2 },
    fc.record({ compare: fc.constantFrom('=', '<>', '<', '<=', '>', '>='), path, value }),
    fc.record({ call: fc.constantFrom('begins_with', 'contains'), path, value }),
    fc.record({ call: fc.constantFrom('attribute_exists', 'size'), path, value: fc.constant(undefined) }),
    fc.record({ between: path, low: value, high: value }),
    fc.record({ join: fc.constantFrom('AND', 'OR'), left: tie('condition'), right: tie('condition') }),
    fc.record({ not: tie('condition') }),
  ) as fc.Arbitrary<Condition>,
}));
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const meaning: fc.Arbitrary<Meaning> = fc.record({
  operation: fc.constantFrom('Query', 'Scan'),
  table: fc.constantFrom('orders', 'users'),
  index: optional(fc.constantFrom('byDate', 'byName')),
  limit: optional(fc.integer({ min: 1, max: 3 })),
  consistent: fc.boolean(),
  count: fc.boolean(),
  backward: fc.boolean(),
  segment: optional(fc.nat(2)),
  start: optional(attributes(value)),
  condition,
  filter: optional(condition),
  paths: optional(
    fc
      .uniqueArray(path, { minLength: 1, maxLength: 3, selector: (path) => JSON.stringify(path) })
      .map((paths) => paths.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))),
  ),
});

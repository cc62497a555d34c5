import fc from 'fast-check';
import type { AttributeMap, AttributeValue } from '../../src/attributes.js';

/** A decimal number apart from its spelling: (-) coefficient × 10^exponent. */
export interface Decimal {
  readonly negative: boolean;
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** An item's key and where it belongs: what a cache key is made of. */
export interface Subject {
  readonly namespace: string | undefined;
  readonly tableName: string;
  readonly keys: AttributeMap;
}

/** Strings of every kind: text, escapes, marks of the key grammar and of JSON Pointer, lone surrogates. */
export function stringArbitrary(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.string({ maxLength: 12 }) },
    { weight: 2, arbitrary: fc.string({ unit: codePointArbitrary(), maxLength: 8 }) },
    { weight: 2, arbitrary: fc.string({ unit: codeUnitArbitrary(), maxLength: 6 }) },
    { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(...'%:,=#~*{}/$"\\\n\t 0a'), maxLength: 8 }) },
  );
}

/**
 * Attribute names, with those that mean something to JavaScript, to JSON or to the stored form. None has a backslash:
 * once JSON.parse of Node 24 has met such a name, it may take an escaped one for it (nodejs/node#63785).
 */
export function attributeNameArbitrary(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('id', 'name', 'a', 'b', 'c') },
    { weight: 2, arbitrary: stringArbitrary().map((text) => text.replaceAll('\\', '')) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        ...['$types', '$$types', '$$$types', '$type', 'types', '__proto__', 'constructor', 'toJSON'],
        ...['length', 'S', 'M', '0', '1', '-1', '', ' ', '/', '~', '~0', '~1', 'a/b', 'a~1b', '\ud800'],
      ),
    },
  );
}

/** Numbers within DynamoDB's range: up to 38 digits, from 1E-130 to 9.9E+125. */
export function decimalArbitrary(): fc.Arbitrary<Decimal> {
  const coefficient = fc.oneof(
    { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: 1000n }) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n }) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 10n ** 38n - 1n }) },
  );
  const exponent = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: -8, max: 8 }) },
    { weight: 1, arbitrary: fc.integer({ min: -130, max: 88 }) },
  );
  return fc.record({ negative: fc.boolean(), coefficient, exponent });
}

/** One of the many spellings of a number: leading and trailing zeros, any place of the point, E or e, a sign. */
export function spellingArbitrary({ negative, coefficient, exponent }: Decimal): fc.Arbitrary<string> {
  const few = fc.oneof(fc.constant(0), fc.nat({ max: 3 }));
  return fc
    .record({ leading: few, trailing: few, moved: fc.integer({ min: -45, max: 45 }), plain: fc.boolean() })
    .chain(({ leading, trailing, moved, plain }) => {
      // Every digit behind the point is one power of ten less in the exponent.
      const behind = Math.max(0, plain ? -exponent : moved) + trailing;
      const zeros = plain ? Math.max(exponent, 0) + trailing : trailing;
      const digits = (String(coefficient) + '0'.repeat(zeros)).padStart(behind + 1, '0');
      const power = exponent - zeros + behind;
      return fc
        .record({
          sign:
            coefficient === 0n
              ? fc.constantFrom('', '-', '+')
              : fc.constantFrom(...(negative ? ['-'] : ['', '+'])),
          mark: fc.constantFrom('E', 'e'),
          plus: fc.constantFrom('', '+'),
          pad: fc.constantFrom('', '', '00000'),
        })
        .map(({ sign, mark, plus, pad }) => {
          const whole = '0'.repeat(leading) + digits.slice(0, digits.length - behind);
          const fraction = behind === 0 ? '' : `.${digits.slice(digits.length - behind)}`;
          const signOfPower = power < 0 ? '-' : plus;
          return `${sign}${whole}${fraction}${power === 0 ? '' : `${mark}${signOfPower}${pad}${Math.abs(power)}`}`;
        });
    });
}

/** A number's text as an application or DynamoDB may spell it. */
export function numberTextArbitrary(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.integer().map(String) },
    {
      weight: 2,
      arbitrary: fc.double({ noNaN: true, min: -9e125, max: 9e125 }).filter(isNumber).map(String),
    },
    { weight: 1, arbitrary: fc.constantFrom('0', '-0', '1.0', '+1', '.5', '5.', '1E100', '1e+100', '1e-7') },
    { weight: 1, arbitrary: fc.constantFrom('9007199254740991', '9007199254740993', '9'.repeat(38)) },
    { weight: 3, arbitrary: decimalArbitrary().chain(spellingArbitrary) },
  );
}

/** Whether DynamoDB has room for so small a number. */
function isNumber(double: number): boolean {
  return double === 0 || Math.abs(double) >= 1e-130;
}

/** An attribute value of any of the ten types, nested, in the SDK's spelling: binary as bytes. */
export function attributeValueArbitrary(): fc.Arbitrary<AttributeValue> {
  return attributes().value;
}

/** An item of any attributes, in the SDK's spelling: binary as bytes. See {@link inLambdaForm} for the other. */
export function itemArbitrary(): fc.Arbitrary<AttributeMap> {
  return attributes().map;
}

/** What a cache key is made of, biased towards marks of the key's grammar and near-collisions. */
export function subjectArbitrary(): fc.Arbitrary<Subject> {
  const marks = fc.string({ unit: fc.constantFrom(...'aaab1.-E:,=#~*%{2CD3A \ud800'), maxLength: 3 });
  const text = fc.oneof({ weight: 4, arbitrary: marks }, { weight: 1, arbitrary: stringArbitrary() });
  const value: fc.Arbitrary<AttributeValue> = fc.oneof(
    { weight: 3, arbitrary: text.map((S) => ({ S })) },
    { weight: 2, arbitrary: numberTextArbitrary().map((N) => ({ N })) },
    { weight: 2, arbitrary: fc.nat({ max: 12 }).map((number) => ({ N: String(number) })) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 3 }).map((B) => ({ B })) },
  );
  return fc.record({
    namespace: fc.option(text, { nil: undefined }),
    tableName: text,
    keys: fc
      .uniqueArray(fc.tuple(text, value), { minLength: 1, maxLength: 2, selector: ([name]) => name })
      .map((members) => Object.fromEntries(members)),
  });
}

/** The item as a Lambda event carries it: binary as base64 text. */
export function inLambdaForm(item: AttributeMap): AttributeMap {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, valueInLambdaForm(value)]));
}

function valueInLambdaForm(value: AttributeValue): AttributeValue {
  if ('B' in value) return { B: base64(value.B) };
  if ('BS' in value) return { BS: value.BS.map(base64) };
  if ('L' in value) return { L: value.L.map(valueInLambdaForm) };
  if ('M' in value) return { M: inLambdaForm(value.M) };
  return value;
}

/** The item with the members of its sets as a stored item has them. */
export function withSetsInOrder(item: AttributeMap): AttributeMap {
  return rearranged(item, {
    names: (names) => names,
    members: (members) => members.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1)),
  });
}

/** An equal item: DynamoDB gives names and members of sets in any order. */
export function inAnyOrder(item: AttributeMap, chance: () => number): AttributeMap {
  const shuffled = <T>(all: readonly T[]): T[] => {
    const left = [...all];
    return all.map(() => left.splice(chance() % left.length, 1)[0] as T);
  };
  return rearranged(item, { names: shuffled, members: shuffled });
}

interface Arrangement {
  names(names: string[]): string[];
  members<T extends string | Uint8Array>(members: T[]): T[];
}

function rearranged(item: AttributeMap, by: Arrangement): AttributeMap {
  const ofValue = (value: AttributeValue): AttributeValue => {
    if ('SS' in value) return { SS: by.members(value.SS) };
    if ('NS' in value) return { NS: by.members(value.NS) };
    if ('BS' in value) return { BS: by.members(value.BS) };
    if ('L' in value) return { L: value.L.map(ofValue) };
    if ('M' in value) return { M: rearranged(value.M, by) };
    return value;
  };
  return Object.fromEntries(
    by.names(Object.keys(item)).map((name) => [name, ofValue(item[name] as AttributeValue)]),
  );
}

function textOf(member: string | Uint8Array): string {
  return typeof member === 'string' ? member : base64(member);
}

function base64(binary: Uint8Array | string): string {
  return typeof binary === 'string' ? binary : Buffer.from(binary).toString('base64');
}

function codePointArbitrary(): fc.Arbitrary<string> {
  return fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
}

function codeUnitArbitrary(): fc.Arbitrary<string> {
  return fc
    .oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff }))
    .map((code) => String.fromCharCode(code));
}

function attributes(): { value: fc.Arbitrary<AttributeValue>; map: fc.Arbitrary<AttributeMap> } {
  const binary = fc.uint8Array({ maxLength: 6 });
  const set = <T>(element: fc.Arbitrary<T>) =>
    fc.uniqueArray(element, { minLength: 1, maxLength: 4, selector: String });
  const leaf: fc.Arbitrary<AttributeValue> = fc.oneof(
    { weight: 3, arbitrary: stringArbitrary().map((S) => ({ S })) },
    { weight: 3, arbitrary: numberTextArbitrary().map((N) => ({ N })) },
    { weight: 1, arbitrary: binary.map((B) => ({ B })) },
    { weight: 1, arbitrary: fc.boolean().map((BOOL) => ({ BOOL })) },
    { weight: 1, arbitrary: fc.constant({ NULL: true }) },
    { weight: 1, arbitrary: set(stringArbitrary()).map((SS) => ({ SS })) },
    { weight: 1, arbitrary: set(numberTextArbitrary()).map((NS) => ({ NS })) },
    { weight: 1, arbitrary: set(binary).map((BS) => ({ BS })) },
  );
  return fc.letrec<{ value: AttributeValue; map: AttributeMap }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      { weight: 2, arbitrary: leaf },
      { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }).map((L) => ({ L })) },
      { weight: 1, arbitrary: tie('map').map((M) => ({ M })) },
    ),
    map: fc
      .uniqueArray(fc.tuple(attributeNameArbitrary(), tie('value')), {
        maxLength: 4,
        selector: ([name]) => name,
      })
      // Not an assignment: one to __proto__ would not make a member.
      .map((members) => Object.fromEntries(members)),
  }));
}

// Items are compared by node:assert: Vitest's equality trips over members named constructor, and is slow in properties.
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AttributeMap, AttributeValue } from '../src/attributes.js';
import { ABSENT, decode, decodeDocument, encode } from '../src/codec.js';
import { EncodeError } from '../src/errors.js';
import {
  attributeNameArbitrary,
  inAnyOrder,
  inLambdaForm,
  itemArbitrary,
  withSetsInOrder,
} from './support/arbitraries.js';

describe('an encoded item', () => {
  test('is JSON that any language reads, with the types that JSON lacks beside it', () => {
    expect(encode(newImage('insert.json'))).toBe(
      '{"email":"ada@example.com","id":"42","logins":1,"name":"Ada Lovelace",' +
        '"tags":["author","mathematician"],"$types":{"/tags":"SS"}}',
    );
  });

  test('has no $types where JSON says everything', () => {
    const item = {
      id: { S: '42' },
      logins: { N: '-1.5' },
      active: { BOOL: true },
      gone: { NULL: true },
      address: { M: { lines: { L: [{ S: 'London' }, { BOOL: false }] } } },
    };
    expect(encode(item)).toBe(
      '{"active":true,"address":{"lines":["London",false]},"gone":null,"id":"42","logins":-1.5}',
    );
  });

  test('names what is nested by JSON Pointer', () => {
    const item: AttributeMap = {
      a: { M: { list: { L: [{ S: 'first' }, { M: { set: { NS: ['1', '1.0'] }, bytes: { B: 'AAE=' } } }] } } },
      big: { N: '1E100' },
      bins: { BS: ['AAE=', ''] },
    };
    expect(encode(item)).toBe(
      '{"a":{"list":["first",{"bytes":"AAE=","set":[1,"1.0"]}]},"big":"1E100","bins":["","AAE="],' +
        '"$types":{"/a/list/1/bytes":"B","/a/list/1/set":"NS","/big":"N","/bins":"BS"}}',
    );
    expectKept(item);
  });

  test('escapes the marks of JSON Pointer in it', () => {
    const item: AttributeMap = {
      'a/b': { SS: [''] },
      a: { M: { b: { L: [] }, '~/': { NS: ['1'] } } },
    };
    expect(encode(item)).toBe('{"a":{"b":[],"~/":[1]},"a/b":[""],"$types":{"/a/~0~1":"NS","/a~1b":"SS"}}');
    expectKept(item);
  });

  test('of a Lambda event and of the SDK is the same text', () => {
    expect(encode({ b: { B: new Uint8Array([0, 1, 255]) } })).toBe(encode({ b: { B: 'AAH/' } }));
  });

  test('says of binary only what its view shows of its buffer', () => {
    const buffer = new Uint8Array([9, 0, 1, 255, 9]).buffer;
    expect(encode({ b: { B: new Uint8Array(buffer, 1, 3) } })).toBe(encode({ b: { B: 'AAH/' } }));
  });

  test('passes over type members that are undefined', () => {
    expect(encode({ a: { S: 'x', N: undefined } as unknown as AttributeValue })).toBe('{"a":"x"}');
  });
});

describe('decode(encode(item))', () => {
  test('is the item, for any item in either spelling', () => {
    fc.assert(
      fc.property(itemArbitrary(), (item) => {
        const text = encode(item);
        deepStrictEqual(decode(text), withSetsInOrder(item));
        strictEqual(encode(inLambdaForm(item)), text);
        deepStrictEqual(membersOf(JSON.parse(text)), membersOf(asPlainJson(withSetsInOrder(item))));
      }),
      { numRuns: 10_000 },
    );
  });

  test('is one text for equal items, whatever the order of their names and the members of their sets', () => {
    fc.assert(
      fc.property(
        itemArbitrary(),
        fc.infiniteStream(fc.nat()).map((numbers) => () => numbers.next().value as number),
        (item, chance) => strictEqual(encode(inAnyOrder(item, chance)), encode(item)),
      ),
      { numRuns: 3_000 },
    );
  });

  test('is one text for equal items with many names and members', () => {
    const names = Array.from({ length: 100 }, (_, index) => `name ${(index * 37) % 100}`);
    const item = (of: readonly string[]): AttributeMap => ({
      ...Object.fromEntries(of.map((name) => [name, { SS: [...of] }])),
    });
    strictEqual(encode(item(names)), encode(item(names.toReversed())));
    strictEqual(encode(item(names.slice(0, 10))), encode(item(names.slice(0, 10).toReversed())));
  });

  test('is the item of the sample event that has every attribute type', () => {
    const image = newImage('every-attribute-type.json');
    deepStrictEqual(inLambdaForm(decode(encode(image)) as AttributeMap), withSetsInOrder(image));
  });

  const MAX_DIGITS = '9'.repeat(38);
  const examples: Record<string, AttributeMap> = {
    'an empty item': {},
    'numbers of 38 digits': {
      a: { N: MAX_DIGITS },
      b: { N: `-${MAX_DIGITS}` },
      c: { N: `0.${MAX_DIGITS}` },
      d: { N: '3.1415926535897932384626433832795028841' },
      e: { NS: [MAX_DIGITS, '1'] },
    },
    'numbers at and beyond the ends of a double': {
      a: { N: '1E100' },
      b: { N: '1e+100' },
      c: { N: '9.9999999999999999999999999999999999999E+125' },
      d: { N: '1E-130' },
      e: { N: `-${'9'.repeat(38)}E88` },
      f: { N: '9007199254740991' },
      g: { N: '9007199254740993' },
    },
    'numbers in unusual spellings': {
      a: { N: '-0' },
      b: { N: '1.0' },
      c: { N: '01' },
      d: { N: '+1' },
      e: { N: '.5' },
      f: { N: '5.' },
      g: { NS: ['-0', '0', '1.0', '1'] },
    },
    'strings that look like something else': {
      a: { S: '1' },
      b: { S: 'null' },
      c: { S: 'AAE=' },
      d: { S: '{"$types":{}}' },
    },
    'attributes named __proto__': nested('__proto__', { S: 'x' }),
    'a typed attribute named __proto__': nested('__proto__', { SS: ['x'] }),
    'attributes named $types': nested('$types', { M: { '/a': { S: 'N' } } }),
    'attributes named $types and $$types': {
      ...nested('$types', { NS: ['1'] }),
      ...nested('$$types', { B: new Uint8Array([1]) }),
      ...nested('$$$types', { S: '' }),
    },
    'an attribute named toJSON': nested('toJSON', { S: 'x' }),
    'attribute names with marks of JSON Pointer': {
      ...nested('a/b', { SS: ['1'] }),
      ...nested('a~b', { SS: ['2'] }),
      ...nested('a~1b', { SS: ['3'] }),
      ...nested('~', { SS: ['4'] }),
      ...nested('/', { SS: ['5'] }),
    },
    'attribute names that look empty or like an index': {
      ...nested('', { SS: ['1'] }),
      ...nested(' ', { SS: ['2'] }),
      ...nested('\0', { SS: ['3'] }),
      ...nested('0', { SS: ['4'] }),
      ...nested('-', { SS: ['5'] }),
    },
    'attribute names that JSON escapes': {
      ...nested('"', { SS: ['1'] }),
      ...nested('\n', { SS: ['2'] }),
      ...nested('back\\slash', { SS: ['3'] }),
    },
    'lone surrogates': { ...nested('\ud800', { S: '\udfff' }), b: { SS: ['\ud83d', '🐘'] } },
    'what is empty': {
      a: { S: '' },
      b: { L: [] },
      c: { M: {} },
      d: { B: new Uint8Array() },
      e: { L: [{ L: [] }, { M: {} }, { S: '' }] },
    },
    'sets in lists in maps': {
      m: { M: { l: { L: [{ SS: ['a'] }, { L: [{ NS: ['1', '1E100'] }, { BS: [new Uint8Array([7])] }] }] } } },
    },
    'null at every level': { a: { NULL: true }, b: { L: [{ NULL: true }] }, c: { M: { d: { NULL: true } } } },
    'as many levels as DynamoDB has': { deep: deepList(32) },
    'lists and maps 64 deep': { list: deepList(65), map: deepMap(65) },
  };
  test.each(Object.entries(examples))('keeps %s', (_, item) => {
    expectKept(item);
    deepStrictEqual(membersOf(JSON.parse(encode(item))), membersOf(asPlainJson(withSetsInOrder(item))));
  });
});

describe('decode', () => {
  test('knows an item that does not exist from one that is empty', () => {
    expect(decode(ABSENT)).toBeNull();
    deepStrictEqual(decode(encode({})), {});
  });

  test.each([
    ['nothing', ''],
    ['text that is not JSON', 'OK'],
    ['a truncated item', '{"id":"42"'],
    ['a string', '"42"'],
    ['a number', '42'],
    ['an array', '[]'],
    ['a number beyond a double', '{"a":1E400}'],
    ['a number that a double has and DynamoDB has not', '{"a":1e300}'],
    ['a number that is too small', '{"a":[1e-131]}'],
    ['the first number that is too large', '{"a":1e126}'],
    ['a typed number that is too large', '{"a":"1e5000","$types":{"/a":"N"}}'],
    ['a typed number of 39 digits', `{"a":"${'1'.repeat(39)}","$types":{"/a":"N"}}`],
    ['a number set with one that is too large', '{"a":["1e5000"],"$types":{"/a":"NS"}}'],
    ['an empty set', '{"a":[],"$types":{"/a":"SS"}}'],
    ['a set with the same twice', '{"a":[1,1],"$types":{"/a":"NS"}}'],
    ['a set of the same bytes twice', '{"a":["AAE=","AAE="],"$types":{"/a":"BS"}}'],
    ['$types that is no map', '{"a":"1","$types":["/a"]}'],
    ['$types that is null', '{"a":"1","$types":null}'],
    ['a type of nothing', '{"a":"1","$types":{"/b":"N"}}'],
    ['a type of a part of a set', '{"a":["1"],"$types":{"/a":"SS","/a/0":"N"}}'],
    ['a type of the whole', '{"a":"1","$types":{"":"M"}}'],
    ['an unknown type', '{"a":"1","$types":{"/a":"S"}}'],
    ['a type that is no string', '{"a":"1","$types":{"/a":null}}'],
    ['a typed number that is none', '{"a":"one","$types":{"/a":"N"}}'],
    ['a number typed again', '{"a":1,"$types":{"/a":"N"}}'],
    ['a set that is no array', '{"a":"1","$types":{"/a":"SS"}}'],
    ['a string set of numbers', '{"a":[1],"$types":{"/a":"SS"}}'],
    ['a number set of words', '{"a":["one"],"$types":{"/a":"NS"}}'],
    ['a number set of arrays', '{"a":[["1"]],"$types":{"/a":"NS"}}'],
    ['binary that is not base64', '{"a":"?","$types":{"/a":"B"}}'],
    ['binary in base64url', '{"a":"_-8=","$types":{"/a":"B"}}'],
    ['binary without its padding', '{"a":"AAE","$types":{"/a":"B"}}'],
    ['lists 65 deep', `{"a":${'['.repeat(65)}${']'.repeat(65)}}`],
    ['maps 65 deep', `${'{"a":'.repeat(66)}1${'}'.repeat(66)}`],
    ['JSON that is nested too deeply', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ])('takes %s for no item', (_, text) => {
    expect(decode(text)).toBeUndefined();
  });

  test.each(['1e-130', '9.9e125', '0e999', '0'.repeat(400), `${'0'.repeat(399)}1`])(
    'holds a number at the end of what DynamoDB has room for: %s',
    (N) => {
      expect(decode(encode({ a: { N } }))).toEqual({ a: { N } });
    },
  );

  test('holds the smallest number as a literal of JSON', () => {
    expect(decode('{"a":1e-130}')).toEqual({ a: { N: '1e-130' } });
    expect(encode({ a: { N: '1e-130' } })).toBe('{"a":1e-130}');
  });

  test('never throws, whatever the text', () => {
    // Without escaped backslashes, as attributeNameArbitrary() explains.
    const json = fc.json({ maxDepth: 4 }).map((text) => text.replaceAll('\\\\', '/'));
    const typed = fc
      .tuple(
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 2 })),
        fc.dictionary(
          fc.constantFrom('/a', '/b', '/c', '/a/0', '/b/0', '/b/a', ''),
          fc.oneof(fc.constantFrom('N', 'B', 'SS', 'NS', 'BS', 'S', 'M'), fc.jsonValue({ maxDepth: 1 })),
        ),
      )
      .map(([members, $types]) => JSON.stringify({ ...members, $types }).replaceAll('\\\\', '/'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), json, typed), (text) => {
        expectItemOrNothing(decode(text));
      }),
      { numRuns: 2_500 },
    );
  });

  test('never throws on a damaged item, and makes nothing of it that cannot be stored', () => {
    const damaged = fc
      .tuple(itemArbitrary(), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean())
      .map(([item, position, bits, isTruncated]) => {
        const bytes = Buffer.from(encode(item));
        const at = position % bytes.length;
        if (isTruncated) return bytes.toString('utf8', 0, at);
        bytes[at] = (bytes[at] ?? 0) ^ bits;
        return bytes.toString('utf8');
      });
    fc.assert(
      fc.property(damaged, (text) => {
        expectItemOrNothing(decode(text));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('encode', () => {
  const SECRET = 'secret@example.com';
  const cycle: AttributeValue = { M: {} };
  cycle.M.again = cycle;
  const values: Record<string, unknown> = {
    'an unknown type': { X: SECRET },
    'a plain value': SECRET,
    'a plain map': { [SECRET]: SECRET },
    'no type': {},
    'two types': { S: SECRET, N: '1' },
    null: null,
    undefined: undefined,
    'an array': [SECRET],
    'a string that is a number': { S: 42 },
    'a string that is null': { S: null },
    'a number that is no text': { N: 42 },
    'a number that is a symbol': { N: Symbol(SECRET) },
    'a number that is a word': { N: SECRET },
    'an empty number': { N: '' },
    'a number with white space': { N: ' 1' },
    'a hexadecimal number': { N: '0x10' },
    NaN: { N: 'NaN' },
    Infinity: { N: '-Infinity' },
    'a number of 39 digits': { N: '1'.repeat(39) },
    'a number that is too large': { N: '1E126' },
    'a number of 39 digits, zeros within': { N: `1${'0'.repeat(37)}1` },
    'a number of 401 characters': { N: `${'0'.repeat(400)}1` },
    'a number that is too large for a double': { N: '1e5000' },
    'a number that is too small': { N: '9.9E-131' },
    'a number that a double has and DynamoDB has not': { N: '1e+300' },
    'a boolean that is text': { BOOL: 'true' },
    'a NULL that is false': { NULL: false },
    'a NULL that is text': { NULL: SECRET },
    'a list that is a map': { L: { 0: { S: SECRET } } },
    'a list with a hole': { L: new Array(1) },
    'a list of plain values': { L: [SECRET] },
    'a map that is a list': { M: [{ S: SECRET }] },
    'a map that is text': { M: SECRET },
    'a set that is no array': { SS: SECRET },
    'a Set': { SS: new Set([SECRET]) },
    'an empty set': { SS: [] },
    'a set of one number twice': { NS: ['1', '1'] },
    'a set of the same bytes twice': { BS: ['AAE=', new Uint8Array([0, 1])] },
    'a string set of numbers': { SS: [SECRET, 1] },
    'a string set with a hole': { SS: new Array(1) },
    'a number set of words': { NS: ['1', SECRET] },
    'a number set of numbers': { NS: [1] },
    'binary that is not base64': { B: SECRET },
    'binary in base64url': { B: '_-8=' },
    'binary without its padding': { B: 'AAE' },
    'binary as an array': { B: [1, 2] },
    'a binary set of words': { BS: ['AAE=', SECRET] },
    'a map that holds itself': cycle,
    'lists 65 deep': deepList(66),
    'maps 65 deep': deepMap(66),
    'a hundred thousand levels': deepList(100_000),
  };

  test.each(Object.entries(values))('refuses %s, and does not tell what it was', (_, value) => {
    for (const item of [{ id: { S: '42' }, [SECRET]: value }, { id: { M: { [SECRET]: value } } }]) {
      const thrown = thrownBy(() => encode(item as AttributeMap));
      expect(thrown).toBeInstanceOf(EncodeError);
      expect(thrown).toMatchObject({ message: expect.stringMatching(/^Cannot encode /) });
      expect(`${thrown.message} ${thrown.cause}`).not.toContain('secret');
    }
  });

  test.each([null, undefined, 'text', [], 42])('refuses %j for an item', (item) => {
    expect(() => encode(item as unknown as AttributeMap)).toThrow(EncodeError);
  });

  test('refuses whatever it cannot encode, and encodes what can be decoded', () => {
    const type = fc.constantFrom('S', 'N', 'B', 'BOOL', 'NULL', 'M', 'L', 'SS', 'NS', 'BS', 'X');
    const anything = fc.anything({
      key: attributeNameArbitrary(),
      maxDepth: 2,
      withBigInt: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    const content = fc.oneof(anything, fc.array(anything), fc.constantFrom('1', 'AAE=', true));
    const value = fc.oneof(
      { weight: 1, arbitrary: anything },
      { weight: 4, arbitrary: fc.tuple(type, content).map(([name, held]) => ({ [name]: held })) },
    );
    const item = fc.oneof(anything, fc.dictionary(attributeNameArbitrary(), value, { maxKeys: 2 }));
    fc.assert(
      fc.property(item, (item) => {
        try {
          strictEqual(typeof decode(encode(item as AttributeMap)), 'object');
        } catch (thrown) {
          if (!(thrown instanceof EncodeError)) throw thrown;
        }
      }),
      { numRuns: 2_500 },
    );
  });
});

test('a number of any length is checked in no time', () => {
  const digits = '1'.repeat(400_000);
  const start = performance.now();
  expect(() => encode({ a: { N: `${digits}x` } })).toThrow(EncodeError);
  expect(performance.now() - start).toBeLessThan(1_000);
});

function newImage(file: string): AttributeMap {
  const event = JSON.parse(readFileSync(new URL(`../events/${file}`, import.meta.url), 'utf8'));
  return event.Records[0].dynamodb.NewImage;
}

/** The value under one name, at the top of an item and in a map within it. */
function nested(name: string, value: AttributeValue): AttributeMap {
  return Object.fromEntries([
    [name, value],
    [`in ${name}`, { M: Object.fromEntries([[name, value]]) }],
  ]);
}

function deepList(levels: number): AttributeValue {
  let value: AttributeValue = { SS: ['bottom'] };
  for (let level = 1; level < levels; level++) value = { L: [value] };
  return value;
}

function deepMap(levels: number): AttributeValue {
  let value: AttributeValue = { S: 'bottom' };
  for (let level = 1; level < levels; level++) value = { M: { m: value } };
  return value;
}

function expectKept(item: AttributeMap): void {
  const decoded = decode(encode(item));
  deepStrictEqual(inLambdaForm(decoded as AttributeMap), inLambdaForm(withSetsInOrder(item)));
  deepStrictEqual(decode(encode(decoded as AttributeMap)), decoded);
}

/** Nothing, or an item that is none but itself: encoded and decoded again it is the same. */
function expectItemOrNothing(decoded: AttributeMap | null | undefined): void {
  if (decoded !== undefined && decoded !== null) {
    deepStrictEqual(decode(encode(decoded)), withSetsInOrder(decoded));
  }
}

/** What a reader of JSON sees who knows nothing of `$types`. */
function asPlainJson(item: AttributeMap): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: AttributeValue): unknown {
  const [[type, content]] = Object.entries(value) as [[string, never]];
  switch (type) {
    case 'N':
      return plainNumber(content);
    case 'NS':
      return (content as string[]).map(plainNumber);
    case 'B':
      return Buffer.from(content).toString('base64');
    case 'BS':
      return (content as Uint8Array[]).map((bytes) => Buffer.from(bytes).toString('base64'));
    case 'NULL':
      return null;
    case 'L':
      return (content as AttributeValue[]).map(plainValue);
    case 'M':
      return asPlainJson(content);
    default:
      return content;
  }
}

function plainNumber(text: string): number | string {
  return `${Number(text)}` === text ? Number(text) : text;
}

/** The members of an object but for those named $types, $$types…, which the stored form renames. */
function membersOf(json: object): [string, unknown][] {
  return Object.entries(json)
    .filter(([name]) => !/^\$+types$/.test(name))
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (thrown) {
    return thrown as Error;
  }
  throw new Error('Nothing was thrown.');
}

describe('an error about an item', () => {
  const nested = { L: [] as unknown[] };
  let deepest = nested;
  for (let level = 0; level < 100_000; level += 1) {
    const inner = { L: [] };
    deepest.L.push(inner);
    deepest = inner;
  }
  test.each<[what: string, make: () => unknown, message: RegExp]>([
    ['no type', () => encode({ a: {} as never }), /has no type/],
    ['an unknown type', () => encode({ a: { X: '1' } as never }), /no such type/],
    [
      'more depth than there is stack',
      () => encode({ a: nested as never }),
      /nested deeper than DynamoDB allows/,
    ],
    [
      'a type of nothing',
      () => decodeDocument({ $types: { '/a': 'SS' } }),
      /entries in \$types that nothing/,
    ],
    ['a type unknown', () => decodeDocument({ a: '1', $types: { '/a': 'X' } }), /unknown type in \$types/],
  ])('%s: says what is wrong', (_, make, message) => {
    expect(make).toThrow(EncodeError);
    expect(make).toThrow(message);
  });
});

test('names that only begin and end like the reserved one keep their spelling, and numbers their fractions', () => {
  const item = { $types$types: { S: 'x' }, $$types$types: { N: '.25' } };
  expect(JSON.parse(encode(item))).toMatchObject({ $types$types: 'x', $$types$types: '.25' });
  expect(decode(encode(item))).toEqual(item);
});

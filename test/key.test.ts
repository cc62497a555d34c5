import { match, strictEqual } from 'node:assert/strict'; // in properties, where Vitest's expect costs most of the time
import calculateSlot from 'cluster-key-slot';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AttributeMap, AttributeValue } from '../src/attributes.js';
import { ConfigError, KeyError } from '../src/errors.js';
import {
  checkCustomKey,
  checkDerivedKey,
  guardKey,
  indexTag,
  isKeyValue,
  itemKey,
  keyNamesKey,
  keyPart,
  MAX_KEY_BYTES,
  normalizeNumber,
  partitionTag,
  resultKey,
  resultLeaseKey,
  tableTag,
} from '../src/key.js';
import {
  type Decimal,
  decimalArbitrary,
  inLambdaForm,
  type Subject,
  spellingArbitrary,
  stringArbitrary,
  subjectArbitrary,
} from './support/arbitraries.js';

describe('the key of an item', () => {
  test.each<[string, AttributeMap, string]>([
    ['users', { id: { S: '42' } }, 'users:id=42'],
    ['users', { id: { S: '' } }, 'users:id='],
    ['orders', { customerId: { S: 'c1' }, orderId: { N: '7' } }, 'orders:customerId=c1,orderId#7'],
    ['orders', { orderId: { N: '07.0' }, customerId: { S: 'c1' } }, 'orders:customerId=c1,orderId#7'],
    ['files', { hash: { B: 'AAH/' } }, 'files:hash~AAH_'],
    ['files', { hash: { B: new Uint8Array([0, 1, 255]) } }, 'files:hash~AAH_'],
    ['files', { hash: { B: new Uint8Array([250]) } }, 'files:hash~-g'],
    ['my.table_v2-blue', { 'user-id': { S: 'é🐘' } }, 'my.table_v2-blue:user-id=é🐘'],
    ['users', JSON.parse('{"__proto__": {"S": "x"}}'), 'users:__proto__=x'],
  ])('%s %j is %s', (table, keys, text) => {
    expect(itemKey(undefined, table, keys)).toBe(text);
  });

  test('begins with the namespace', () => {
    expect(itemKey('prod', 'users', { id: { S: '42' } })).toBe('prod:users:id=42');
    expect(itemKey('a:b', 'users', { id: { S: '42' } })).toBe('a%3Ab:users:id=42');
    expect(itemKey('', 'users', { id: { S: '42' } })).toBe(':users:id=42');
  });

  test.each([
    ['%', '%25'],
    [':', '%3A'],
    [',', '%2C'],
    ['=', '%3D'],
    ['#', '%23'],
    ['~', '%7E'],
    ['*', '%2A'],
    ['{', '%7B'],
    ['}', '%7D'],
    [' ', '%20'],
    ['\0', '%00'],
    ['\t', '%09'],
    ['\n', '%0A'],
    ['\x7f', '%7F'],
    ['\x85', '%C2%85'],
    ['\xa0', '%C2%A0'],
    ['\u2028', '%E2%80%A8'],
    ['\u3000', '%E3%80%80'],
    ['\ufeff', '%EF%BB%BF'],
    ['\ud800', '%ED%A0%80'],
    ['\udfff', '%ED%BF%BF'],
    ['\udc18\ud83d', '%ED%B0%98%ED%A0%BD'],
  ])('encodes %j as %s wherever it stands', (character, encoded) => {
    const text = `a${character}-${character}z`;
    const code = `a${encoded}-${encoded}z`;
    const keys = { [text]: { S: text } };
    expect(itemKey(text, text, keys)).toBe(`${code}:${code}:${code}=${code}`);
    expect(tableTag(text, text)).toBe(`${code}:${code}*`);
    expect(indexTag(text, text, text)).toBe(`${code}:${code}*${code}*`);
    expect(partitionTag(text, text, text, { [text]: { S: text } })).toBe(
      `${code}:${code}*${code}*${code}=${code}`,
    );
  });

  test.each<[string, AttributeMap]>([
    ['no attributes', {}],
    ['a boolean', { id: { BOOL: true } }],
    ['a set', { id: { SS: ['1'] } }],
    ['no type', { id: {} as AttributeValue }],
    ['null', { id: null as unknown as AttributeValue }],
    ['undefined', { id: undefined as unknown as AttributeValue }],
    ['text', { id: 'S' as unknown as AttributeValue }],
    ['a string that is a number', { id: { S: 42 as unknown as string } }],
    ['a number that is a word', { id: { N: 'seven' } }],
    ['a number that is no text', { id: { N: 7 as unknown as string } }],
    ['binary that is not base64', { id: { B: '?' } }],
    ['binary as an array', { id: { B: [1] as unknown as Uint8Array } }],
  ])('cannot be made of %s', (_, keys) => {
    expect(() => itemKey(undefined, 'users', keys)).toThrow(KeyError);
  });

  test('has nothing in it that is hard to type, log or match', () => {
    fc.assert(
      fc.property(subjectArbitrary(), (subject) => {
        match(keyOf(subject), /^[^\s\p{Cc}\p{Cs}{}*]+$/u);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is the same for two items only if they are the same', () => {
    fc.assert(fc.property(manySubjects(), expectOneTextEach), { numRuns: 400 });
  });

  test('is never shared by any two of all short names and values', () => {
    const texts = [...allTexts('a1:,=#~%', 2), '%3A', '%2C', '%3D', '%25', '%253A'];
    const values: AttributeValue[] = [
      ...texts.map((S) => ({ S })),
      ...['1', '-1', '0', '0.1', '1E99'].map((N) => ({ N })),
      ...texts.map((text) => ({ B: Buffer.from(text) })),
    ];
    const subjects: Subject[] = [];
    for (const name of texts) {
      for (const value of values) {
        subjects.push({ namespace: undefined, tableName: 'a', keys: { [name]: value } });
      }
    }
    for (const namespace of [undefined, ...texts]) {
      for (const tableName of texts) subjects.push({ namespace, tableName, keys: { '': { S: '' } } });
    }
    for (const name of allTexts('a,=', 2)) {
      for (const value of allTexts('a,=', 3)) {
        const keys = { '': { S: value }, [`${name}b`]: { S: '' } };
        subjects.push({ namespace: undefined, tableName: 'b', keys });
      }
    }
    expect(subjects.length).toBeGreaterThan(15_000);
    expectOneTextEach(subjects);
  });

  test('is the same however the key is spelled', () => {
    const respelled = fc.tuple(subjectArbitrary(), decimalArbitrary()).chain(([subject, number]) =>
      fc.record({
        subject: fc.constant(subject),
        one: spellingArbitrary(number),
        other: spellingArbitrary(number),
      }),
    );
    fc.assert(
      fc.property(respelled, ({ subject, one, other }) => {
        const { namespace, tableName, keys } = subject;
        const members = Object.entries(inLambdaForm({ ...keys, number: { N: other } }));
        strictEqual(
          itemKey(namespace, tableName, { ...keys, number: { N: one } }),
          itemKey(namespace, tableName, Object.fromEntries(members.reverse())),
        );
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('a long key', () => {
  const PREFIX = 'users:id=';

  test('stands as it is up to 1,024 bytes of UTF-8', () => {
    const fits = 'é'.repeat((MAX_KEY_BYTES - PREFIX.length - 1) / 2);
    expect(itemKey(undefined, 'users', { id: { S: `${fits}a` } })).toBe(`${PREFIX}${fits}a`);
    expect(itemKey(undefined, 'users', { id: { S: `${fits}é` } })).toMatch(/^users:sha256\.[\w-]{43}$/);
  });

  test('is hashed behind its table, as a tag is', () => {
    const value = { S: 'x'.repeat(2_000) };
    expect(itemKey('prod', 'users', { id: value })).toMatch(/^prod:users:sha256\.[\w-]{43}$/);
    expect(partitionTag('prod', 'users', undefined, { id: value })).toMatch(
      /^prod:users\*sha256\.[\w-]{43}$/,
    );
    expect(partitionTag('prod', 'users', 'byEmail', { id: value })).toMatch(
      /^prod:users\*byEmail\*sha256\.[\w-]{43}$/,
    );
  });

  test('stays distinct and bounded', () => {
    const start = 'x'.repeat(2_000);
    const long = fc.record({
      namespace: fc.constantFrom(undefined, 'a'),
      tableName: fc.constantFrom('a', 'b'),
      keys: stringArbitrary().map((end) => ({ id: { S: start + end } })),
    });
    fc.assert(
      fc.property(fc.array(long, { minLength: 10, maxLength: 20 }), (subjects) => {
        expectOneTextEach(subjects);
        for (const subject of subjects)
          expect(Buffer.byteLength(keyOf(subject))).toBeLessThan(MAX_KEY_BYTES + 1);
      }),
      { numRuns: 100 },
    );
  });

  test('is no key that a short one could be', () => {
    const hashed = itemKey(undefined, 'users', { id: { S: 'x'.repeat(2_000) } });
    const [, digest = ''] = hashed.split(':');
    expect(itemKey(undefined, 'users', { [digest]: { S: '' } })).not.toBe(hashed);
    expect(itemKey(undefined, 'users', { id: { S: digest } })).not.toBe(hashed);
  });
});

describe('a tag', () => {
  test.each([
    [tableTag(undefined, 'users'), 'users*'],
    [tableTag('prod', 'users'), 'prod:users*'],
    [indexTag(undefined, 'users', 'byEmail'), 'users*byEmail*'],
    [partitionTag(undefined, 'users', undefined, { id: { S: '42' } }), 'users*id=42'],
    [partitionTag(undefined, 'users', 'byAge', { age: { N: '42.0' } }), 'users*byAge*age#42'],
    [partitionTag('prod', 'users', 'byHash', { hash: { B: 'AAH/' } }), 'prod:users*byHash*hash~AAH_'],
  ])('%s is %s', (tag, text) => {
    expect(tag).toBe(text);
  });

  test('is never an item key nor the tag of something else', () => {
    const indexName = fc.string({ unit: fc.constantFrom(...'a:,=*%'), maxLength: 3 });
    const subjects = fc.array(fc.tuple(subjectArbitrary(), indexName), { minLength: 20, maxLength: 40 });
    fc.assert(
      fc.property(subjects, (subjects) => {
        const texts = new OneTextEach();
        for (const [subject, index] of subjects) {
          const { namespace, tableName, keys } = subject;
          const place = [namespace ?? null, tableName];
          texts.add(['item', identity(subject)], keyOf(subject));
          texts.add(['table', place], tableTag(namespace, tableName));
          texts.add(['index', place, index], indexTag(namespace, tableName, index));
          for (const [name, value] of Object.entries(keys)) {
            const partition = identity({ ...subject, keys: { [name]: value } });
            texts.add(
              ['partition', partition],
              partitionTag(namespace, tableName, undefined, { [name]: value }),
            );
            texts.add(
              ['partition', partition, index],
              partitionTag(namespace, tableName, index, { [name]: value }),
            );
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('cannot be made of what no key attribute can be', () => {
    expect(() => partitionTag(undefined, 'users', undefined, { id: { BOOL: true } })).toThrow(KeyError);
  });
});

describe('isKeyValue', () => {
  test.each([{ S: '' }, { N: '1' }, { B: '' }, { B: new Uint8Array() }])('takes %j', (value) => {
    expect(isKeyValue(value)).toBe(true);
  });

  test.each([
    undefined,
    null,
    {},
    { BOOL: true },
    { NULL: true },
    { SS: ['1'] },
    { S: 1 },
    { N: 1 },
    { B: [] },
  ])('does not take %j', (value) => {
    expect(isKeyValue(value as AttributeValue | undefined)).toBe(false);
  });
});

describe('the key of a guard', () => {
  test.each([
    ['users:id=42', '{users:id=42}:guard'],
    ['users*', '{users*}:guard'],
    ['user:{42}', 'user:{42}::guard'],
    ['{42}', '{42}::guard'],
    ['42', '{42}:guard'],
    ['42:guard', '{42:guard}:guard'],
  ])('of %s is %s', (key, guard) => {
    expect(guardKey(key)).toBe(guard);
    expect(calculateSlot(guard)).toBe(calculateSlot(key));
  });

  test.each(['{', '}', '{}', 'a{}b', '}{', '{a', 'a}', '{a}{b}', '{{a}}', '{a}}', '{}{a}', '{42}:guard'])(
    'is refused for %s',
    (key) => {
      expect(() => guardKey(key)).toThrow(KeyError);
    },
  );

  test('is in the slot of what it guards', () => {
    fc.assert(
      fc.property(subjectArbitrary(), ({ namespace, tableName, keys }) => {
        for (const key of [itemKey(namespace, tableName, keys), tableTag(namespace, tableName)]) {
          expect(calculateSlot(guardKey(key))).toBe(calculateSlot(key));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("is in the slot of a caller's own key too, guards nothing else, and is itself unguarded", () => {
    const key = fc.string({
      unit: fc.constantFrom('a', 'b', '{', '}', ':', ':guard'),
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(key, { minLength: 30, maxLength: 60 }), (candidates) => {
        const texts = new OneTextEach();
        for (const key of candidates) {
          const guard = guardOf(key);
          if (guard === undefined) continue;
          texts.add(key, guard);
          strictEqual(calculateSlot(guard), calculateSlot(key));
          expect(() => guardKey(guard)).toThrow(KeyError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the key of a stored result', () => {
  test('the note of key names is in the slot of the guard of its table', () => {
    expect(keyNamesKey('shop', 'users')).toBe('{shop:users*}:keys');
    expect(calculateSlot(keyNamesKey('shop', 'users'))).toBe(
      calculateSlot(guardKey(tableTag('shop', 'users'))),
    );
  });

  test('what readers of a result hold a lease of is another one after each change of a generation', () => {
    const key = resultKey(tableTag(undefined, 'users'), 'one');
    expect(resultLeaseKey(key, ['a', undefined, 'b'])).toBe(`${key}:a::b`);
  });

  test("is in the slot of its tag's guard, bounded, and one for each signature", () => {
    const tag = tableTag(undefined, 'users');
    const key = resultKey(tag, 'one'.repeat(10_000));
    expect(key).toMatch(/^\{users\*\}:result:[\w-]{43}$/);
    expect(calculateSlot(key)).toBe(calculateSlot(guardKey(tag)));
    expect(resultKey(tag, 'one')).not.toBe(resultKey(tag, 'two'));
  });
});

describe("a caller's own key", () => {
  test.each([
    ['plain', 'user:42'],
    ['with a hash tag', 'user:{42}'],
    ['white space', ' \n'],
    ['of any script', 'é🐘'],
    ['of 4,000 bytes', 'x'.repeat(4_000)],
  ])('may be %s', (_, key) => {
    expect(checkCustomKey(key)).toBe(key);
  });

  test.each([
    ['empty', ''],
    ['of other braces', 'a{b}c}'],
    ['like a guard', '{x}:guard'],
    ['longer than 4,000 bytes', 'x'.repeat(4_001)],
    ['longer than 4,000 bytes of UTF-8', 'é'.repeat(2_001)],
    ['a lone surrogate', 'user:\ud83d'],
  ])('may not be %s', (_, key) => {
    expect(() => checkCustomKey(key)).toThrow(KeyError);
  });

  test.each([undefined, null, 42, Object('user:42'), Promise.resolve('user:42')])(
    "that is no text is its function's fault: %s",
    (key) => {
      expect(() => checkCustomKey(key)).toThrow('for a cache key: expected a text.');
      expect(() => checkCustomKey(key)).toThrow(ConfigError);
      expect(() => checkDerivedKey(key)).toThrow(ConfigError);
    },
  );

  test('which is only deleted may have any braces, and lone surrogates as when it was stored', () => {
    for (const key of ['a{b}c}', '{x}:guard', 'user:\ud83d']) expect(checkDerivedKey(key)).toBe(key);
    for (const key of ['', 'é'.repeat(2_001)]) expect(() => checkDerivedKey(key)).toThrow(KeyError);
  });
});

describe('a part of a key', () => {
  test('stays as it is where it can', () => {
    for (const text of ['42', 'ada@example.com', 'Zoë', 'a/b', '']) expect(keyPart(text)).toBe(text);
    expect(keyPart('x'.repeat(1_024))).toBe('x'.repeat(1_024));
  });

  test.each([
    ['{', '%7B'],
    ['a{b}c}', 'a%7Bb%7Dc%7D'],
    ['{x}:guard', '%7Bx%7D%3Aguard'],
    ['50% ~ \n', '50%25%20%7E%20%0A'],
    ['\ud83d', '%ED%A0%BD'],
    ['x'.repeat(4_000), /^~[\w-]{43}$/],
  ])('of %j', (text, part) => {
    if (part instanceof RegExp) expect(keyPart(text)).toMatch(part);
    else expect(keyPart(text)).toBe(part);
  });

  test('of any text makes a key, which has a guard, and none of two texts', () => {
    const unit = fc.oneof(
      fc.constantFrom(...'{}:%~*', ':guard', '\ud83d', '\udc18', 'x'.repeat(1_000)),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
    );
    const texts = new OneTextEach();
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 6 }), (units) => {
        const text = units.join('');
        const key = `user:${keyPart(text)}`;
        expect(checkCustomKey(key)).toBe(key);
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1_029);
        texts.add(text, key);
        // Parts that were joined can be told apart again.
        texts.add([text, text.slice(1)], `pair:${keyPart(text)}:${keyPart(text.slice(1))}`);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the normal form of a number', () => {
  test.each([
    ['0', '0'],
    ['-0', '0'],
    ['+0.00', '0'],
    ['0E5', '0'],
    ['.0', '0'],
    ['1', '1'],
    ['+1', '1'],
    ['1.0', '1'],
    ['01', '1'],
    ['1.', '1'],
    ['1E0', '1'],
    ['10e-1', '1'],
    ['0.1E+1', '1'],
    ['-1', '-1'],
    ['-01.50', '-1.5'],
    ['.5', '0.5'],
    ['100', '100'],
    ['1E2', '100'],
    ['1e+00002', '100'],
    ['12.34e1', '123.4'],
    ['1234567890123456', '1234567890123456'],
    ['0.000001', '0.000001'],
    ['0.0000001', '1E-7'],
    ['1.5e-7', '1.5E-7'],
    ['1E39', `1${'0'.repeat(39)}`],
    ['1E40', '1E40'],
    [`1${'0'.repeat(100)}`, '1E100'],
    ['9'.repeat(38), '9'.repeat(38)],
    [`-${'9'.repeat(38)}E87`, `-9.${'9'.repeat(37)}E124`],
    ['1E-130', '1E-130'],
  ])('of %s is %s', (text, normal) => {
    expect(normalizeNumber(text)).toBe(normal);
  });

  test.each([
    ...['', ' ', '+', '-', '.', 'E', 'e5', '.e5', '1E', '1E+', '1E1.5', '1 ', ' 1', '1\n', '1,0', '1_0'],
    ...['--1', '0x10', 'NaN', 'Infinity', '١', '1E99999'],
  ])('of %j is none', (text) => {
    expect(() => normalizeNumber(text)).toThrow(KeyError);
  });

  test('has the value of the number, and every spelling has the same', () => {
    const spelled = decimalArbitrary().chain((number) =>
      fc.record({
        number: fc.constant(number),
        one: spellingArbitrary(number),
        other: spellingArbitrary(number),
      }),
    );
    fc.assert(
      fc.property(spelled, ({ number, one, other }) => {
        const normal = normalizeNumber(one);
        strictEqual(normalizeNumber(other), normal);
        strictEqual(normalizeNumber(normal), normal);
        strictEqual(numberValue(normal), valueText(number));
      }),
      { numRuns: 10_000 },
    );
  });

  test('is made in no time, however long the number is', () => {
    const start = performance.now();
    expect(normalizeNumber(`${'10'.repeat(2)}${'0'.repeat(400_000)}1`)).toMatch(/^1\.01.*E400004$|^1\.010/);
    expect(() => normalizeNumber(`${'0'.repeat(400_000)}x`)).toThrow(KeyError);
    expect(() => normalizeNumber(`1E${'0'.repeat(400_000)}x`)).toThrow(KeyError);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

function keyOf({ namespace, tableName, keys }: Subject): string {
  return itemKey(namespace, tableName, keys);
}

/** Subjects that have much in common: cut out of one text at different places, some percent-encoded, and others. */
function manySubjects(): fc.Arbitrary<Subject[]> {
  const marked = fc.string({ unit: fc.constantFrom(...'a1:,=#~*%'), minLength: 4, maxLength: 10 });
  return marked.chain((text) => {
    const place = fc.nat({ max: text.length });
    const cut = fc
      .tuple(
        fc.array(place, { minLength: 3, maxLength: 5 }),
        fc.constantFrom('S', 'B', 'both'),
        fc.boolean(),
        fc.boolean(),
      )
      .map(([places, type, hasNamespace, isEncoded]): Subject => {
        const [a = 0, b = 0, c = 0, d, e] = places.sort((one, other) => one - other);
        const part = (from: number | undefined, to?: number) =>
          isEncoded ? text.slice(from, to).replace(/[^a1]/g, encodeURIComponent) : text.slice(from, to);
        return {
          namespace: hasNamespace ? part(0, a) : undefined,
          tableName: part(a, b),
          keys: {
            [part(b, c)]: type === 'B' ? { B: Buffer.from(part(c, d)) } : { S: part(c, d) },
            ...(type === 'both' && d !== undefined ? { [part(d, e)]: { S: part(e) } } : {}),
          },
        };
      });
    const any = fc.oneof({ weight: 2, arbitrary: cut }, { weight: 1, arbitrary: subjectArbitrary() });
    return fc.array(any, { minLength: 30, maxLength: 40 });
  });
}

function expectOneTextEach(subjects: Subject[]): void {
  const texts = new OneTextEach();
  for (const subject of subjects) texts.add(identity(subject), keyOf(subject));
}

/** Collects things and their texts, and fails as soon as two things share a text or one thing has two. */
class OneTextEach {
  readonly #textOf = new Map<string, string>();
  readonly #thingOf = new Map<string, string>();

  add(thing: unknown, text: string): void {
    const identity = JSON.stringify(thing);
    const other = this.#thingOf.get(text);
    if (other !== undefined && other !== identity) throw new Error(`${text} is of ${other} and ${identity}`);
    const before = this.#textOf.get(identity);
    if (before !== undefined && before !== text) throw new Error(`${identity} is ${before} and ${text}`);
    this.#thingOf.set(text, identity);
    this.#textOf.set(identity, text);
  }
}

/** What makes two keys equal to DynamoDB: numbers by value, binary by bytes, strings by code units. */
function identity({ namespace, tableName, keys }: Subject): unknown {
  const members = Object.entries(keys)
    .map(([name, value]) => [name, ...contentOf(value)])
    .sort(([one = ''], [other = '']) => (one < other ? -1 : 1));
  return [namespace ?? null, tableName, members];
}

function contentOf(value: AttributeValue): string[] {
  if ('N' in value) return ['N', numberValue(value.N)];
  if ('B' in value) return ['B', Buffer.from(value.B as Uint8Array).toString('hex')];
  return ['S', (value as { S: string }).S];
}

/** The value of a number's text, by arithmetic. */
function numberValue(text: string): string {
  const [coefficient = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = coefficient.replace(/^[+-]/, '').split('.');
  return valueText({
    negative: coefficient.startsWith('-'),
    coefficient: BigInt(`0${whole}${fraction}`),
    exponent: Number(exponent) - fraction.length,
  });
}

function valueText({ negative, coefficient, exponent }: Decimal): string {
  if (coefficient === 0n) return '0';
  let [digits, power] = [coefficient, exponent];
  while (digits % 10n === 0n) [digits, power] = [digits / 10n, power + 1];
  return `${negative ? '-' : ''}${digits} x 10^${power}`;
}

function allTexts(alphabet: string, maxLength: number): string[] {
  const texts = [''];
  for (let from = 0, length = 1; length <= maxLength; length++) {
    const shorter = texts.slice(from);
    from = texts.length;
    for (const text of shorter) for (const character of alphabet) texts.push(text + character);
  }
  return texts;
}

function guardOf(key: string): string | undefined {
  try {
    return guardKey(key);
  } catch {
    return undefined;
  }
}

describe('an error about a key', () => {
  const binaryKey = () => itemKey(undefined, 'users', { id: { BOOL: true } });
  test.each<[what: string, make: () => unknown, message: RegExp]>([
    ['no attributes', () => itemKey(undefined, 'users', {}), /table users: the key has no attributes/],
    ['a type that no key has', binaryKey, /table users: key attribute id must be of type S, N or B/],
    ['a text that is no number', () => normalizeNumber('x'), /not a decimal number/],
    ['braces', () => guardKey('{a}{b}'), /braces only as one Redis hash tag/],
    ['an empty text', () => checkCustomKey(''), /must not be an empty text/],
    ['a long key', () => checkCustomKey('x'.repeat(5_000)), /at most 4000 bytes/],
    ['a lone surrogate', () => checkCustomKey('\ud800'), /must not have lone surrogates/],
  ])('%s: says what is wrong', (_, make, message) => {
    expect(make).toThrow(KeyError);
    expect(make).toThrow(message);
  });

  test('the first character of two bytes is encoded as two', () => {
    expect(itemKey(undefined, 'users', { id: { S: '\u0080' } })).toBe('users:id=%C2%80');
  });
});

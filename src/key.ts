import { createHash } from 'node:crypto';
import { type AttributeMap, type AttributeValue, base64Text } from './attributes.js';
import { ConfigError, KeyError } from './errors.js';

/** The longest key that is stored as it is, in bytes of UTF-8. Longer ones are replaced by their SHA-256. */
export const MAX_KEY_BYTES = 1024;

/** The longest key that a caller's own function may make: ElastiCache Serverless takes 4 KiB, the guard's name is longer. */
const MAX_CUSTOM_KEY_BYTES = 4000;

/**
 * The cache key of an item: `[namespace:]table:attr=value[,attr=value]`, attributes in the order of their names.
 *
 * `=` stands before a string, `#` before a number in normal form, `~` before binary as base64url. Whatever the
 * grammar itself uses is percent-encoded in names and values, so two different keys never share a text and two
 * spellings of one key (`1`, `1.0`) always do. Over `MAX_KEY_BYTES` the part behind the table is replaced by
 * `sha256.` and the digest of the whole.
 *
 * @example itemKey(undefined, 'orders', { customerId: { S: 'c1' }, orderId: { N: '7.0' } }) // orders:customerId=c1,orderId#7
 * @throws KeyError when an attribute is not a string, number or binary
 */
export function itemKey(namespace: string | undefined, tableName: string, keys: AttributeMap): string {
  if (Object.keys(keys).length === 0)
    throw new KeyError(`Cannot build a cache key for table ${tableName}: the key has no attributes.`);
  return bounded(`${tablePrefix(namespace, tableName)}:`, keyAttributes(tableName, keys));
}

/** The tag of everything read from a table as a whole: its scans, and queries whose partition is not known. */
export function tableTag(namespace: string | undefined, tableName: string): string {
  return `${tablePrefix(namespace, tableName)}*`;
}

/** The tag of everything read from an index without its partition being known. */
export function indexTag(namespace: string | undefined, tableName: string, indexName: string): string {
  return `${tableTag(namespace, tableName)}${encode(indexName)}*`;
}

/** The tag of the whole index that a tag is of; empty for one of the table itself. */
export function indexTagOf(tag: string): string {
  return tag.slice(0, tag.indexOf('*', tag.indexOf('*') + 1) + 1);
}

/**
 * The tag of what is read from one partition of a table, or of an index when `indexName` is given: an index may have up to four
 * partition key attributes.
 *
 * @throws KeyError when an attribute is not a string, number or binary
 */
export function partitionTag(
  namespace: string | undefined,
  tableName: string,
  indexName: string | undefined,
  partition: AttributeMap,
): string {
  const whole =
    indexName === undefined ? tableTag(namespace, tableName) : indexTag(namespace, tableName, indexName);
  return bounded(whole, keyAttributes(tableName, partition));
}

/** The key of the note that names a table's key attributes, in the slot of its tag's guard. */
export function keyNamesKey(namespace: string | undefined, tableName: string): string {
  return `{${tableTag(namespace, tableName)}}:keys`;
}

/** The key of the switch that the readers of a namespace obey: no table has an empty name. */
export function switchKey(namespace: string | undefined): string {
  return `{${tableTag(namespace, '')}}:switch`;
}

/** The key of a stored result, in the slot of its tag's guard. */
export function resultKey(tag: string, signature: string): string {
  return `{${tag}}:result:${digest(signature)}`;
}

/** What readers of a result hold a lease of: the result as it is under the generations of its tags. Nothing is stored there. */
export function resultLeaseKey(resultKey: string, generations: readonly (string | undefined)[]): string {
  return `${resultKey}:${generations.map((generation) => generation ?? '').join(':')}`;
}

/**
 * The key of the guard beside a value key (or a tag), in the same Redis Cluster slot. No two keys share a guard, and
 * no key for which there is a guard is itself one.
 *
 * @throws KeyError when the key has braces that are not one hash tag (no second key could share its slot), or has
 * a hash tag and ends like a guard
 */
export function guardKey(key: string): string {
  if (!key.includes('{') && !key.includes('}')) return `{${key}}:guard`;
  // The second colon tells the guard of {42} from that of 42.
  if (/^[^{}]*\{[^{}]+\}[^{}]*$/.test(key) && !key.endsWith(':guard')) return `${key}::guard`;
  throw new KeyError(
    'A cache key may have braces only as one Redis hash tag, like user:{42}, and then not end in :guard: encode other braces, as keyPart() does.',
  );
}

/**
 * A key made by a caller's own function, once it is fit to be one and to have a guard.
 *
 * @throws KeyError when its text cannot be a key, see {@link checkDerivedKey} and {@link guardKey}, or has lone surrogates
 * @throws ConfigError when it is no text
 */
export function checkCustomKey(key: unknown): string {
  const text = checkDerivedKey(key);
  if (/\p{Cs}/u.test(text)) {
    throw new KeyError(
      'A cache key must not have lone surrogates: two such keys are the same to Redis. Make it with keyPart().',
    );
  }
  guardKey(text);
  return text;
}

/**
 * A key that a caller's own function derived from an item, once it is fit to be deleted.
 *
 * @throws KeyError when it is empty or longer than {@link MAX_CUSTOM_KEY_BYTES} bytes of UTF-8
 * @throws ConfigError when it is no text: that is the function's fault and not the record's
 */
export function checkDerivedKey(key: unknown): string {
  if (typeof key !== 'string') {
    throw new ConfigError(`Option key or alsoDelete gave ${typeof key} for a cache key: expected a text.`);
  }
  if (key === '') throw new KeyError('A cache key must not be an empty text.');
  if (Buffer.byteLength(key) > MAX_CUSTOM_KEY_BYTES) {
    throw new KeyError(
      `A cache key may have at most ${MAX_CUSTOM_KEY_BYTES} bytes, its guard's name included: make it with keyPart().`,
    );
  }
  return key;
}

/**
 * Any text, such as what a visitor chose, as a part of a key of your own. Different texts give different parts. What must
 * not stand bare in a key is percent-encoded as in {@link itemKey}, so that no part has `%` bare, or `: , = # ~ * { }` and white
 * space at all: join parts with these. What would have more than 1,024 bytes is `~` and its SHA-256 instead.
 *
 * @example `user-by-email:${keyPart(email)}`
 */
export function keyPart(text: string): string {
  const part = encode(text);
  return Buffer.byteLength(part) <= MAX_KEY_BYTES ? part : `~${digest(part)}`;
}

/**
 * The normal form of a decimal number: the same value always gives the same text, however it is spelled.
 *
 * @example normalizeNumber('01.50') // '1.5'
 * @throws KeyError when the text is not a decimal number
 */
export function normalizeNumber(text: string): string {
  if (/^(?:0|-?[1-9]\d{0,14})$/.test(text)) return text;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?0*\d{1,4}))?$/.exec(text);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match ?? [];
  if (whole + fraction === '') throw new KeyError('A number in a key is not a decimal number.');
  const padded = whole + fraction;
  const significant = padded.replace(/^0+/, '');
  if (significant === '') return '0';
  const digits = withoutTrailingZeros(significant);
  // The value is 0.<digits> times ten to the power of `point`.
  const point = whole.length + Number(exponent) - (padded.length - significant.length);
  return (sign === '-' ? '-' : '') + decimal(digits, point);
}

/** A loop, because /0+$/ tries anew at every zero: a hostile number would take seconds. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

function decimal(digits: string, point: number): string {
  if (point > 40 || point < -5) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${digits[0]}${fraction}E${point - 1}`;
  }
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return digits + '0'.repeat(point - digits.length);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Whether a value is of a type that a key attribute can have: string, number or binary. */
export function isKeyValue(value: AttributeValue | undefined): value is AttributeValue {
  const { S, N, B } = contents(value);
  return typeof S === 'string' || typeof N === 'string' || typeof B === 'string' || ArrayBuffer.isView(B);
}

function keyAttributes(tableName: string, keys: AttributeMap): string {
  const names = Object.keys(keys);
  if (names.length > 1) names.sort();
  return names.map((name) => keyAttribute(tableName, name, keys[name])).join(',');
}

function keyAttribute(tableName: string, name: string, value: AttributeValue | undefined): string {
  const { S, N, B } = contents(value);
  if (typeof S === 'string') return `${encode(name)}=${encode(S)}`;
  if (typeof N === 'string') return `${encode(name)}#${normalizeNumber(N)}`;
  const base64 = base64Text(B);
  if (base64 !== undefined) return `${encode(name)}~${Buffer.from(base64, 'base64').toString('base64url')}`;
  throw new KeyError(
    `Cannot build a cache key for table ${tableName}: key attribute ${name} must be of type S, N or B.`,
  );
}

/** What an attribute value holds as a key, unchecked: it may come from an event or a caller. */
function contents(value: unknown): { S?: unknown; N?: unknown; B?: unknown } {
  return value ?? {};
}

/**
 * The table that a name in the cache is of, with its namespace before it, and what it names; `undefined` for names that nothing here makes, such as
 * those of a caller's `key` function.
 *
 * @example tableOfName('{shop:users:id=42}:guard') // { table: 'shop:users', kind: 'guard' }
 */
export function tableOfName(
  name: string,
): { readonly table: string; readonly kind: 'item' | 'guard' | 'tag' | 'result' | 'note' } | undefined {
  const [, inBraces, rest = ''] = /^\{([^{}]*)\}(.*)$/s.exec(name) ?? [];
  const of = inBraces ?? name;
  const table = /^((?:[^:*=#~,{}]+:)?[^:*=#~,{}]+)(?:\*|:(?=[^:*{}]+[=#~]|sha256\.))/.exec(of)?.[1];
  if (table === undefined) return undefined;
  const isTag = of[table.length] === '*';
  if (inBraces === undefined) return isTag ? undefined : { table: decoded(table), kind: 'item' };
  const kind =
    rest === ':guard' ? (isTag ? 'tag' : 'guard') : KINDS.find(([start]) => rest.startsWith(start))?.[1];
  return kind === undefined ? undefined : { table: decoded(table), kind };
}

const KINDS = [
  [':result:', 'result'],
  [':keys', 'note'],
] as const;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that encodes nothing
  }
}

/** How all keys of a namespace begin, before the `:`. */
export function namespacePrefix(namespace: string): string {
  return encode(namespace);
}

/** How the keys of a table's items begin, before the `:`; and its tags, before the `*`. */
export function tablePrefix(namespace: string | undefined, tableName: string): string {
  return namespace === undefined ? encode(tableName) : `${encode(namespace)}:${encode(tableName)}`;
}

function bounded(prefix: string, rest: string): string {
  const key = prefix + rest;
  if (key.length * 3 <= MAX_KEY_BYTES || Buffer.byteLength(key) <= MAX_KEY_BYTES) return key;
  return `${prefix}sha256.${digest(key)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** What must not stand bare in a key: the grammar's own marks, and what makes a key hard to type, log or match. */
const RESERVED = /[%:,=#~*{}\s\p{Cc}\p{Cs}]/gu;

/** What needs no encoding, as far as a cheap test tells. */
const PLAIN = /^[\w.@/+-]*$/;

function encode(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(RESERVED, (character) => percentEncode(character.charCodeAt(0)));
}

/** UTF-8 percent-encoding that also takes a lone surrogate, which has no UTF-8 of its own. */
function percentEncode(code: number): string {
  const bytes =
    code < 0x80
      ? [code]
      : code < 0x800
        ? [0xc0 | (code >> 6), 0x80 | (code & 0x3f)]
        : [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
  return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

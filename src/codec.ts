import { type AttributeMap, type AttributeValue, base64Bytes, base64Text, setOwn } from './attributes.js';
import { EncodeError } from './errors.js';

/** The stored text of an item that is known not to exist. */
export const ABSENT = 'null';

/** The reserved top-level member that says what JSON cannot; see {@link encode}. */
const TYPES = '$types';

/**
 * So many lists and maps in one another are no item: DynamoDB takes 32 (docs: "Constraints", attribute values). What is
 * deeper could be decoded, but then not be handed through clients and loggers that recurse.
 */
const MAX_DEPTH = 64;

/**
 * An item as JSON text that any language reads, and from which {@link decode} makes exactly the same item.
 *
 * Strings, booleans, null, maps and lists are JSON's own. A number is a literal when a double keeps its text, else a
 * string; sets are arrays; binary is base64. What JSON cannot tell apart stands in the top-level member `$types`: a
 * map from JSON Pointer (RFC 6901) to `N`, `B`, `SS`, `NS` or `BS`, present only when needed. An item's own top-level
 * attribute named `$types` (or `$$types`, …) is stored with one more `$` before it.
 *
 * Equal items give equal texts: names and members of sets are put in order, since DynamoDB gives them in any.
 *
 * @example encode({ id: { S: '42' }, tags: { SS: ['a'] } }) // {"id":"42","tags":["a"],"$types":{"/tags":"SS"}}
 * @throws EncodeError when a value is not a DynamoDB attribute value; its message has nothing of the item in it
 */
export function encode(item: AttributeMap): string {
  const types: Record<string, string> = {};
  const document = mapToJson(item, '', types, 0, storedName);
  if (Object.keys(types).length > 0) document[TYPES] = types;
  return JSON.stringify(document);
}

/**
 * The item of a stored text, `null` for `ABSENT`, or `undefined` when the text is not JSON, not an object, or
 * contradicts its own `$types`. Never throws. Binary comes as `Uint8Array`.
 */
export function decode(text: string): AttributeMap | null | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return document === null ? null : decodeDocument(document);
  } catch {
    return undefined;
  }
}

/**
 * The item of a stored text that has been parsed, which it uses up.
 *
 * @throws EncodeError when it is not one that {@link encode} could have made
 */
export function decodeDocument(document: unknown): AttributeMap {
  const types = takeTypes(expectMap(document));
  const item = mapFromJson(document as object, '', types, 0, itemName);
  if (types === undefined || types.size === 0) return item;
  throw new EncodeError(`A stored item has entries in ${TYPES} that nothing in it matches.`);
}

/** A map as the object whose JSON is stored. Notes in `types` what that JSON does not say. */
function mapToJson(
  map: unknown,
  pointer: string,
  types: Record<string, string>,
  depth: number,
  rename?: (name: string) => string,
): Record<string, unknown> {
  const attributes = expectMap(map);
  const json: Record<string, unknown> = {};
  for (const name of inOrder(Object.keys(attributes))) {
    const stored = rename === undefined ? name : rename(name);
    setOwn(json, stored, toJson(attributes[name], pointer, stored, types, depth));
  }
  return json;
}

/** Above so many texts insertion takes longer than what the engine does, which costs more to begin with. */
const FEW = 32;

/** Sorts in place, as text. */
function inOrder(texts: string[]): string[] {
  if (texts.length > FEW) return texts.sort();
  for (let end = 1; end < texts.length; end += 1) {
    const text = texts[end] as string;
    let index = end;
    while (index > 0 && (texts[index - 1] as string) > text) {
      texts[index] = texts[index - 1] as string;
      index -= 1;
    }
    if (index !== end) texts[index] = text;
  }
  return texts;
}

/** Takes the pointer in two parts: most values need none, and joining it costs more than encoding them. */
function toJson(
  value: unknown,
  parent: string,
  name: string | number,
  types: Record<string, string>,
  depth: number,
): unknown {
  const type = typeOf(expectMap(value));
  const content = (value as Record<string, unknown>)[type];
  switch (type) {
    case 'S':
      return expectString(content);
    case 'N': {
      const number = numberToJson(content);
      if (typeof number === 'string') types[child(parent, name)] = type;
      return number;
    }
    case 'BOOL':
      return expectBoolean(content);
    case 'NULL':
      return expectNull(content);
    case 'M':
      return mapToJson(content, child(parent, name), types, deeper(depth));
    case 'L': {
      const pointer = child(parent, name);
      const below = deeper(depth);
      return convert(content, (element, index) => toJson(element, pointer, index, types, below));
    }
    case 'B':
      types[child(parent, name)] = type;
      return expectBinary(content);
    case 'SS':
      types[child(parent, name)] = type;
      return inOrder(convertSet(content, expectString));
    case 'NS':
      types[child(parent, name)] = type;
      return convertSet(content, numberToJson).sort(); // as texts, like the others
    case 'BS':
      types[child(parent, name)] = type;
      return inOrder(convertSet(content, expectBinary));
    default:
      throw new EncodeError('Cannot encode an attribute value: DynamoDB has no such type.');
  }
}

/** The name of an attribute value's one member. A loop: it allocates nothing, and runs for every value. */
function typeOf(value: Record<string, unknown>): string {
  let type: string | undefined;
  for (const name in value) {
    if (value[name] === undefined) continue;
    if (type !== undefined)
      throw new EncodeError('Cannot encode an attribute value: it has more than one type.');
    type = name;
  }
  if (type === undefined) throw new EncodeError('Cannot encode an attribute value: it has no type.');
  return type;
}

/** The number itself when a double prints as its text, so that a JSON literal keeps it; else its text. */
function numberToJson(value: unknown): number | string {
  const number = typeof value === 'string' ? Number(value) : Number.NaN;
  return isInRange(number) && String(number) === value ? number : expectNumber(value);
}

function numberFromJson(number: number): string {
  return isInRange(number) ? String(number) : expectNumber(undefined);
}

/** Whether DynamoDB has room for a double: it is zero, or within 1E-130 and 9.9…E+125 on either side of it. */
function isInRange(number: number): boolean {
  const size = Math.abs(number);
  return (size >= 1e-130 && size < 1e126) || size === 0;
}

function mapFromJson(
  json: object,
  pointer: string,
  types: Map<string, unknown> | undefined,
  depth: number,
  rename?: (name: string) => string,
): AttributeMap {
  const attributes: AttributeMap = {};
  for (const name of Object.keys(json)) {
    const value = (json as Record<string, unknown>)[name];
    setOwn(
      attributes,
      rename === undefined ? name : rename(name),
      fromJson(value, pointer, name, types, depth),
    );
  }
  return attributes;
}

function fromJson(
  value: unknown,
  parent: string,
  name: string | number,
  types: Map<string, unknown> | undefined,
  depth: number,
): AttributeValue {
  if (typeof value === 'number') return { N: numberFromJson(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value === null) return { NULL: true };

  const pointer = types === undefined ? '' : child(parent, name);
  const type = types?.get(pointer);
  if (type !== undefined) {
    types?.delete(pointer);
    return fromTypedJson(value, type);
  }
  if (typeof value === 'string') return { S: value };
  const below = deeper(depth);
  if (Array.isArray(value)) {
    return { L: convert(value, (element, index) => fromJson(element, pointer, index, types, below)) };
  }
  return { M: mapFromJson(value as object, pointer, types, below) };
}

function fromTypedJson(value: unknown, type: unknown): AttributeValue {
  switch (type) {
    case 'N':
      return { N: expectNumber(value) };
    case 'B':
      return { B: bytes(value) };
    case 'SS':
      return { SS: convertSet(value, expectString) };
    case 'NS':
      return {
        NS: convertSet(value, (element) =>
          typeof element === 'number' ? numberFromJson(element) : expectNumber(element),
        ),
      };
    case 'BS':
      return { BS: convertSet(value, expectString).map(base64Bytes) };
    default:
      throw new EncodeError(`Cannot decode: unknown type in ${TYPES}.`);
  }
}

function deeper(depth: number): number {
  if (depth === MAX_DEPTH)
    throw new EncodeError('Cannot encode or decode an item: it is nested deeper than DynamoDB allows.');
  return depth + 1;
}

/** Takes `$types` out of a parsed document. Every entry has to be used up, or the text is not ours. */
function takeTypes(document: Record<string, unknown>): Map<string, unknown> | undefined {
  if (!Object.hasOwn(document, TYPES)) return undefined;
  const types = new Map(Object.entries(expectMap(document[TYPES])));
  delete document[TYPES];
  return types;
}

function storedName(name: string): string {
  return name.endsWith(TYPES) && /^\$+types$/.test(name) ? `$${name}` : name;
}

function itemName(stored: string): string {
  return stored.endsWith(TYPES) && /^\$\$+types$/.test(stored) ? stored.slice(1) : stored;
}

function child(pointer: string, name: string | number): string {
  if (typeof name === 'number' || !/[~/]/.test(name)) return `${pointer}/${name}`;
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function convert<T>(value: unknown, element: (value: unknown, index: number) => T): T[] {
  if (!Array.isArray(value)) throw new EncodeError('Cannot encode a list or set: it must hold an array.');
  const converted: T[] = [];
  // Not map(), which passes over the holes of an array.
  for (const each of value) converted.push(element(each, converted.length));
  return converted;
}

/** DynamoDB has neither empty sets nor sets with an element twice, and a `Set` made of those would be another value. */
function convertSet<T>(value: unknown, element: (value: unknown) => T): T[] {
  const converted = convert(value, element);
  if (converted.length > 0 && new Set(converted).size === converted.length) return converted;
  throw new EncodeError('Cannot encode or decode a set: it must hold something, and nothing twice.');
}

function expectMap(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new EncodeError(
    'Cannot encode an item, map or attribute value: it must be an object, as { "S": "text" } is one.',
  );
}

function expectString(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new EncodeError('Cannot encode a string or string set: it must hold strings.');
}

function expectNumber(value: unknown): string {
  if (typeof value === 'string' && isNumber(value)) return value;
  throw new EncodeError('Cannot encode or decode a number: its text is no number that DynamoDB can hold.');
}

/** Longer than any number that DynamoDB has, however it is spelled. */
const MAX_NUMBER_LENGTH = 400;

/** Whether DynamoDB has room for a number: 38 digits at most, in the range of {@link isInRange}. */
function isNumber(text: string): boolean {
  if (text.length > MAX_NUMBER_LENGTH) return false;
  const match = /^[+-]?(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return false;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  const significant = digits.replace(/^0+/, '');
  const power = whole.length - (digits.length - significant.length) + Number(exponent) - 1;
  return significant === '' || (significant.replace(/0+$/, '').length <= 38 && power >= -130 && power < 126);
}

function expectBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new EncodeError('Cannot encode a BOOL: it must hold true or false.');
}

function expectNull(value: unknown): null {
  if (value === true) return null;
  throw new EncodeError('Cannot encode a NULL: it must hold true.');
}

function expectBinary(value: unknown): string {
  const text = base64Text(value);
  if (text !== undefined) return text;
  throw new EncodeError('Cannot encode binary: it must be bytes or base64 text.');
}

function bytes(value: unknown): Uint8Array {
  return base64Bytes(expectString(value));
}

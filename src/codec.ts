import { type AttributeMap, type AttributeValue, base64Bytes, setOwn } from './attributes.js';
import { EncodeError } from './errors.js';

/** The stored text of an item that is known not to exist. */
export const ABSENT = 'null';

/** The reserved top-level member that says what JSON cannot; see {@link encode}. */
const TYPES = '$types';

/**
 * An item as JSON text that any language reads, and from which {@link decode} makes exactly the same item.
 *
 * Strings, booleans, null, maps and lists are JSON's own. A number is a literal when a double keeps its text, else a
 * string; sets are arrays; binary is base64. What JSON cannot tell apart stands in the top-level member `$types`: a
 * map from JSON Pointer (RFC 6901) to `N`, `B`, `SS`, `NS` or `BS`, present only when needed. An item's own top-level
 * attribute named `$types` (or `$$types`, …) is stored with one more `$` before it.
 *
 * @example encode({ id: { S: '42' }, tags: { SS: ['a'] } }) // {"id":"42","tags":["a"],"$types":{"/tags":"SS"}}
 * @throws EncodeError when a value is not a DynamoDB attribute value
 */
export function encode(item: AttributeMap): string {
  const types: string[] = [];
  let members = encodeMembers(item, '', types, storedName);
  if (types.length > 0) members += `${members && ','}"${TYPES}":{${types.join()}}`;
  return `{${members}}`;
}

/**
 * The item of a stored text, `null` for {@link ABSENT}, or `undefined` when the text is not one that
 * {@link encode} could have made. Never throws. Binary comes as `Uint8Array`.
 */
export function decode(text: string): AttributeMap | null | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (document === null) return null;
    const types = takeTypes(document);
    const item: AttributeMap = {};
    for (const [name, value] of Object.entries(document as object)) {
      setOwn(item, itemName(name), decodeValue(value, child('', name), types));
    }
    return types.size === 0 ? item : undefined;
  } catch {
    return undefined;
  }
}

function encodeMembers(
  map: AttributeMap,
  pointer: string,
  types: string[],
  rename: (name: string) => string,
): string {
  let text = '';
  for (const name of Object.keys(map)) {
    const stored = rename(name);
    if (text !== '') text += ',';
    text += `${JSON.stringify(stored)}:${encodeValue(map[name], pointer, stored, types)}`;
  }
  return text;
}

function encodeValue(value: unknown, parent: string, name: string, types: string[]): string {
  const [type, content] = single(value);
  switch (type) {
    case 'S':
      return JSON.stringify(expectString(content, type));
    case 'N': {
      const number = expectNumber(content);
      if (isLiteral(number)) return number;
      addType(types, parent, name, type);
      return `"${number}"`;
    }
    case 'BOOL':
      return JSON.stringify(expectBoolean(content));
    case 'NULL':
      return 'null';
    case 'M':
      return `{${encodeMembers(expectMap(content), child(parent, name), types, sameName)}}`;
    case 'L': {
      const pointer = child(parent, name);
      return `[${expectArray(content).map((element, index) => encodeValue(element, pointer, String(index), types))}]`;
    }
    case 'B':
      addType(types, parent, name, type);
      return `"${base64(content)}"`;
    case 'SS':
      addType(types, parent, name, type);
      return JSON.stringify(expectArray(content).map((element) => expectString(element, type)));
    case 'NS':
      addType(types, parent, name, type);
      return `[${expectArray(content).map((element) => {
        const number = expectNumber(element);
        return isLiteral(number) ? number : `"${number}"`;
      })}]`;
    case 'BS':
      addType(types, parent, name, type);
      return JSON.stringify(expectArray(content).map(base64));
    default:
      throw new EncodeError(
        `Cannot encode an attribute value of type ${JSON.stringify(type)}: DynamoDB has no such type.`,
      );
  }
}

function decodeValue(value: unknown, pointer: string, types: Map<string, string>): AttributeValue {
  const type = types.size === 0 ? undefined : types.get(pointer);
  if (type !== undefined) {
    types.delete(pointer);
    return decodeTyped(value, type);
  }
  switch (typeof value) {
    case 'string':
      return { S: value };
    case 'number':
      return { N: expectNumber(String(value)) };
    case 'boolean':
      return { BOOL: value };
    default:
      if (value === null) return { NULL: true };
      if (Array.isArray(value)) {
        return {
          L: value.map((element, index) => decodeValue(element, child(pointer, String(index)), types)),
        };
      }
      return { M: decodeMap(value as object, pointer, types) };
  }
}

function decodeMap(map: object, pointer: string, types: Map<string, string>): AttributeMap {
  const decoded: AttributeMap = {};
  for (const [name, value] of Object.entries(map)) {
    setOwn(decoded, name, decodeValue(value, types.size === 0 ? '' : child(pointer, name), types));
  }
  return decoded;
}

function decodeTyped(value: unknown, type: string): AttributeValue {
  switch (type) {
    case 'N':
      return { N: expectNumber(value) };
    case 'B':
      return { B: bytes(value) };
    case 'SS':
      return { SS: expectArray(value).map((element) => expectString(element, type)) };
    case 'NS':
      return { NS: expectArray(value).map((element) => expectNumber(String(element))) };
    case 'BS':
      return { BS: expectArray(value).map(bytes) };
    default:
      throw new EncodeError(`Unknown type ${type} in ${TYPES}.`);
  }
}

/** Takes `$types` out of a parsed document. Every entry has to be used up, or the text is not ours. */
function takeTypes(document: unknown): Map<string, string> {
  const container = expectMap(document) as Record<string, unknown>;
  if (!Object.hasOwn(container, TYPES)) return new Map();
  const types = new Map(Object.entries(expectMap(container[TYPES]))) as Map<string, unknown> as Map<
    string,
    string
  >;
  delete container[TYPES];
  return types;
}

function storedName(name: string): string {
  return /^\$+types$/.test(name) ? `$${name}` : name;
}

function itemName(stored: string): string {
  return /^\$\$+types$/.test(stored) ? stored.slice(1) : stored;
}

function sameName(name: string): string {
  return name;
}

function child(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function addType(types: string[], parent: string, name: string, type: string): void {
  types.push(`${JSON.stringify(child(parent, name))}:"${type}"`);
}

/** The one member of an attribute value: its type and what it holds. */
function single(value: unknown): [type: string, content: unknown] {
  const entries = Object.entries(expectMap(value)).filter(([, content]) => content !== undefined);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    throw new EncodeError('Cannot encode an attribute value: it must have exactly one type.');
  }
  return entry;
}

/** True when the number's text is what a double would print, so that a JSON literal keeps it. */
function isLiteral(number: string): boolean {
  return String(Number(number)) === number;
}

function expectNumber(value: unknown): string {
  if (typeof value === 'string' && /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) return value;
  throw new EncodeError('Cannot encode a number: its text is not a decimal number.');
}

function expectString(value: unknown, type: string): string {
  if (typeof value === 'string') return value;
  throw new EncodeError(`Cannot encode an attribute value of type ${type}: it must hold a string.`);
}

function expectBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new EncodeError('Cannot encode an attribute value of type BOOL: it must hold true or false.');
}

function expectArray(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new EncodeError('Cannot encode a list or set: it must hold an array.');
}

function expectMap(value: unknown): AttributeMap {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AttributeMap;
  throw new EncodeError('Cannot encode an attribute value: it must be an object that names its type.');
}

function base64(binary: unknown): string {
  return Buffer.from(binary instanceof Uint8Array ? binary : bytes(binary)).toString('base64');
}

function bytes(text: unknown): Uint8Array {
  if (typeof text !== 'string')
    throw new EncodeError('Cannot encode binary: it must be bytes or base64 text.');
  return base64Bytes(text);
}

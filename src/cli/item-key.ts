import { convertToAttr } from '@aws-sdk/util-dynamodb';
import type { AttributeMap, AttributeValue } from '../attributes.js';
import { toError } from '../errors.js';
import { itemKey, tablePrefix } from '../key.js';
import { isKeyOf, type KeySchema, keyAttributesOf } from '../operate/key-attributes.js';
import { CommandError } from './command-error.js';

/** Whose keys a command is about. */
interface Named {
  readonly table: string;
  readonly namespace?: string | undefined;
}

/**
 * The cache's key of what is typed.
 *
 * @throws CommandError when it is no key of an item
 */
export function keyOf(command: string, named: Named, text: string): string {
  const attributes = parseItemKey(command, named, text);
  try {
    return itemKey(named.namespace, named.table, attributes);
  } catch (cause) {
    throw new CommandError(`stream-cache ${command}: ${toError(cause).message}`, { cause });
  }
}

/**
 * The key of an item as it is typed: as DynamoDB JSON, `{"id":{"S":"42"}}`; as plain JSON, `{"id":"42"}`; or as it stands in the
 * cache's keys, `customerId=c1,orderId#7`, where `#` is before a number and whatever the grammar uses is percent-encoded; or as the cache's whole key.
 *
 * @throws CommandError
 */
export function parseItemKey(command: string, { namespace, table }: Named, text: string): AttributeMap {
  const prefix = `${tablePrefix(namespace, table)}:`;
  try {
    if (text.startsWith('{')) return fromJson(JSON.parse(text));
    return fromGrammar(text.startsWith(prefix) ? text.slice(prefix.length) : text);
  } catch (cause) {
    throw new CommandError(
      `stream-cache ${command}: ${JSON.stringify(text)} is no key of an item. Give id=42 (a number as id#42), {"id":"42"} or {"id":{"S":"42"}}.`,
      { cause },
    );
  }
}

/** @example keyInWords(described) // customerId (S) and orderId (N) */
export function keyInWords({ keyNames, keyTypes }: KeySchema): string {
  return keyNames.map((name) => `${name} (${keyTypes[name]})`).join(' and ');
}

/** @throws CommandError when what is typed has other attributes than the keys of the table */
export function checkKey(command: string, named: Named, text: string, schema: KeySchema): void {
  if (isKeyOf(schema, parseItemKey(command, named, text))) return;
  throw new CommandError(
    `stream-cache ${command}: ${JSON.stringify(text)} is no key of ${named.table}, which has ${keyInWords(schema)}.`,
  );
}

function fromJson(document: object): AttributeMap {
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => {
      // A number that JSON does not hold exactly would be the key of another item: it is refused.
      const isPlain = typeof value === 'string' || typeof value === 'number';
      return [name, isPlain ? (convertToAttr(value) as AttributeValue) : typed(value)];
    }),
  );
}

function typed(value: object): AttributeMap[string] {
  const [[type, of] = [], ...more] = Object.entries(value);
  if (more.length > 0 || typeof of !== 'string' || !['S', 'N', 'B'].includes(type ?? '')) {
    throw new TypeError('A key is a string, a number or binary.');
  }
  return (type === 'B' ? { B: Buffer.from(of, 'base64') } : { [type as string]: of }) as AttributeMap[string];
}

function fromGrammar(text: string): AttributeMap {
  const attributes = keyAttributesOf(text);
  if (attributes === undefined) throw new TypeError('It has no name and value.');
  return attributes;
}

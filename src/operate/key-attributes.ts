import type { AttributeMap } from '../attributes.js';

/**
 * The attributes of a key from its text behind the table, as {@link itemKey} makes it: `customerId=c1,orderId#7`. `undefined` when it is
 * not such a text, or only the hash of one.
 */
export function keyAttributesOf(text: string): AttributeMap | undefined {
  const parts = text.split(',').map((part) => /^([^=#~:*{}\s]+)([=#~])(.*)$/s.exec(part));
  if (!parts.every((part) => part !== null)) return undefined;
  if (new Set(parts.map(([, name]) => name)).size < parts.length) return undefined;
  try {
    return Object.fromEntries(
      parts.map(([, name = '', sign = '', value = '']) => [
        decodeURIComponent(name),
        attributeOf(sign, value),
      ]),
    );
  } catch {
    return undefined; // a % that encodes nothing
  }
}

function attributeOf(sign: string, value: string): AttributeMap[string] {
  if (sign === '#') return { N: value };
  return sign === '=' ? { S: decodeURIComponent(value) } : { B: Buffer.from(value, 'base64url') };
}

/** What a table's keys are made of. */
export interface KeySchema {
  /** The names of its key attributes, the partition key's first. */
  readonly keyNames: readonly string[];
  /** Their types: `S`, `N` or `B`. */
  readonly keyTypes: Readonly<Record<string, string>>;
}

/** Whether a table's items can have such a key: DynamoDB refuses all that are asked for beside another. */
export function isKeyOf({ keyNames, keyTypes }: KeySchema, attributes: AttributeMap): boolean {
  const names = Object.keys(attributes);
  const isOfType = (name: string) => Object.hasOwn(attributes[name] ?? {}, keyTypes[name] ?? '');
  return names.length === keyNames.length && keyNames.every(isOfType);
}

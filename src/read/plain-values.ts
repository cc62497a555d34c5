import { types } from 'node:util';
import { type AttributeMap, type AttributeValue, setOwn } from '../attributes.js';

/** A request as it was `given` to the SDK, with binary as bytes; or as it was `sent`, with binary as base64 text. */
export type Form = 'given' | 'sent';

/** The longest value that a key attribute can have, in bytes: a partition key's. */
const MOST_BYTES = 2048;
const MOST_BASE64 = Math.ceil(MOST_BYTES / 3) * 4;

/**
 * Those attributes of a key or item that can be its key, with binary as base64 text; `undefined` when any that was
 * looked at leaves open what the SDK makes of it.
 *
 * @param names the attributes to look at; by default all
 */
export function keyAttributesOf(
  attributes: object,
  form: Form,
  names: readonly string[] = Object.keys(attributes),
): AttributeMap | undefined {
  const found: AttributeMap = {};
  for (const name of names) {
    if (!Object.hasOwn(attributes, name)) continue;
    const value = plainValue((attributes as Record<string, unknown>)[name], form);
    if (value === undefined) return undefined;
    if (value !== 'no key') setOwn(found, name, value);
  }
  return found;
}

/** A value of exactly one type that says what it is; `no key` when it is not of a type that a key can have. */
function plainValue(value: unknown, form: Form): AttributeValue | 'no key' | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [type, ...others] = Object.keys(value);
  if (type === undefined || others.length > 0) return undefined;
  const content = (value as Record<string, unknown>)[type];
  switch (type) {
    case 'S':
    case 'N':
      if (typeof content !== 'string') return undefined;
      return content.length > MOST_BYTES ? 'no key' : ({ [type]: content } as AttributeValue);
    case 'B':
      if (form === 'sent' && typeof content === 'string')
        return content.length > MOST_BASE64 ? 'no key' : { B: content };
      if (!types.isUint8Array(content)) return undefined;
      if (content.byteLength > MOST_BYTES) return 'no key';
      return { B: Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64') };
    default:
      return content === undefined || content === null ? undefined : 'no key';
  }
}

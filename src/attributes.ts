/**
 * One DynamoDB attribute value, in either of its two spellings: a Lambda event carries binary as base64 text,
 * the AWS SDK as bytes. Everything else is the same in both.
 */
export type AttributeValue =
  | { S: string }
  | { N: string }
  | { B: Uint8Array | string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { M: AttributeMap }
  | { L: AttributeValue[] }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: (Uint8Array | string)[] };

/** Attributes by name: a key, an item or an image. */
export type AttributeMap = { [name: string]: AttributeValue };

/** Sets a member as the object's own, also when it is named `__proto__` and an assignment would not. */
export function setOwn<T>(target: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[name] = value;
  }
}

/** The bytes of base64 text as Lambda delivers it, or a `RangeError` when it is no such text. */
export function base64Bytes(text: string): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new RangeError('Not base64 text.');
  return new Uint8Array(Buffer.from(text, 'base64'));
}

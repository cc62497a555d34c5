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

/**
 * Whether a key has binary given as text, which the SDK's types forbid: some versions of it send the text itself, taking
 * it for base64, and others its UTF-8.
 */
export function hasTextBinary(key: AttributeMap): boolean {
  for (const name in key) {
    if (typeof (key[name] as { B?: unknown } | undefined)?.B === 'string') return true;
  }
  return false;
}

/** Sets a member as the object's own, also when it is named `__proto__` and an assignment would not. */
export function setOwn<T>(target: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[name] = value;
  }
}

/**
 * Binary in either spelling as base64 text, or `undefined` when it is neither bytes nor base64 as Lambda delivers it:
 * the standard alphabet, padded, nothing else.
 */
export function base64Text(binary: unknown): string | undefined {
  if (typeof binary === 'string') {
    // Buffer.from passes over whatever is not base64: only text without any comes back the same.
    return Buffer.from(binary, 'base64').toString('base64') === binary ? binary : undefined;
  }
  if (!ArrayBuffer.isView(binary)) return undefined;
  return Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength).toString('base64');
}

/** The bytes of base64 text as Lambda delivers it, or a `RangeError` when it is no such text. */
export function base64Bytes(text: string): Uint8Array {
  if (base64Text(text) === undefined) throw new RangeError('Not base64 text.');
  return new Uint8Array(Buffer.from(text, 'base64'));
}

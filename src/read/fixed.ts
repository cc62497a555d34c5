import { types } from 'node:util';
import { setOwn } from '../attributes.js';

/** An input as it was at one moment. */
export interface Fixed {
  readonly request: Record<string, unknown>;
  /**
   * It holds nothing but what requests are made of, so that it means what it looks like. What else there may be, such as a
   * `null` or a `String` object, the SDK drops, coerces or refuses, each version in its own way.
   */
  readonly isPlain: boolean;
}

/** Deeper than any request can be: the 32 levels of an item are 64 of objects in DynamoDB's form. */
const MAX_DEPTH = 100;

/**
 * Copies an input, so that nothing that the caller changes from now on shows in it; instances of classes are kept.
 *
 * @throws whatever reading the input throws, or an error of its own when it has no end or hides members
 */
export function fixed(input: unknown): Fixed {
  const within: object[] = [];
  let isPlain = true;

  function copy(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) {
      isPlain &&= PLAIN_TYPES.has(typeof value) && value !== null;
      return value;
    }
    if (ArrayBuffer.isView(value)) {
      isPlain &&= types.isUint8Array(value); // what the SDK sends of other views is not their bytes
      return copyOfView(value);
    }
    if (!Array.isArray(value) && !isPlainObject(value)) {
      isPlain = false;
      return value instanceof Set ? new Set(value) : value instanceof Map ? new Map(value) : value;
    }
    if (within.length > MAX_DEPTH || within.includes(value)) throw new RangeError('The input has no end.');
    if (hidesMembers(value)) throw new TypeError('The input has members that cannot be listed.');
    within.push(value);
    const copied = Array.isArray(value) ? Array.from(value, copy) : copyOfMembers(value);
    within.pop();
    return copied;
  }

  function copyOfMembers(value: object): Record<string, unknown> {
    const members: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      if (member !== undefined) setOwn(members, name, copy(member));
      // All versions leave them out of a request, and of what a request asks of one table.
      else if (within.length !== 1 && within.length !== 3) isPlain = false;
    }
    return members;
  }

  const request = copy(input) as Fixed['request'];
  return { request, isPlain };
}

const PLAIN_TYPES: ReadonlySet<string> = new Set(['string', 'number', 'boolean', 'object']);

/** The SDK asks for members by name, and would find them all the same. */
function hidesMembers(value: object): boolean {
  return (
    types.isProxy(value) ||
    (!Array.isArray(value) && Object.getOwnPropertyNames(value).length !== Object.keys(value).length)
  );
}

/** Also one of another realm, as in tests that run in a context of their own. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function copyOfView(view: ArrayBufferView): ArrayBufferView {
  const { buffer } = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  if (Buffer.isBuffer(view)) return Buffer.from(buffer);
  const View = view.constructor as new (buffer: ArrayBufferLike) => ArrayBufferView;
  return new View(buffer);
}

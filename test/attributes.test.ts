import { describe, expect, test } from 'vitest';
import { base64Bytes, base64Text, setOwn } from '../src/attributes.js';

describe('setOwn', () => {
  test.each(['id', '__proto__', 'constructor'])('makes %s a member like any other', (name) => {
    const target: Record<string, unknown> = {};
    setOwn(target, name, { polluted: true });
    expect(Object.getOwnPropertyDescriptor(target, name)).toEqual({
      value: { polluted: true },
      enumerable: true,
      configurable: true,
      writable: true,
    });
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('base64', () => {
  test.each([
    ['', []],
    ['AA==', [0]],
    ['AAE=', [0, 1]],
    ['+/7/', [251, 254, 255]],
  ])('%j is read as bytes, and bytes are written as it', (text, bytes) => {
    expect(base64Bytes(text)).toStrictEqual(new Uint8Array(bytes));
    expect(base64Text(new Uint8Array(bytes))).toBe(text);
    expect(base64Text(text)).toBe(text);
  });

  test.each(['A', 'AA', 'AAE', 'AA=', 'AA==AA==', 'A===', '=', '_-8=', 'AA==\n', ' AA==', 'AB==', 'é'])(
    '%j is refused',
    (text) => {
      expect(() => base64Bytes(text)).toThrow(RangeError);
      expect(base64Text(text)).toBeUndefined();
    },
  );

  test('is made of any view of bytes, and of nothing else', () => {
    const { buffer } = new Uint8Array([9, 0, 1, 9]);
    expect(base64Text(Buffer.from([0, 1]))).toBe('AAE=');
    expect(base64Text(new DataView(buffer, 1, 2))).toBe('AAE=');
    expect(base64Text(new Uint16Array([256]))).toBe('AAE=');
    for (const other of [undefined, null, 1, {}, [0, 1], buffer]) expect(base64Text(other)).toBeUndefined();
  });

  test('gives bytes of their own, not a view of a shared pool', () => {
    expect(base64Bytes('AAE=').buffer.byteLength).toBe(2);
  });
});

import { type AttributeMap, type AttributeValue, setOwn } from '../attributes.js';

/** What an event that went through `JSON.stringify` on its way, or through `unmarshall`, no longer has in Lambda's form. */
type Altered = AttributeValue | string | number | { readonly N: number } | { readonly B: object };

/**
 * A value that can be a key, in Lambda's form again where that is certain: a number of JSON is taken with up to 15 digits,
 * which a double keeps. It is for what is deleted or ended; an image with such numbers is not stored.
 */
export function restoredKeyValue(value: Altered | undefined): AttributeValue | undefined {
  if (typeof value === 'string') return { S: value };
  const number = typeof value === 'number' ? value : (value as { N?: unknown } | undefined)?.N;
  if (typeof number === 'number') {
    const text = String(number);
    if (Number.isSafeInteger(number) || text.length <= 16) return { N: text };
  }
  return restoredValue(value as AttributeValue);
}

/** An image whose binary is bytes again. The rest stays as it is. */
export function restoredImage(image: AttributeMap): AttributeMap {
  const restored: AttributeMap = {};
  for (const [name, value] of Object.entries(image ?? {})) setOwn(restored, name, restoredValue(value));
  return restored;
}

function restoredValue(value: AttributeValue): AttributeValue {
  const { B, BS, M, L } = (value ?? {}) as { B?: unknown; BS?: unknown; M?: AttributeMap; L?: unknown };
  if (typeof B === 'object' && !ArrayBuffer.isView(B)) return { B: restoredBytes(B) };
  if (Array.isArray(BS)) return { BS: BS.map(restoredBytes) };
  if (M !== undefined) return { M: restoredImage(M) };
  return Array.isArray(L) ? { L: L.map(restoredValue) } : value;
}

/** `{ type: 'Buffer', data: [1, 2] }` of a Buffer, `{ 0: 1, 1: 2 }` of any other array of bytes. */
function restoredBytes(binary: unknown): Uint8Array | string {
  const { type, data } = (binary ?? {}) as { type?: unknown; data?: unknown };
  const bytes = type === 'Buffer' ? data : binary;
  if (typeof bytes !== 'object' || bytes === null || ArrayBuffer.isView(bytes)) return binary as string;
  const members = Object.entries(bytes);
  const isBytes = members.every(([name, byte], index) => name === String(index) && byte === (byte & 255));
  // An empty object may have been anything.
  return isBytes && (members.length > 0 || Array.isArray(data))
    ? Uint8Array.from(Object.values(bytes))
    : (binary as string);
}

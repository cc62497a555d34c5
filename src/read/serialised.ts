import { isDeepStrictEqual } from 'node:util';
import type { Request } from './call.js';

/** A request of the body that the SDK made of it, binary as base64 text; `undefined` when it is not a form that we know. */
export function requestIn(body: unknown): Request | undefined {
  try {
    const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : body;
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a body is a plain request as it stands. */
export function isRequestIn(body: unknown, request: Request): boolean {
  return isDeepStrictEqual(requestIn(body), JSON.parse(JSON.stringify(request, withBase64)));
}

function withBase64(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const binary = this[name];
  if (!ArrayBuffer.isView(binary)) return value;
  return Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength).toString('base64');
}

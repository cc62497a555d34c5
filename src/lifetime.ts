import type { AttributeMap } from './attributes.js';

const FIVE_YEARS_MS = 5 * 365 * 86_400_000;

/** Shortens a time to live by up to a share of it: entries made together should not end together. */
export function jittered(ttlMs: number, jitter: number): number {
  return Math.ceil(ttlMs * (1 - jitter * Math.random()));
}

/**
 * When an item expires, in milliseconds since the epoch. As in DynamoDB, only a number counts, and one more than five
 * years in the past does not (docs: "Using time to live", prerequisites).
 */
export function expiryOf(
  item: AttributeMap | undefined,
  ttlAttribute: string | undefined,
): number | undefined {
  const value =
    ttlAttribute === undefined ? undefined : (item?.[ttlAttribute] as { N?: unknown } | null | undefined);
  if (typeof value?.N !== 'string') return undefined;
  const expiresAt = Math.floor(Number(value.N) * 1000);
  return Number.isFinite(expiresAt) && expiresAt > Date.now() - FIVE_YEARS_MS ? expiresAt : undefined;
}

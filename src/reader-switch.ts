import { switchKey } from './key.js';
import type { Result } from './store/store.js';

/**
 * How reads are answered, from the least use of the cache to the most: from the table alone, from the table while the cache is
 * compared with it, or from the cache.
 */
export const READER_MODES = ['off', 'shadow', 'on'] as const;

export type ReaderMode = (typeof READER_MODES)[number];

export function isReaderMode(value: unknown): value is ReaderMode {
  return READER_MODES.includes(value as ReaderMode);
}

/** Thirty days: memcached knows no longer time to live, and nobody means to read without a cache for ever. */
export const SWITCH_TTL_MS = 30 * 86_400_000;

/**
 * The switch in the cache, as it is stored: how far all readers of a namespace may answer from it, whatever their own options say.
 * Where there is none, it is `on`.
 */
export function switchNote(namespace: string | undefined, mode: Exclude<ReaderMode, 'on'>): Result {
  return { key: switchKey(namespace), value: mode, ttlMs: SWITCH_TTL_MS };
}

/** What a switch says; `on` where nothing is stored, or nothing that a switch can say. */
export function switchedMode(text: string | undefined): ReaderMode {
  return isReaderMode(text) ? text : 'on';
}

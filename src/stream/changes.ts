import { encode } from '../codec.js';
import type { TableSettings } from '../config.js';
import { EncodeError, toError } from '../errors.js';
import type { StoreChange } from '../store/store.js';
import type { StreamRecord } from './records.js';

/** Why a change deletes its key although its mode would store an image. */
export type Obstacle =
  | { readonly type: 'no-new-image' | 'unknown-event-name' }
  | { readonly type: 'poison'; readonly error: Error };

/** What a store has to do about a record, and what stood in the way of more. Never throws. */
export function changeOf(
  key: string,
  record: StreamRecord,
  table: TableSettings,
): { readonly change: StoreChange; readonly obstacle?: Obstacle | undefined } {
  const { text, obstacle } = table.mode === 'invalidate' ? {} : storedText(record, table);
  return {
    change: {
      key,
      version: record.version,
      at: record.at,
      action: text === undefined ? 'delete' : table.mode === 'refresh' ? 'refresh' : 'set',
      value: text ?? '',
      ttlMs: jittered(table.ttlMs.item, table.ttlJitter),
      expiresAt: expiryOf(record, table.ttlAttribute),
    },
    obstacle,
  };
}

/** The text to store for a record; none for a REMOVE, and where there is an obstacle. */
function storedText(
  record: StreamRecord,
  table: TableSettings,
): { text?: string | undefined; obstacle?: Obstacle | undefined } {
  if (record.eventName === 'REMOVE') return {};
  if (record.eventName !== 'INSERT' && record.eventName !== 'MODIFY')
    return { obstacle: { type: 'unknown-event-name' } };
  if (record.newImage === undefined) return { obstacle: { type: 'no-new-image' } };
  try {
    return { text: table.value ? customText(table.value(record)) : encode(record.newImage) };
  } catch (thrown) {
    return { obstacle: { type: 'poison', error: toError(thrown) } };
  }
}

function customText(text: unknown): string | undefined {
  if (text === undefined || typeof text === 'string') return text;
  throw new EncodeError(
    `The option value returned ${typeof text}: it must return a string, or undefined to cache nothing.`,
  );
}

/** Entries made together should not end together, or their readers all miss at once. */
function jittered(ttlMs: number, jitter: number): number {
  return Math.ceil(ttlMs * (1 - jitter * Math.random()));
}

const FIVE_YEARS_MS = 5 * 365 * 86_400_000;

/**
 * When a record's item expires, in milliseconds since the epoch. As in DynamoDB, only a number counts, and one more
 * than five years in the past does not (docs: "Using time to live", prerequisites).
 */
function expiryOf({ newImage, at }: StreamRecord, ttlAttribute: string | undefined): number | undefined {
  const value = ttlAttribute === undefined ? undefined : newImage?.[ttlAttribute];
  if (value === undefined || !('N' in value)) return undefined;
  const expiresAt = Math.floor(Number(value.N) * 1000);
  return Number.isFinite(expiresAt) && expiresAt > at - FIVE_YEARS_MS ? expiresAt : undefined;
}

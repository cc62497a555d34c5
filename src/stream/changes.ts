import { encode } from '../codec.js';
import type { TableSettings } from '../config.js';
import { EncodeError, toError } from '../errors.js';
import { expiryOf, jittered } from '../lifetime.js';
import type { StoreChange } from '../store/store.js';
import type { Group } from './plan.js';
import type { StreamRecord } from './records.js';

/** Why a change deletes its key although its mode would store an image. */
export type Obstacle =
  | { readonly type: 'no-new-image' | 'unknown-event-name' }
  | { readonly type: 'poison'; readonly error: Error };

/** What a store has to do about the records of an item, and what stood in the way of more. Never throws. */
export function changeOf(
  key: string,
  { last: record, isDisordered, table }: Pick<Group, 'last' | 'isDisordered' | 'table'>,
): { readonly change: StoreChange; readonly obstacle?: Obstacle | undefined } {
  const onlyDeletes = table.mode === 'invalidate' || isDisordered;
  const { text, obstacle } = onlyDeletes ? {} : storedText(record, table);
  return {
    change: {
      key,
      version: record.version,
      at: record.at,
      action: text === undefined ? 'delete' : table.mode === 'refresh' ? 'refresh' : 'set',
      value: text ?? '',
      ttlMs: jittered(table.ttlMs.item, table.ttlJitter),
      expiresAt: expiryOf(record.newImage, table.ttlAttribute),
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

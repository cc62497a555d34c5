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

/**
 * What a store has to do about the records of an item. What it stores is made when it is first asked for: while one part
 * of a batch is on its way, the next is encoded. `tell` then hears what stood in the way. Never throws.
 */
export function changeOf(
  key: string,
  { last: record, isDisordered, table }: Pick<Group, 'last' | 'isDisordered' | 'table'>,
  tell: (obstacle: Obstacle) => void,
): StoreChange {
  let made: Pick<StoreChange, 'action' | 'value'> | undefined;
  const make = () => {
    const onlyDeletes = table.mode === 'invalidate' || isDisordered;
    const { text, obstacle } = onlyDeletes ? {} : storedText(record, table);
    if (obstacle !== undefined) tell(obstacle);
    if (text === undefined) return { action: 'delete', value: '' } as const;
    return { action: table.mode === 'refresh' ? 'refresh' : 'set', value: text } as const;
  };
  return {
    key,
    version: record.version,
    at: record.at,
    get action() {
      made ??= make();
      return made.action;
    },
    get value() {
      made ??= make();
      return made.value;
    },
    ttlMs: jittered(table.ttlMs.item, table.ttlJitter),
    expiresAt: expiryOf(record.newImage, table.ttlAttribute),
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

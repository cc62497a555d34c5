import { type AttributeMap, base64Text } from '../attributes.js';
import { encode } from '../codec.js';
import { EncodeError, toError } from '../errors.js';
import { itemSettings } from '../item-rules.js';
import { expiryOf, jittered } from '../lifetime.js';
import type { StoreChange } from '../store/store.js';
import type { StreamRecord } from '../stream-record.js';
import type { TableSettings } from '../table-settings.js';
import type { Group } from './plan.js';
import { restoredImage } from './restored.js';

/** Why a change deletes its key although its mode would store an image. */
export type Obstacle =
  | { readonly type: 'no-new-image' | 'unknown-event-name' }
  | { readonly type: 'poison'; readonly error: Error };

/**
 * What a store has to do about the records of an item. The text is made when a store asks for it, so that the next part
 * of a batch is encoded while the server works on the last. `tell` then hears what stood in the way. Never throws.
 */
export class GroupChange implements StoreChange {
  readonly version: string;
  readonly at: number;
  readonly ttlMs: number;
  readonly expiresAt: number | undefined;
  #entry: Pick<StoreChange, 'action' | 'value'> | undefined;

  constructor(
    readonly key: string,
    private readonly group: Pick<Group, 'last' | 'isDisordered' | 'table'>,
    private readonly tell: (obstacle: Obstacle) => void,
  ) {
    const { last: record, table } = group;
    this.version = record.version;
    this.at = record.at;
    this.ttlMs = jittered(itemSettings(table, record.keys).ttlMs, table.ttlJitter);
    this.expiresAt = expiryOf(record.newImage, table.ttlAttribute);
  }

  get action(): StoreChange['action'] {
    this.#entry ??= this.make();
    return this.#entry.action;
  }

  get value(): string {
    this.#entry ??= this.make();
    return this.#entry.value;
  }

  private make(): Pick<StoreChange, 'action' | 'value'> {
    const { last: record, isDisordered, table } = this.group;
    const onlyDeletes = table.mode === 'invalidate' || isDisordered;
    const { text, obstacle } = onlyDeletes ? {} : storedText(record, table);
    if (obstacle !== undefined) this.tell(obstacle);
    if (text === undefined) return { action: 'delete', value: '' };
    return { action: table.mode === 'refresh' ? 'refresh' : 'set', value: text };
  }
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
    return { text: table.value ? customText(table.value(record)) : imageText(record.newImage, record.keys) };
  } catch (thrown) {
    return { obstacle: { type: 'poison', error: toError(thrown) } };
  }
}

/** @throws EncodeError when the image cannot be encoded, or is not one of the item that the keys name */
function imageText(image: AttributeMap, keys: AttributeMap): string {
  let item = image;
  let text: string;
  try {
    text = encode(item);
  } catch {
    item = restoredImage(image);
    text = encode(item);
  }
  for (const name of Object.keys(keys)) {
    const [key, value] = [keys, Object.hasOwn(item, name) ? item : {}].map(
      (each) => each[name] ?? {},
    ) as Contents[];
    if (key?.S === value?.S && key?.N === value?.N && base64Text(key?.B) === base64Text(value?.B)) continue;
    throw new EncodeError('The new image lacks the key that its record names: no reader could use it.');
  }
  return text;
}

type Contents = { readonly S?: unknown; readonly N?: unknown; readonly B?: unknown };

function customText(text: unknown): string | undefined {
  if (text === undefined || typeof text === 'string') return text;
  throw new EncodeError(
    `The option value returned ${typeof text}: it must return a string, or undefined to cache nothing.`,
  );
}

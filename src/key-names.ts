import { keyNamesKey } from './key.js';
import type { CacheStore, CallOptions, Result } from './store/store.js';

/**
 * A note in the cache, beside each table's tag, of which attributes are the table's key: whoever caches items of the
 * table knows, and a writer that knows nothing of it learns from the note which item a PutItem writes.
 */

const DAY_MS = 86_400_000;

/** It is renewed once a day by whoever still caches items of the table. */
const NOTE_TTL_MS = 30 * DAY_MS;

/** The note of a table, made today; `undefined` for names that cannot be written down. */
export function keyNamesNote(
  namespace: string | undefined,
  tableName: string,
  keyNames: readonly string[],
  now = Date.now(),
): Result | undefined {
  try {
    const names = [...keyNames].sort().map(encodeURIComponent).join(',');
    // One line: a store keeps what is stored where the first lines are equal, so a new day renews the note.
    const value = `${names} ${Math.floor(now / DAY_MS)}`;
    return { key: keyNamesKey(namespace, tableName), value, ttlMs: NOTE_TTL_MS };
  } catch {
    return undefined;
  }
}

/** The names that a note tells; `undefined` when it is none of ours. */
export function parseKeyNames(text: string): string[] | undefined {
  const [, names = ''] = /^([^ ,]+(?:,[^ ,]+)?) \d+$/.exec(text) ?? [];
  try {
    return names === '' ? undefined : names.split(',').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** Puts notes into the cache: one per table and day, and another when its names change. */
export type KeyNamesPublisher = (
  tables: ReadonlyMap<string, readonly string[]>,
  options: CallOptions,
) => Promise<void>;

/** What is published is of use to others alone, so its failures are nobody's: it is tried again with the next batch. */
export function keyNamesPublisher(store: CacheStore, namespace: string | undefined): KeyNamesPublisher {
  const published = new Map<string, string>();
  return async (tables, options) => {
    const due = [...tables].flatMap(([tableName, keyNames]) => {
      const note = keyNamesNote(namespace, tableName, keyNames);
      return note === undefined || published.get(note.key) === note.value ? [] : [note];
    });
    if (due.length === 0) return;
    try {
      const outcomes = await store.put(due, options);
      due.forEach(({ key, value }, index) => {
        if (!(outcomes[index] instanceof Error)) published.set(key, value);
      });
    } catch {
      // A store of the caller's that rejects.
    }
  };
}

import { keyNamesNote } from '../key-names.js';
import type { CacheStore, CallOptions } from '../store/store.js';
import { settle } from './settle.js';

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
    const outcomes = await settle(due.length, options, () => store.put(due, options));
    due.forEach(({ key, value }, index) => {
      if (!(outcomes[index] instanceof Error)) published.set(key, value);
    });
  };
}

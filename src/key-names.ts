import { keyNamesKey } from './key.js';
import type { Result } from './store/store.js';

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
    const told = names === '' ? [] : names.split(',').map(decodeURIComponent);
    return told.length === 0 || told[0] === told[1] ? undefined : told;
  } catch {
    return undefined;
  }
}

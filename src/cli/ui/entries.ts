import { decode } from '../../codec.js';
import { CacheError, toError } from '../../errors.js';
import { tablePrefix } from '../../key.js';
import { differencesBetween } from '../../operate/difference.js';
import { guardInWords, span } from '../../operate/guard-words.js';
import { keyAttributesOf } from '../../operate/key-attributes.js';
import type { Look, Operated } from '../../operate/operated.js';
import type { Table } from '../../operate/table.js';
import type { Settled } from '../../store/store.js';

/** The entries of a table in a cache, as the page asks for them. */
export interface Entries {
  /** A key that somebody named: of a cache that does not tell what it has, these are all that can be shown. */
  note(key: string): void;
  search(text: string): Promise<{ keys: string[]; isCut: boolean; isListed: boolean }>;
  look(key: string, isCompared: boolean): Promise<EntryView>;
}

export interface EntryView {
  readonly key: string;
  readonly value: string | undefined;
  readonly lives: string | undefined;
  readonly guard: readonly string[];
  readonly error?: string | undefined;
  /** Where it is compared: what the table has otherwise. */
  readonly differences?:
    | readonly { attribute: string; cache?: string | undefined; table?: string | undefined }[]
    | undefined;
}

const MOST_SHOWN = 100;
const MOST_NOTED = 5_000;
/** Beyond so many names a search ends: it must not go through a cache of millions. */
const MOST_LISTED = 20_000;

export function entriesOf(
  cache: Operated | undefined,
  table: Table | undefined,
  namespace: string | undefined,
  tableName: string,
): Entries {
  const noted = new Set<string>();
  const prefix = `${tablePrefix(namespace, tableName)}:`;

  async function compared(key: string, value: string): Promise<EntryView['differences']> {
    const cached = decode(value);
    const attributes = keyAttributesOf(key.slice(prefix.length));
    if (table === undefined || attributes === undefined) return undefined;
    if (cached === undefined) return [{ attribute: '(all)', cache: 'no item' }];
    return differencesBetween(cached, await table.read(attributes));
  }

  return {
    note(key) {
      if (noted.size >= MOST_NOTED) noted.delete(noted.values().next().value as string);
      noted.add(key);
    },

    async search(text) {
      const isListed = cache?.list !== undefined;
      const found = new Set<string>();
      let seen = 0;
      const add = (names: Iterable<string>) => {
        for (const name of names) if (name.startsWith(prefix) && name.includes(text)) found.add(name);
      };
      if (!isListed) add(noted);
      for await (const names of cache?.list?.(prefix) ?? []) {
        add(names);
        seen += names.length;
        if (found.size > MOST_SHOWN || seen > MOST_LISTED) break;
      }
      const keys = [...found].sort();
      return {
        keys: keys.slice(0, MOST_SHOWN),
        isCut: keys.length > MOST_SHOWN || seen > MOST_LISTED,
        isListed,
      };
    },

    async look(key, isCompared) {
      const nothing = { key, value: undefined, lives: undefined, guard: [] };
      if (cache === undefined)
        return { ...nothing, error: 'What the bundle has in its memory only the bundle knows.' };
      const [look] = (await cache.look([key])) as [Settled<Look>];
      if (look instanceof CacheError) return { ...nothing, error: look.message };
      const { value, ttlMs } = look;
      const view = {
        key,
        value,
        lives: ttlMs === undefined ? undefined : span(ttlMs),
        guard: guardInWords(look),
      };
      if (!isCompared || value === undefined) return view;
      try {
        return { ...view, differences: await compared(key, value) };
      } catch (thrown) {
        return { ...view, error: `The table cannot be read: ${toError(thrown).message}` };
      }
    },
  };
}

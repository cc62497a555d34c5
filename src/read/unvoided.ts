import type { AttributeMap } from '../attributes.js';
import { processWide } from '../process-wide.js';

/**
 * What this process wrote and the cache did not confirm to have voided: what it holds for it may be older than this
 * process's own writes. Kept until it is voided after all, or until all that was cached before has ended: the stream may
 * be hours behind. What would grow beyond a bound widens to its whole table: nothing is forgotten.
 */
export interface Unvoided {
  readonly isEmpty: boolean;
  /** Whether a key or tag of a table may not be read from the cache, for whatever reason. */
  has(kind: Kind, tableName: string, name: string): boolean;
  /** The note of a key or tag by its name, if there is one: what can be voided. A later write makes another. */
  note(kind: Kind, tableName: string, name: string): Note | undefined;
  /** The notes of a table's oldest keys. */
  oldest(tableName: string, most: number): [key: string, note: Note][];
  add(kind: Kind, tableName: string, names: Iterable<string>): void;
  /** Notes an item of which nobody knows which attributes are its key: none of its table is read before that is known. */
  addItem(tableName: string, attributes: AttributeMap): void;
  /** Notes a whole table: all its keys, or all its tags. */
  addAll(kind: Kind, tableName: string): void;
  /** Notes everything, of every table. */
  addEverything(): void;
  hasItems(tableName: string): boolean;
  /** Makes keys of the noted items of a table. Those of which none can be made stand for the whole table. */
  resolve(tableName: string, keyOf: (attributes: AttributeMap) => string | undefined): void;
  /** Forgets a name that has been voided, unless another write was noted meanwhile. */
  remove(kind: Kind, tableName: string, name: string, note: Note): void;
  /** Lets notes that are made from now on be kept for at least so long. */
  keepAtLeast(ms: number): void;
}

export type Kind = 'keys' | 'tags';

export interface Note {
  readonly until: number;
}

interface OfTable {
  readonly keys: Names;
  readonly tags: Names;
  items: { readonly attributes: AttributeMap; readonly until: number }[];
  /** About what the items take, in bytes. */
  size: number;
}

/** Oldest first. */
interface Names {
  readonly notes: Map<string, Note>;
  whole: Note | undefined;
}

/** Beyond so many names the table that has most of them is noted as a whole; beyond so many tables everything is. */
const MOST_NAMES = 100_000;
const MOST_TABLES = 10_000;
/** The same for items whose keys are not known, in bytes. */
const MOST_ITEMS_SIZE = 16 * 1024 * 1024;
const SIZE_OF_ITEM = 100;
const SIZE_OF_ATTRIBUTE = 60;

export function newUnvoided(keepMs: number, now: () => number = Date.now): Unvoided {
  const tables = new Map<string, OfTable>();
  let everything: Note | undefined;
  let size = 0;
  /** When the last note ends. */
  let end = 0;

  function noteOfNow(): Note {
    const until = now() + keepMs;
    end = Math.max(end, until);
    return { until };
  }
  const lives = (note: Note | undefined): note is Note => note !== undefined && now() < note.until;

  /** What is noted of a table, less what has ended. */
  function find(tableName: string): OfTable | undefined {
    const table = tables.get(tableName);
    if (table === undefined) return undefined;
    for (const names of [table.keys, table.tags]) {
      if (!lives(names.whole)) names.whole = undefined;
      for (const [name, note] of names.notes) {
        if (lives(note)) break;
        names.notes.delete(name);
      }
    }
    if (table.items.length > 0 && !lives(table.items.at(-1))) dropItems(table);
    if (!isClear(table)) return table;
    tables.delete(tableName);
    return undefined;
  }

  function ofTable(tableName: string): OfTable {
    const known = find(tableName);
    if (known !== undefined) return known;
    if (tables.size >= MOST_TABLES) for (const name of tables.keys()) find(name);
    if (tables.size >= MOST_TABLES) {
      tables.clear();
      size = 0;
      everything = noteOfNow();
    }
    const table: OfTable = { keys: newNames(), tags: newNames(), items: [], size: 0 };
    tables.set(tableName, table);
    return table;
  }

  function dropItems(table: OfTable): void {
    size -= table.size;
    table.items = [];
    table.size = 0;
  }

  function add(kind: Kind, tableName: string, names: Iterable<readonly [string, Note]>): void {
    const noted = ofTable(tableName)[kind];
    for (const [name, note] of names) {
      noted.notes.delete(name); // so that it becomes the newest
      noted.notes.set(name, note);
    }
    while (countOf(tables) > MOST_NAMES) widenLargest();
  }

  function widenLargest(): void {
    const all = [...tables].flatMap(([tableName, table]) =>
      (['keys', 'tags'] as const).map((kind) => ({ tableName, kind, count: table[kind].notes.size })),
    );
    const { tableName, kind } = all.reduce((most, each) => (each.count > most.count ? each : most));
    addAll(kind, tableName);
  }

  function addAll(kind: Kind, tableName: string): void {
    const table = ofTable(tableName);
    table[kind].whole = noteOfNow();
    table[kind].notes.clear();
    if (kind === 'keys') dropItems(table);
  }

  return {
    get isEmpty() {
      if (tables.size === 0 && everything === undefined) return true;
      if (now() < end) return false;
      tables.clear();
      everything = undefined;
      size = 0;
      return true;
    },
    has(kind, tableName, name) {
      if (lives(everything)) return true;
      const table = find(tableName);
      if (table === undefined) return false;
      const { whole, notes } = table[kind];
      return whole !== undefined || lives(notes.get(name)) || (kind === 'keys' && table.items.length > 0);
    },
    note(kind, tableName, name) {
      const note = find(tableName)?.[kind].notes.get(name);
      return lives(note) ? note : undefined;
    },
    oldest(tableName, most) {
      const oldest: [string, Note][] = [];
      for (const entry of find(tableName)?.keys.notes ?? []) {
        if (oldest.length >= most) break;
        oldest.push(entry);
      }
      return oldest;
    },
    add(kind, tableName, names) {
      const note = noteOfNow();
      const noted = Array.from(names, (name) => [name, note] as const);
      if (noted.length > 0) add(kind, tableName, noted);
    },
    addItem(tableName, attributes) {
      const table = ofTable(tableName);
      if (table.keys.whole !== undefined) {
        addAll('keys', tableName);
        return;
      }
      table.items.push({ attributes, ...noteOfNow() });
      const itemSize = sizeOf(attributes);
      table.size += itemSize;
      size += itemSize;
      if (size > MOST_ITEMS_SIZE) addAll('keys', largestOf(tables));
    },
    addAll,
    addEverything() {
      everything = noteOfNow();
    },
    hasItems: (tableName) => (find(tableName)?.items.length ?? 0) > 0,
    resolve(tableName, keyOf) {
      const table = find(tableName);
      if (table === undefined) return;
      const { items } = table;
      const keys = items.map(({ attributes, until }) => [keyOf(attributes), { until }] as const);
      dropItems(table);
      if (keys.some(([key]) => key === undefined)) addAll('keys', tableName);
      else add('keys', tableName, keys as [string, Note][]);
    },
    remove(kind, tableName, name, note) {
      const table = tables.get(tableName);
      if (table?.[kind].notes.get(name) !== note) return;
      table[kind].notes.delete(name);
      if (isClear(table)) tables.delete(tableName);
    },
    keepAtLeast(ms) {
      keepMs = Math.max(keepMs, ms);
    },
  };
}

/** By cache and namespace: what is not voided there is so for all readers of this process. */
interface ByCache {
  readonly urls: Map<string, Map<string | undefined, Unvoided>>;
  readonly objects: WeakMap<object, Map<string | undefined, Unvoided>>;
}

/**
 * What this process has not voided in a cache.
 *
 * @param cache the identity of the cache: see `cacheIdentity`
 * @param keepMs for how long there may be entries of before a write
 */
export function unvoidedIn(cache: string | object, namespace: string | undefined, keepMs: number): Unvoided {
  const { urls, objects } = processWide<ByCache>('unvoided', () => ({
    urls: new Map(),
    objects: new WeakMap(),
  }));
  const ofCache = (typeof cache === 'string' ? urls.get(cache) : objects.get(cache)) ?? new Map();
  if (typeof cache === 'string') urls.set(cache, ofCache);
  else objects.set(cache, ofCache);
  const unvoided: Unvoided = ofCache.get(namespace) ?? newUnvoided(keepMs);
  ofCache.set(namespace, unvoided);
  unvoided.keepAtLeast(keepMs);
  return unvoided;
}

function newNames(): Names {
  return { notes: new Map(), whole: undefined };
}

function isClear({ keys, tags, items }: OfTable): boolean {
  return (
    [keys, tags].every(({ notes, whole }) => notes.size === 0 && whole === undefined) && items.length === 0
  );
}

function countOf(tables: ReadonlyMap<string, OfTable>): number {
  let count = 0;
  for (const { keys, tags } of tables.values()) count += keys.notes.size + tags.notes.size;
  return count;
}

function largestOf(tables: ReadonlyMap<string, OfTable>): string {
  return [...tables].reduce((most, each) => (each[1].size > most[1].size ? each : most))[0];
}

function sizeOf(attributes: AttributeMap): number {
  let size = SIZE_OF_ITEM;
  for (const value of Object.values(attributes)) {
    size += SIZE_OF_ATTRIBUTE + (Object.values(value)[0] as string).length;
  }
  return size;
}

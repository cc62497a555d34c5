import { setTimeout as delay } from 'node:timers/promises';
import type { AttributeMap } from '../attributes.js';
import { decode, encode } from '../codec.js';
import { CacheError } from '../errors.js';
import { itemKey, tablePrefix } from '../key.js';
import { keyAttributesOf } from './key-attributes.js';
import type { Operated } from './operated.js';
import type { Table } from './table.js';

/** What a comparison of the cache with a table came to. */
export interface Verified {
  /** Entries that were compared. */
  readonly compared: number;
  /** Of those, the ones that differed at first and then did not, or that something changed meanwhile. */
  readonly inFlight: number;
  /** The ones that differed to the last look. */
  readonly different: readonly Different[];
  /** Names of the cache that are not those of items by their own text: of `key` functions, or hashed and known not to exist. */
  readonly unknown: number;
}

/** An entry, and what the table has. */
export interface Different {
  readonly key: string;
  readonly attributes: AttributeMap;
  /** What the cache has: the text of an item, or `null` for one that it takes not to exist. */
  readonly cached: string;
  readonly stored: string;
}

export interface VerifyOptions {
  readonly cache: Operated;
  readonly table: Table;
  readonly tableName: string;
  readonly namespace?: string | undefined;
  /** Ends after so many entries. Default: all. */
  readonly most?: number | undefined;
  /** When what differs is looked at again, in milliseconds after the look before. Default: 1, 5, 30 and 60 seconds. */
  readonly againAfterMs?: readonly number[] | undefined;
  /** Called after each portion with how many entries were compared. */
  readonly onProgress?: ((compared: number) => void) | undefined;
}

const AGAIN_AFTER_MS = [1_000, 5_000, 30_000, 60_000];
/** What one BatchGetItem takes. */
const AT_ONCE = 100;

/** One entry, as it is looked at. */
interface Entry {
  readonly key: string;
  readonly attributes: AttributeMap;
  readonly cached: string;
}

/**
 * Compares what is cached of a table's items with the table, beside readers, writers and the stream. A cache that tells what it has is
 * gone through, and the table is read for that alone; else the table is, by a Scan. A difference counts only if it is there to the last
 * look, and neither side changed between the looks. It changes nothing.
 *
 * @throws CacheError when the cache cannot be read, and what the SDK throws when the table cannot
 */
export async function verifyTable(options: VerifyOptions): Promise<Verified> {
  const {
    cache,
    table,
    most = Number.POSITIVE_INFINITY,
    againAfterMs = AGAIN_AFTER_MS,
    onProgress,
  } = options;
  const keyNames = await table.keyNames();
  let compared = 0;
  let unknown = 0;
  let different: Different[] = [];

  const portions = cache.list === undefined ? fromTable(options, keyNames) : fromCache(options, keyNames);
  for await (const portion of portions) {
    const entries = portion.entries.slice(0, most - compared);
    unknown += portion.unknown;
    compared += entries.length;
    different.push(...(await differing(entries, table, portion.items)));
    onProgress?.(compared);
    if (compared >= most) break;
  }

  const atFirst = different.length;
  for (const ms of againAfterMs) {
    if (different.length === 0) break;
    await delay(ms);
    different = await stillDifferent(different, cache, table);
  }
  return { compared, inFlight: atFirst - different.length, different, unknown };
}

interface Portion {
  readonly entries: readonly Entry[];
  /** What the table has of them, where that is known already. */
  readonly items?: readonly AttributeMap[];
  readonly unknown: number;
}

async function* fromCache(
  { cache, tableName, namespace }: VerifyOptions,
  keyNames: readonly string[],
): AsyncGenerator<Portion> {
  const prefix = `${tablePrefix(namespace, tableName)}:`;
  for await (const names of cache.list?.(prefix) ?? []) {
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const some = names.slice(at, at + AT_ONCE);
      const texts = await confirmed(cache.store.get(some));
      const entries: Entry[] = [];
      let unknown = 0;
      some.forEach((key, index) => {
        const cached = texts[index];
        if (cached === undefined) return;
        const attributes = attributesOf(key, cached, prefix, keyNames);
        const isItsOwn = attributes !== undefined && keyOf(namespace, tableName, attributes) === key;
        if (isItsOwn) entries.push({ key, attributes, cached });
        else unknown += 1;
      });
      yield { entries, unknown };
    }
  }
}

async function* fromTable(
  { cache, table, tableName, namespace }: VerifyOptions,
  keyNames: readonly string[],
): AsyncGenerator<Portion> {
  for await (const page of table.pages()) {
    for (let at = 0; at < page.length; at += AT_ONCE) {
      const some = page.slice(at, at + AT_ONCE);
      const keys = some.map((item) => itemKey(namespace, tableName, pick(item, keyNames)));
      const texts = await confirmed(cache.store.get(keys));
      const cached = some.flatMap((item, index) => {
        const text = texts[index];
        const entry = {
          key: keys[index] as string,
          attributes: pick(item, keyNames),
          cached: text as string,
        };
        return text === undefined ? [] : [{ entry, item }];
      });
      yield { entries: cached.map(({ entry }) => entry), items: cached.map(({ item }) => item), unknown: 0 };
    }
  }
}

async function differing(
  entries: readonly Entry[],
  table: Table,
  scanned?: readonly AttributeMap[],
): Promise<Different[]> {
  const suspects =
    scanned === undefined
      ? entries // what a Scan found may have been old already
      : entries.filter(({ cached }, index) => cached !== textOf(scanned[index] ?? null));
  const items = await table.readAll(suspects.map(({ attributes }) => attributes));
  return suspects.flatMap((entry, index) => {
    const stored = textOf(items[index] ?? null);
    return entry.cached === stored ? [] : [{ ...entry, stored }];
  });
}

/** Those that both sides have as before. */
async function stillDifferent(
  different: readonly Different[],
  { store }: Operated,
  table: Table,
): Promise<Different[]> {
  const still: Different[] = [];
  for (const each of different) {
    const [cached] = await confirmed(store.get([each.key]));
    const stored = textOf(await table.read(each.attributes));
    if (cached === each.cached && stored === each.stored) still.push(each);
  }
  return still;
}

function textOf(item: AttributeMap | null): string {
  return item === null ? 'null' : encode(item);
}

/** Of an item that is cached, its own; of one that is known not to exist, those in the key. */
function attributesOf(
  key: string,
  text: string,
  prefix: string,
  keyNames: readonly string[],
): AttributeMap | undefined {
  const item = decode(text);
  if (item === null) return keyAttributesOf(key.slice(prefix.length));
  return item !== undefined && keyNames.every((name) => item[name] !== undefined)
    ? pick(item, keyNames)
    : undefined;
}

function keyOf(
  namespace: string | undefined,
  tableName: string,
  attributes: AttributeMap,
): string | undefined {
  try {
    return itemKey(namespace, tableName, attributes);
  } catch {
    return undefined;
  }
}

function pick(item: AttributeMap, names: readonly string[]): AttributeMap {
  return Object.fromEntries(names.map((name) => [name, item[name]])) as AttributeMap;
}

async function confirmed<T>(answers: Promise<(T | CacheError)[]>): Promise<T[]> {
  const given = await answers;
  const failure = given.find((answer) => answer instanceof CacheError);
  if (failure !== undefined) throw failure;
  return given as T[];
}

/**
 * How many of all entries differ at most, by what was seen of some: the bound of 95 % certainty, as a share.
 *
 * @returns the rule of three where none differs, else the upper end of Wilson's interval
 */
export function upperBound(compared: number, different: number): number {
  if (compared === 0) return 1;
  if (different === 0) return Math.min(1, 3 / compared);
  const z = 1.96;
  const share = different / compared;
  const centre = share + (z * z) / (2 * compared);
  const spread = z * Math.sqrt((share * (1 - share)) / compared + (z * z) / (4 * compared * compared));
  return (centre + spread) / (1 + (z * z) / compared);
}

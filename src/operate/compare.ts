import { createHash } from 'node:crypto';
import type { AttributeMap } from '../attributes.js';
import { decode, encode } from '../codec.js';
import { indexTagOf, itemKey, tablePrefix } from '../key.js';
import { openResult } from '../read/result-codec.js';
import type { CacheStore } from '../store/store.js';
import { confirmed } from './confirmed.js';
import { isKeyOf, type KeySchema, keyAttributesOf } from './key-attributes.js';
import type { Operated } from './operated.js';
import type { Page, ResultPage, Table } from './table.js';

/** A cache and the table that it is compared with. */
export interface Sides extends KeySchema {
  readonly cache: Operated;
  readonly table: Table;
  readonly tableName: string;
  readonly namespace?: string | undefined;
}

/** A portion of what is to be compared, ready to be. */
export type Work = (sides: Sides) => Promise<Compared>;

export interface Compared {
  readonly items?: number;
  readonly results?: number;
  readonly unknown?: number;
  readonly suspects: readonly Suspect[];
}

/** What differed when it was first looked at. */
export interface Suspect {
  readonly kind: 'item' | 'result';
  readonly key: string;
  /** Digests of what both sides had. */
  readonly cached: string;
  readonly stored: string;
  /** What a result was read under. */
  readonly generations?: readonly string[];
}

/** Items of the cache, by their names. */
export function itemsNamed(names: readonly string[]): Work {
  return async (sides) => {
    const { cache, table } = sides;
    const distinct = [...new Set(names)];
    const texts = confirmed(await cache.store.get(distinct));
    const entries: { key: string; attributes: AttributeMap; cached: string }[] = [];
    let unknown = 0;
    distinct.forEach((key, index) => {
      const cached = texts[index];
      if (cached === undefined) return;
      const attributes = attributesOf(sides, key, cached);
      if (attributes === undefined) unknown += 1;
      else entries.push({ key, attributes, cached });
    });
    const items = await table.readAll(entries.map(({ attributes }) => attributes));
    const suspects = entries.flatMap(({ key, cached }, index) =>
      suspectsOf('item', key, cached, textOf(items[index] ?? null)),
    );
    return { items: entries.length, unknown, suspects };
  };
}

/** Items of the table, as far as they are cached. */
export function itemsScanned({ items }: Page): Work {
  return async ({ cache, table, tableName, namespace, keyNames }) => {
    const keys = items.map((item) => itemKey(namespace, tableName, pick(item, keyNames)));
    const texts = confirmed(await cache.store.get(keys));
    const cached = items.flatMap((item, index) => {
      const text = texts[index];
      return text === undefined ? [] : [{ item, key: keys[index] as string, text }];
    });
    // What a Scan found may have been old already.
    const unequal = cached.filter(({ item, text }) => text !== textOf(item));
    const now = await table.readAll(unequal.map(({ item }) => pick(item, keyNames)));
    const suspects = unequal.flatMap(({ key, text }, index) =>
      suspectsOf('item', key, text, textOf(now[index] ?? null)),
    );
    return { items: cached.length, suspects };
  };
}

/** Results of queries and scans, by their names. */
export function resultsNamed(names: readonly string[]): Work {
  return async ({ cache, table }) => {
    const keys = [...new Set(names)].filter((name) => /\}:result:[^:]+$/.test(name));
    let results = 0;
    let unknown = 0;
    const suspects: Suspect[] = [];
    for (const key of keys) {
      const found = await compareResult(cache, table, key);
      if (found === 'unknown') unknown += 1;
      if (typeof found === 'object') {
        results += 1;
        const { cached, stored, generations } = found;
        suspects.push(...suspectsOf('result', key, cached, stored).map((each) => ({ ...each, generations })));
      }
    }
    return { results, unknown, suspects };
  };
}

/** Both sides of a result, if a reader would be given it now. */
async function compareResult(
  { store }: Operated,
  table: Table,
  key: string,
): Promise<{ cached: string; stored: string; generations: string[] } | 'unknown' | 'gone' | undefined> {
  const [text] = confirmed(await store.get([key]));
  if (text === undefined) return 'gone';
  if (text === 'seen') return undefined;
  const opened = openResult(text);
  if (opened === undefined) return 'unknown';
  const { generations, result, request } = opened;
  if (!(await areCurrent(store, key, generations))) return undefined; // nobody is given it any more
  const canBeStrong = request.operation === 'Query' && !('IndexName' in request.input);
  const answer = await table.result(request.operation, { ...request.input, ConsistentRead: canBeStrong });
  const { items, count, scannedCount, lastEvaluatedKey } = result;
  return {
    generations,
    cached: resultText({
      Items: items as AttributeMap[] | undefined,
      Count: count,
      ScannedCount: scannedCount,
      LastEvaluatedKey: lastEvaluatedKey,
    }),
    stored: resultText(answer),
  };
}

/** Whether what a result was read under is as it was. */
async function areCurrent(store: CacheStore, key: string, generations: readonly string[]): Promise<boolean> {
  const tag = key.slice(1, key.indexOf('}'));
  const tags = generations.length === 1 ? [tag] : [tag, indexTagOf(tag)];
  return confirmed(await store.generations(tags)).join(' ') === generations.join(' ');
}

/** Items with the same key in an index come in an order that nobody promised. */
function resultText({ Items, Count, ScannedCount, LastEvaluatedKey }: ResultPage): string {
  const items = Items?.map((item) => encode(item)).sort();
  return JSON.stringify([Count, ScannedCount, LastEvaluatedKey && encode(LastEvaluatedKey), items]);
}

function suspectsOf(kind: Suspect['kind'], key: string, cached: string, stored: string): Suspect[] {
  return cached === stored ? [] : [{ kind, key, cached: digest(cached), stored: digest(stored) }];
}

/** Of what differed, that which both sides have as before: neither changed, and the stream brought nothing. */
export async function stillDifferent(sides: Sides, suspects: readonly Suspect[]): Promise<Suspect[]> {
  const items = await itemsAsBefore(
    sides,
    suspects.filter(({ kind }) => kind === 'item'),
  );
  const results: Suspect[] = [];
  for (const suspect of suspects.filter(({ kind }) => kind === 'result')) {
    if (await isResultAsBefore(sides, suspect)) results.push(suspect);
  }
  return [...items, ...results];
}

async function itemsAsBefore(sides: Sides, suspects: readonly Suspect[]): Promise<Suspect[]> {
  const { cache, table } = sides;
  const texts = confirmed(await cache.store.get(suspects.map(({ key }) => key)));
  const cached = suspects.flatMap((suspect, index) => {
    const text = texts[index];
    const attributes = text === undefined ? undefined : attributesOf(sides, suspect.key, text);
    return text === undefined || attributes === undefined ? [] : [{ suspect, text, attributes }];
  });
  const items = await table.readAll(cached.map(({ attributes }) => attributes));
  return cached.flatMap(({ suspect, text }, index) =>
    isAsBefore(suspect, text, textOf(items[index] ?? null)) ? [suspect] : [],
  );
}

async function isResultAsBefore({ cache, table }: Sides, suspect: Suspect): Promise<boolean> {
  const found = await compareResult(cache, table, suspect.key);
  // Gone by its own short time: had the stream brought the change, its tag would have moved.
  if (found === 'gone') return areCurrent(cache.store, suspect.key, suspect.generations ?? []);
  return typeof found === 'object' && isAsBefore(suspect, found.cached, found.stored);
}

function isAsBefore(suspect: Suspect, cached: string, stored: string): boolean {
  return suspect.cached === digest(cached) && suspect.stored === digest(stored);
}

function textOf(item: AttributeMap | null): string {
  return item === null ? 'null' : encode(item);
}

/**
 * The key of the item that a name is of: from the name, whatever stands under it; where the name is only a hash, from the item. `undefined` when
 * the table can have no such item.
 */
function attributesOf(sides: Sides, key: string, text: string): AttributeMap | undefined {
  const { tableName, namespace, keyNames } = sides;
  const inName = keyAttributesOf(key.slice(tablePrefix(namespace, tableName).length + 1));
  const attributes = inName ?? pick(decode(text) ?? {}, keyNames);
  return isKeyOf(sides, attributes) && keyOf(namespace, tableName, attributes) === key
    ? attributes
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

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

import type { AttributeMap } from '../attributes.js';
import type { Rules } from '../coherence.js';
import { CacheError } from '../errors.js';
import { indexTagOf, itemKey, namespacePrefix, partitionTag, tablePrefix, tableTag } from '../key.js';
import type { Settled } from '../store/store.js';
import { confirmed } from './confirmed.js';
import { keyAttributesOf } from './key-attributes.js';
import type { Operated } from './operated.js';

/** What was taken out of the cache. */
export interface Purged {
  /** Items: their values are gone, and fills under way are refused. */
  readonly items: number;
  /** What query and scan results hang on: those that were read before are no longer served. */
  readonly tags: number;
  /** Query and scan results. */
  readonly results: number;
}

/** What of a cache is taken out: which items and tags, whose names begin so. */
export interface PurgeScope {
  readonly itemPrefix: string;
  readonly tagPrefix: string;
  hasItem(key: string): boolean;
  hasTag(tag: string): boolean;
}

export const NOTHING_PURGED: Purged = { items: 0, tags: 0, results: 0 };

/** All of a table. */
export function tableScope(namespace: string | undefined, tableName: string): PurgeScope {
  const prefix = tablePrefix(namespace, tableName);
  const [itemPrefix, tagPrefix] = [`${prefix}:`, `${prefix}*`];
  return {
    ...{ itemPrefix, tagPrefix },
    hasItem: (key) => key.startsWith(itemPrefix) && isOfItem(key.slice(itemPrefix.length)),
    hasTag: (tag) => tag.startsWith(tagPrefix),
  };
}

/**
 * The items of one partition, and every result that may hold one: of the partition, of the whole table and of its indexes. Items whose keys are
 * so long that only their hash is known go too: there is no telling.
 *
 * @throws KeyError when the value is none of a key
 */
export function partitionScope(
  namespace: string | undefined,
  tableName: string,
  partition: AttributeMap,
): PurgeScope {
  const whole = tableScope(namespace, tableName);
  const own = itemKey(namespace, tableName, partition).slice(whole.itemPrefix.length);
  const tags = new Set([
    tableTag(namespace, tableName),
    partitionTag(namespace, tableName, undefined, partition),
  ]);
  return {
    ...whole,
    hasItem(key) {
      if (!whole.hasItem(key)) return false;
      const text = key.slice(whole.itemPrefix.length);
      return keyAttributesOf(text) === undefined || text.split(',').includes(own);
    },
    hasTag: (tag) => whole.hasTag(tag) && (tags.has(tag) || indexTagOf(tag) !== ''),
  };
}

/** All tables of a namespace. */
export function namespaceScope(namespace: string): PurgeScope {
  const prefix = `${namespacePrefix(namespace)}:`;
  // A table may have the namespace's name; its keys go on with an attribute.
  const isOfTable = (name: string, mark: string) => {
    const rest = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    const end = rest.search(/[:*=#~,]/);
    return end > 0 && rest[end] === mark;
  };
  return {
    ...{ itemPrefix: prefix, tagPrefix: prefix },
    hasItem: (key) => isOfTable(key, ':') && isOfItem(key.slice(key.indexOf(':', prefix.length) + 1)),
    hasTag: (tag) => isOfTable(tag, '*'),
  };
}

/** Whether this is what stands behind the table in an item's key: other names are somebody else's. */
function isOfItem(text: string): boolean {
  return text.startsWith('sha256.') || keyAttributesOf(text) !== undefined;
}

/**
 * Takes items out of the cache, beside readers and the stream: as after a write of an application, with strongly consistent reads
 * until they have settled. A result of a query that has one of them lives on.
 *
 * @throws CacheError when the cache did not confirm it; what was done stays done, and all of it can be repeated
 */
export async function purgeItems(
  { store }: Operated,
  keys: readonly string[],
  rules: Rules,
): Promise<Purged> {
  confirmed(await store.void(keys, rules));
  return { ...NOTHING_PURGED, items: keys.length };
}

/**
 * Takes all of a scope out of the cache, in the same way: items, those that readers are about to fill, and results. Gives what was
 * done so far after each portion. Keys that a function of the caller's made are not known here, and stay.
 *
 * @param isDry only counts
 * @throws CacheError as {@link purgeItems}
 */
export async function* purgeAll(
  { store, list }: Operated,
  { itemPrefix, tagPrefix, hasItem, hasTag }: PurgeScope,
  rules: Rules,
  isDry = false,
): AsyncGenerator<Purged> {
  if (list === undefined) throw new CacheError(CANNOT_LIST, { answered: true });
  let purged = NOTHING_PURGED;
  const add = (more: Partial<Purged>) => {
    const { items = 0, tags = 0, results = 0 } = more;
    purged = { items: purged.items + items, tags: purged.tags + tags, results: purged.results + results };
    return purged;
  };
  const unlessDry = async <T>(step: () => Promise<Settled<T>[]>) => {
    if (!isDry) confirmed(await step());
  };

  // Tags first: what is read from then on hangs on new generations.
  for await (const names of list(`{${tagPrefix}`)) {
    const tags = names.flatMap((name) => ofGuard(name).filter(hasTag));
    const results = names.filter((name) => (RESULT.exec(name)?.slice(1) ?? []).some(hasTag));
    await unlessDry(() => store.move(tags, rules));
    await unlessDry(() => store.delete(results));
    yield add({ tags: tags.length, results: results.length });
  }
  // Then guards, of which there is one for each item that is being read.
  for await (const names of list(`{${itemPrefix}`)) {
    const keys = names.flatMap(ofGuard).filter(hasItem);
    const stored = confirmed(await store.get(keys));
    await unlessDry(() => store.void(keys, rules));
    // What is stored, too, a dry run finds again below.
    yield add({ items: isDry ? stored.filter((text) => text === undefined).length : keys.length });
  }
  // Then what has no guard, since nothing is under way with it.
  for await (const names of list(itemPrefix)) {
    const keys = names.filter(hasItem);
    await unlessDry(() => store.delete(keys));
    yield add({ items: keys.length });
  }
}

/** The key or the tag that a guard is of. */
function ofGuard(name: string): string[] {
  return /^\{([^{}]+)\}:guard$/.exec(name)?.slice(1) ?? [];
}

/** A result, and the tag that it stands under. */
const RESULT = /^\{([^{}]+)\}:result:[^:]+$/;

const CANNOT_LIST =
  'This cache does not tell what it has. Name the keys, or empty it by its own means and restart what keeps leases of it.';

import type { Rules } from '../coherence.js';
import { CacheError } from '../errors.js';
import { tablePrefix } from '../key.js';
import type { Settled } from '../store/store.js';
import type { Operated } from './operated.js';

/** What of a table was taken out of the cache. */
export interface Purged {
  /** Items: their values are gone, and fills under way are refused. */
  readonly items: number;
  /** What query and scan results hang on: those that were read before are no longer served. */
  readonly tags: number;
  /** Query and scan results. */
  readonly results: number;
}

const NOTHING: Purged = { items: 0, tags: 0, results: 0 };

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
  confirm(await store.void(keys, rules));
  return { ...NOTHING, items: keys.length };
}

/**
 * Takes all of a table out of the cache, in the same way: items, those that readers are about to fill, and results. Gives what was
 * done so far after each portion. Keys that a function of the caller's made are not known here, and stay.
 *
 * @param isDry only counts
 * @throws CacheError as {@link purgeItems}
 */
export async function* purgeTable(
  { store, list }: Operated,
  namespace: string | undefined,
  tableName: string,
  rules: Rules,
  isDry = false,
): AsyncGenerator<Purged> {
  if (list === undefined) throw new CacheError(CANNOT_LIST, { answered: true });
  const prefix = tablePrefix(namespace, tableName);
  let purged = NOTHING;
  const unlessDry = async <T>(step: () => Promise<Settled<T>[]>) => {
    if (!isDry) confirm(await step());
  };

  // Tags first: what is read from then on hangs on new generations.
  for await (const names of list(`{${prefix}*`)) {
    const tags = names.flatMap((name) => /^\{([^{}]+)\}:guard$/.exec(name)?.[1] ?? []);
    const results = names.filter((name) => /\}:result:[^:]+$/.test(name));
    await unlessDry(() => store.move(tags, rules));
    await unlessDry(() => store.delete(results));
    purged = { ...purged, tags: purged.tags + tags.length, results: purged.results + results.length };
    yield purged;
  }
  // Then guards, which are there of items that are being read, too; then what has none: of those, the values are gone by then.
  const counted = new Set<string>();
  for (const start of [`{${prefix}:`, `${prefix}:`]) {
    for await (const names of list(start)) {
      const all = names.flatMap((name) => (name.startsWith('{') ? (GUARDED.exec(name)?.[1] ?? []) : name));
      const keys = isDry ? all.filter((key) => !counted.has(key)) : all;
      if (isDry) for (const key of keys) counted.add(key);
      await unlessDry(() => store.void(keys, rules));
      purged = { ...purged, items: purged.items + keys.length };
      yield purged;
    }
  }
}

const GUARDED = /^\{([^{}]+)\}:guard$/;

const CANNOT_LIST =
  'This cache does not tell what it has. Name the keys, or empty it by its own means and restart what keeps leases of it.';

function confirm(outcomes: readonly Settled<unknown>[]): void {
  const failure = outcomes.find((outcome) => outcome instanceof CacheError);
  if (failure !== undefined) throw failure;
}

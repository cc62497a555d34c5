import { CacheError } from '../errors.js';
import { namespacePrefix, tableOfName, tablePrefix } from '../key.js';
import { confirmed } from './confirmed.js';
import type { Measured, Operated } from './operated.js';

/** What a cache has of one table, or of somebody else. */
export interface TableStats {
  /** With its namespace before it, where there is one; `undefined` for names that are not of this package's making. */
  readonly table: string | undefined;
  /** Items, those included that are known not to exist. */
  items: number;
  absent: number;
  /** Results of queries and scans. */
  results: number;
  /** What results hang on. */
  tags: number;
  /** What is remembered of items and tags. */
  guards: number;
  /** Of the guards, those of items that were changed a moment ago: reads for them are strongly consistent. */
  settling: number;
  /** Of the guards, those of items that one reader reads for all. */
  leased: number;
  /** Of the guards, those that cannot be read. */
  damaged: number;
  /** Of names and texts, without what the server keeps beside them. */
  bytes: number;
  guardBytes: number;
  /** How many items and results end within each of {@link ENDS_MS}, and how many have no end. */
  readonly ends: number[];
  endless: number;
}

/** Steps of the histogram, in milliseconds: an entry counts in the first that it ends within. */
export const ENDS_MS = [60_000, 600_000, 3_600_000, 21_600_000, 86_400_000, Number.POSITIVE_INFINITY];

/** What of a cache is counted. */
export interface Counted {
  readonly namespace?: string | undefined;
  /** None: all that the namespace has, or without one all that there is, of others too. */
  readonly tables: readonly string[];
}

/**
 * What a cache holds, by table, from the names that it lists and the length of each: works where a service has no MEMORY, OBJECT and KEYS. Gives
 * the names gone through after each portion. A table that is asked for is there though nothing is cached of it.
 *
 * @throws CacheError when the cache cannot be read, or does not tell what it has
 */
export async function* collectStats(
  { list, measure }: Operated,
  { namespace, tables: wanted }: Counted,
): AsyncGenerator<number, TableStats[]> {
  if (list === undefined || measure === undefined) {
    throw new CacheError('This cache does not tell what it has.', { answered: true });
  }
  const asked = wanted.map((table) => (namespace === undefined ? table : `${namespace}:${table}`));
  const tables = new Map<string | undefined, TableStats>(asked.map((table) => [table, newStats(table)]));
  const isCounted = (name: string) => asked.length === 0 || tables.has(tableOfName(name)?.table);
  const prefix = prefixOf(namespace, wanted);
  let count = 0;
  // The names of guards, tags and results begin with a brace.
  for (const start of prefix === '' ? [''] : [prefix, `{${prefix}`]) {
    for await (const listed of list(start)) {
      const names = listed.filter(isCounted);
      const sizes = confirmed(await measure(names));
      names.forEach((name, index) => void add(tables, name, sizes[index] as Measured));
      count += listed.length;
      yield count;
    }
  }
  return [...tables.values()].sort((a, b) => b.bytes - a.bytes);
}

/** A cache goes through all it has for each beginning: several tables are looked for at once. */
function prefixOf(namespace: string | undefined, [table, ...more]: readonly string[]): string {
  if (table !== undefined && more.length === 0) return tablePrefix(namespace, table);
  return namespace === undefined ? '' : `${namespacePrefix(namespace)}:`;
}

/** The text of an item that is known not to exist. */
const ABSENT_BYTES = 'null'.length;

function add(tables: Map<string | undefined, TableStats>, name: string, measured: Measured): void {
  const { bytes, ttlMs, guard, now } = measured;
  if (bytes === undefined && guard === undefined && !isOthers(name)) return; // it ended meanwhile
  const { table, kind } = tableOfName(name) ?? { table: undefined, kind: 'item' };
  const stats = tables.get(table) ?? newStats(table);
  tables.set(table, stats);
  const size = Buffer.byteLength(name) + (bytes ?? 0);
  if (kind === 'guard' || kind === 'tag') {
    stats.guards += 1;
    stats.guardBytes += size;
    if (kind === 'tag') stats.tags += 1;
    if (guard === 'damaged') stats.damaged += 1;
    else if (guard !== undefined) {
      if (guard.settled > now) stats.settling += 1;
      if ((guard.leased ?? 0) > now) stats.leased += 1;
    }
    return;
  }
  if (kind === 'note') return;
  stats.bytes += size;
  if (kind === 'result') stats.results += 1;
  else stats.items += 1;
  if (kind === 'item' && bytes === ABSENT_BYTES) stats.absent += 1;
  if (ttlMs === undefined) stats.endless += 1;
  else {
    const step = ENDS_MS.findIndex((end) => ttlMs <= end);
    stats.ends[step] = (stats.ends[step] ?? 0) + 1;
  }
}

/** Of these the size may be unknown, since they are no texts. */
function isOthers(name: string): boolean {
  return tableOfName(name) === undefined;
}

function newStats(table: string | undefined): TableStats {
  return {
    ...{ table, items: 0, absent: 0, results: 0, tags: 0, guards: 0, settling: 0, leased: 0, damaged: 0 },
    ...{ bytes: 0, guardBytes: 0, ends: ENDS_MS.map(() => 0), endless: 0 },
  };
}

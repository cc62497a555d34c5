import type { AttributeMap } from '../attributes.js';
import { encode } from '../codec.js';
import type { Rules } from '../coherence.js';
import { CacheError } from '../errors.js';
import { itemSettings } from '../item-rules.js';
import { guardKey, itemKey } from '../key.js';
import { expiryOf, jittered } from '../lifetime.js';
import type { Fill, Lease } from '../store/store.js';
import type { TableSettings } from '../table-settings.js';
import { confirmed } from './confirmed.js';
import { type Lane, type Places, runLanes } from './lanes.js';
import { type Memory, memoryOf } from './memory.js';
import type { Operated } from './operated.js';
import type { Page, Table } from './table.js';

/** What became of the items that a table was asked for. */
export interface Warmed {
  readonly filled: number;
  /** They were in the cache already. */
  readonly cached: number;
  /** Something changed or stored them meanwhile, or their own time is over: nothing was stored. */
  readonly refused: number;
  /** Keys that the table has no item of. */
  readonly absent: number;
  /** Items that no cache key or text can be made of. */
  readonly unstorable: number;
}

/** Items, or only their keys where nothing of them is read yet. */
export type Portion = Page | { readonly keys: readonly AttributeMap[] };

export interface WarmOptions {
  readonly cache: Operated;
  readonly table: Table;
  readonly tableName: string;
  readonly namespace?: string | undefined;
  readonly keyNames: readonly string[];
  readonly settings: TableSettings;
  /** Pages have to be strongly consistent. */
  readonly lanes: readonly Lane<Portion>[];
  /** How far an earlier run was; kept up to date. */
  readonly places?: Places | undefined;
  /** What an earlier run did. */
  readonly before?: Warmed | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each portion, with what was done so far. */
  readonly onProgress?: ((warmed: Warmed) => void) | undefined;
}

export const NOTHING_WARMED: Warmed = { filled: 0, cached: 0, refused: 0, absent: 0, unstorable: 0 };

/**
 * Whoever changes an item lets it settle for this long at least, whatever its options (`settleSeconds` is 1 or more). A lease for
 * which the item is settled tells therefore that nothing changed it within that time.
 */
const LEAST_SETTLE_MS = 1_000;

/**
 * Fills the cache from a table, beside readers, writers and the stream, and stores nothing that is older than what is there: a page is a
 * read that began before its leases did. Where nothing changed an item between the two, it may be stored as of the page; where something
 * may have, the item is read again under its lease, as a reader would.
 *
 * @throws CacheError when the cache did not confirm it or takes no more, PlacesError, and what the SDK throws; what was done stays done
 */
export async function warmTable(options: WarmOptions): Promise<Warmed> {
  const { lanes, places = {}, signal, onProgress = () => {} } = options;
  let warmed = options.before ?? NOTHING_WARMED;
  const work = async (portion: Portion) => {
    const more = await warmPortion(options, portion);
    warmed = sum(warmed, more);
  };
  await runLanes(lanes, places, work, { signal, onPlace: () => onProgress(warmed) });
  return warmed;
}

/** An item on its way into the cache. */
interface Candidate {
  readonly key: string;
  readonly attributes: AttributeMap;
  /** Absent while nothing of it is read. */
  readonly read?: ReadItem | undefined;
}

interface ReadItem {
  readonly item: AttributeMap;
  readonly text: string;
}

async function warmPortion(options: WarmOptions, portion: Portion): Promise<Warmed> {
  const { cache, table, settings } = options;
  const { candidates, unstorable } = candidatesOf(options, portion);
  const rules: Rules = { ...settings.rules, leaseMs: 0 }; // nobody waits for a warming
  const keys = candidates.map(({ key }) => key);
  const begun = confirmed(await cache.store.begin(keys, rules));
  // Measured once the leases are there: the page began at most so long before any of them.
  const pageAgeMs = 'readAt' in portion ? Math.ceil(performance.now() - portion.readAt) : 0;

  const fills: Fill[] = [];
  const again: { readonly candidate: Candidate; readonly lease: Lease }[] = [];
  let cached = 0;
  candidates.forEach((candidate, index) => {
    const lease = begun[index] as (typeof begun)[number];
    if ('value' in lease) {
      cached += 1;
      return;
    }
    const { key, read } = candidate;
    const isAsOfPage = !lease.strong && pageAgeMs < LEAST_SETTLE_MS;
    if (read === undefined || !isAsOfPage) again.push({ candidate, lease });
    else fills.push(fillOf(settings, key, read, { ...lease, begunAt: lease.begunAt - pageAgeMs }));
  });

  const items = await table.readAll(again.map(({ candidate }) => candidate.attributes));
  again.forEach(({ candidate, lease }, index) => {
    const item = items[index];
    if (item) fills.push(fillOf(settings, candidate.key, { item, text: encode(item) }, lease));
  });
  const outcomes = confirmed(await cache.store.fill(fills, rules));
  if (outcomes.includes('full')) {
    throw new CacheError('The cache is full and takes no more. Give it memory, or an eviction policy.', {
      answered: true,
    });
  }
  const filled = outcomes.filter((outcome) => outcome === 'filled').length;
  const absent = items.filter((item) => item === null).length;
  return { filled, cached, refused: outcomes.length - filled, absent, unstorable };
}

type CandidateOptions = Pick<WarmOptions, 'namespace' | 'tableName' | 'keyNames' | 'settings'>;

function candidatesOf({ namespace, tableName, keyNames, settings }: CandidateOptions, portion: Portion) {
  const all = ('keys' in portion ? portion.keys : portion.items).filter(
    (each) => itemSettings(settings, each).isCached,
  );
  const candidates = all.flatMap((each): Candidate[] => {
    const attributes = Object.fromEntries(keyNames.map((name) => [name, each[name]])) as AttributeMap;
    try {
      const key = itemKey(namespace, tableName, attributes);
      if ('keys' in portion) return [{ key, attributes }];
      return [{ key, attributes, read: { item: each, text: encode(each) } }];
    } catch {
      return [];
    }
  });
  return { candidates, unstorable: all.length - candidates.length };
}

function fillOf(settings: TableSettings, key: string, { item, text }: ReadItem, lease: Lease): Fill {
  return {
    key,
    lease,
    strong: true,
    value: text,
    ttlMs: jittered(itemSettings(settings, item).ttlMs, settings.ttlJitter),
    expiresAt: expiryOf(item, settings.ttlAttribute),
  };
}

function sum(a: Warmed, b: Warmed): Warmed {
  return Object.fromEntries(
    Object.keys(a).map((name) => [name, a[name as keyof Warmed] + b[name as keyof Warmed]]),
  ) as unknown as Warmed;
}

/** What items will take of a cache's memory. */
export interface Estimate {
  /** Those that the table's settings let be cached. */
  readonly items: number;
  readonly bytesPerItem: number;
  /** For as long as the guards live, and for good. */
  readonly bytesAtFirst: number;
  readonly bytes: number;
  readonly memory: Memory | undefined;
}

/**
 * What Redis keeps beside the bytes of a key and its text, measured on 7.0 with keys that end: entries in the dictionaries of keys
 * and of ends, headers, and what the allocator rounds up.
 */
const OVERHEAD_BYTES = 140;
/** The text of a guard, without a version. */
const GUARD_TEXT_BYTES = 70;

/** By a sample of the items, and as many as DynamoDB lately counted. It changes nothing. */
export async function estimateWarming(
  options: CandidateOptions & Pick<WarmOptions, 'cache'>,
  itemCount: number,
  sample: readonly AttributeMap[],
): Promise<Estimate> {
  const { candidates } = candidatesOf(options, { items: sample, readAt: 0 });
  const items = Math.round((itemCount * candidates.length) / Math.max(1, sample.length));
  const average = (of: (candidate: Candidate) => number) =>
    candidates.reduce((total, candidate) => total + of(candidate), 0) / Math.max(1, candidates.length);
  const bytesPerItem = Math.round(
    average(({ key, read }) => Buffer.byteLength(key + (read?.text ?? '')) + OVERHEAD_BYTES),
  );
  const guardBytes = average(({ key }) => guardKey(key).length + GUARD_TEXT_BYTES + OVERHEAD_BYTES);
  return {
    items,
    bytesPerItem,
    bytes: items * bytesPerItem,
    bytesAtFirst: Math.round(items * (bytesPerItem + guardBytes)),
    memory: await memoryOf(options.cache),
  };
}

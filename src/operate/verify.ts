import { setTimeout as delay } from 'node:timers/promises';
import type { Rules } from '../coherence.js';
import { CacheError } from '../errors.js';
import { tablePrefix } from '../key.js';
import { openResult } from '../read/result-codec.js';
import type { Settled } from '../store/store.js';
import {
  itemsNamed,
  itemsScanned,
  resultsNamed,
  type Sides,
  type Suspect,
  stillDifferent,
  type Work,
} from './compare.js';
import { confirmed } from './confirmed.js';
import { type Lane, type Places, runLanes } from './lanes.js';
import type { Look, Operated } from './operated.js';
import { sampled, shuffled } from './sample.js';
import type { Page, Table } from './table.js';

/** What a comparison of the cache with a table came to. */
export interface Verified {
  /** Items that were compared. */
  readonly items: number;
  /** Results of queries and scans that were compared: those that readers would be given. */
  readonly results: number;
  /** Of both, the ones that differed at first and then did not, or that something changed meanwhile. */
  readonly inFlight: number;
  /** The ones that differed to the last look. */
  readonly different: readonly Different[];
  /**
   * Names of the cache whose item or request nobody can tell: of `key` functions, hashed and known not to exist, or results that an earlier version
   * stored.
   */
  readonly unknown: number;
}

/** What the cache has otherwise than the table. */
export interface Different {
  readonly kind: 'item' | 'result';
  readonly key: string;
  /** For how long it has been stored, in milliseconds, as far as its time to live tells. */
  readonly ageMs: number | undefined;
}

export interface VerifyOptions {
  readonly cache: Operated;
  readonly table: Table;
  readonly tableName: string;
  readonly namespace?: string | undefined;
  /** How long entries live when they are stored, in milliseconds, for their age. */
  readonly ttlMs?: { readonly item: number } | undefined;
  /** Compares so many items, drawn by lot, and no results. Default: all. */
  readonly sample?: number | undefined;
  /** When what differs is looked at again, in milliseconds after the look before. Default: 1, 5, 30 and 60 seconds. */
  readonly againAfterMs?: readonly number[] | undefined;
  /** Where an earlier run was; kept up to date. */
  readonly state?: VerifyState | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each portion. */
  readonly onProgress?: ((state: VerifyState) => void) | undefined;
}

/** How far a comparison is, as JSON: what another run needs to go on. No content of an item is in it. */
export interface VerifyState {
  readonly places: Places;
  items: number;
  results: number;
  unknown: number;
  readonly suspects: Suspect[];
}

export function newVerifyState(): VerifyState {
  return { places: {}, items: 0, results: 0, unknown: 0, suspects: [] };
}

const AGAIN_AFTER_MS = [1_000, 5_000, 30_000, 60_000];
/** Beyond this the cache is not that of the table, and looking longer says nothing new. */
const MOST_SUSPECTS = 10_000;
/** Segments of a table that are scanned side by side. */
const SEGMENTS = 4;

/**
 * Compares what is cached of a table with the table, beside readers, writers and the stream. A cache that tells what it has is gone
 * through, and of the table only that is read; else the table is scanned, and results are not compared. A difference counts only if it is
 * there to the last look, and neither side changed between the looks. It changes nothing.
 *
 * @throws CacheError when the cache cannot be read, PlacesError, and what the SDK throws when the table cannot be
 */
export async function verifyTable(options: VerifyOptions): Promise<Verified> {
  const { cache, table, state = newVerifyState(), signal, onProgress = () => {} } = options;
  const { keyNames, keyTypes } = await table.describe();
  const comparison: Comparison = { ...options, keyNames, keyTypes };
  const isListed = cache.servers !== undefined;

  const work = async (portion: Work) => {
    const { items = 0, results = 0, unknown = 0, suspects } = await portion(comparison);
    state.items += items;
    state.results += results;
    state.unknown += unknown;
    state.suspects.push(...suspects);
    if (state.suspects.length > MOST_SUSPECTS) {
      throw new TooManyDifferencesError(state.items + state.results, state.suspects.length);
    }
  };
  const lanes = await (isListed ? lanesOfCache(comparison) : lanesOfTable(comparison));
  await runLanes(lanes, state.places, work, { signal, onPlace: () => onProgress(state) });

  const { suspects } = state;
  const still = await differentToTheLast(comparison, suspects);
  const looks = await cache.look(still.map(({ key }) => key));
  const different = still.map(({ kind, key }, index) => ({ kind, key, ageMs: ageOf(options, looks[index]) }));
  const { items, results, unknown } = state;
  return { items, results, unknown, inFlight: suspects.length - still.length, different };
}

/** So much differs that this can hardly be the cache of that table. */
export class TooManyDifferencesError extends Error {
  override readonly name = 'TooManyDifferencesError';

  constructor(compared: number, different: number) {
    super(
      `Of ${compared} entries ${different} differ, and it was looked no further. Is this the cache of that table, and its namespace? stream-cache purge takes all of it out.`,
    );
  }
}

interface Comparison extends VerifyOptions, Sides {}

async function lanesOfCache({ cache, tableName, namespace, sample }: Comparison): Promise<Lane<Work>[]> {
  const prefix = tablePrefix(namespace, tableName);
  const items = (await cache.servers?.(`${prefix}:`)) ?? [];
  if (sample !== undefined) return [worked(sampled(items, sample), itemsNamed)];
  const results = (await cache.servers?.(`{${prefix}*`)) ?? [];
  return [
    ...items.map((lane) => worked(lane, itemsNamed)),
    ...results.map((lane) => worked(lane, resultsNamed)),
  ];
}

async function lanesOfTable({ table, sample }: Comparison): Promise<Lane<Work>[]> {
  if (sample === undefined) return table.segments(SEGMENTS).map((lane) => worked(lane, itemsScanned));
  const { itemCount } = await table.describe();
  const parts = table.segments(Math.min(1_000, Math.max(1, Math.ceil(itemCount / 1_000))));
  return [worked(someOf(parts, sample), itemsScanned)];
}

/** Parts of a table by lot, until so many items are scanned: the whole of it need not be read. */
function someOf(parts: readonly Lane<Page>[], size: number): Lane<Page> {
  return {
    name: `a sample of ${size}`,
    async *portions() {
      let left = size;
      for (const { portions } of shuffled(parts)) {
        for await (const { portion, place } of portions()) {
          yield { portion: { ...portion, items: portion.items.slice(0, left) }, place };
          left -= portion.items.length;
          if (left <= 0) return;
        }
      }
    },
  };
}

function worked<T>({ name, portions }: Lane<T>, work: (portion: T) => Work): Lane<Work> {
  return {
    name,
    async *portions(after) {
      for await (const { portion, place } of portions(after)) yield { portion: work(portion), place };
    },
  };
}

/** Those that differ to the last look. */
async function differentToTheLast(
  comparison: Comparison,
  suspects: readonly Suspect[],
): Promise<readonly Suspect[]> {
  const { againAfterMs = AGAIN_AFTER_MS, signal } = comparison;
  let still = suspects;
  for (const ms of againAfterMs) {
    if (still.length === 0) break;
    await delay(ms, undefined, { signal }).catch(() => {}); // that it ended early stands in the signal
    if (signal?.aborted) break;
    still = await stillDifferent(comparison, still);
  }
  return still;
}

/** Takes what differs out of the cache: items as after a write of an application, results with all that stand under their tag. */
export async function repair(
  { store }: Operated,
  different: readonly Different[],
  rules: Rules,
): Promise<void> {
  const keysOf = (kind: Different['kind']) =>
    different.filter((each) => each.kind === kind).map(({ key }) => key);
  confirmed(await store.void(keysOf('item'), rules));
  const results = keysOf('result');
  const tags = new Set(results.map((key) => key.slice(1, key.indexOf('}'))));
  confirmed(await store.move([...tags], rules));
  confirmed(await store.delete(results));
}

function ageOf({ ttlMs }: VerifyOptions, look: Settled<Look> | undefined): number | undefined {
  if (look === undefined || look instanceof CacheError) return undefined;
  if (look.value?.includes('\n')) {
    const cachedAt = openResult(look.value)?.result.cachedAt;
    return cachedAt === undefined ? undefined : Math.max(0, look.now - cachedAt);
  }
  if (ttlMs === undefined || look.ttlMs === undefined) return undefined;
  return Math.max(0, ttlMs.item - look.ttlMs);
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

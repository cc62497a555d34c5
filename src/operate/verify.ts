import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttributeMap } from '../attributes.js';
import { decode, encode } from '../codec.js';
import type { Rules } from '../coherence.js';
import { CacheError } from '../errors.js';
import { indexTagOf, itemKey, tablePrefix } from '../key.js';
import { openResult } from '../read/result-codec.js';
import type { CacheStore, Settled } from '../store/store.js';
import { confirmed } from './confirmed.js';
import { keyAttributesOf } from './key-attributes.js';
import { type Lane, type Places, runLanes } from './lanes.js';
import type { Look, Operated } from './operated.js';
import { sampled, shuffled } from './sample.js';
import type { Page, ResultPage, Table } from './table.js';

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

/** What differed when it was first looked at. */
interface Suspect {
  readonly kind: Different['kind'];
  readonly key: string;
  /** Digests of what both sides had. */
  readonly cached: string;
  readonly stored: string;
  /** What a result was read under. */
  readonly generations?: readonly string[];
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
  const { keyNames } = await table.describe();
  const comparison: Comparison = { ...options, keyNames };
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
  const still = signal?.aborted ? suspects : await stillDifferent(comparison, suspects, signal);
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
      `Of ${compared} entries ${different} differ, and it was looked no further. Is this the cache of that table, and its namespace?`,
    );
  }
}

interface Comparison extends VerifyOptions {
  readonly keyNames: readonly string[];
}

/** A portion of what is to be compared, ready to be. */
type Work = (comparison: Comparison) => Promise<Compared>;

interface Compared {
  readonly items?: number;
  readonly results?: number;
  readonly unknown?: number;
  readonly suspects: readonly Suspect[];
}

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

function itemsNamed(names: readonly string[]): Work {
  return async ({ cache, table, tableName, namespace, keyNames }) => {
    const prefix = `${tablePrefix(namespace, tableName)}:`;
    const distinct = [...new Set(names)];
    const texts = confirmed(await cache.store.get(distinct));
    const entries: { key: string; attributes: AttributeMap; cached: string }[] = [];
    let unknown = 0;
    distinct.forEach((key, index) => {
      const cached = texts[index];
      if (cached === undefined) return;
      const attributes = attributesOf(key, cached, prefix, keyNames);
      const isItsOwn = attributes !== undefined && keyOf(namespace, tableName, attributes) === key;
      if (isItsOwn) entries.push({ key, attributes, cached });
      else unknown += 1;
    });
    const items = await table.readAll(entries.map(({ attributes }) => attributes));
    const suspects = entries.flatMap(({ key, cached }, index) =>
      suspectsOf('item', key, cached, textOf(items[index] ?? null)),
    );
    return { items: entries.length, unknown, suspects };
  };
}

function itemsScanned({ items }: Page): Work {
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

function resultsNamed(names: readonly string[]): Work {
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

/** Those that both sides have as before, to the last look. */
async function stillDifferent(
  { cache, table, tableName, namespace, keyNames, againAfterMs = AGAIN_AFTER_MS }: Comparison,
  suspects: readonly Suspect[],
  signal: AbortSignal | undefined,
): Promise<readonly Suspect[]> {
  const prefix = `${tablePrefix(namespace, tableName)}:`;
  let still = suspects;
  for (const ms of againAfterMs) {
    if (still.length === 0) break;
    await delay(ms, undefined, { signal }).catch(() => {});
    if (signal?.aborted) break;
    const items = still.filter(({ kind }) => kind === 'item');
    const texts = confirmed(await cache.store.get(items.map(({ key }) => key)));
    const keys = items.map(({ key }, index) => {
      const text = texts[index];
      return text === undefined ? undefined : attributesOf(key, text, prefix, keyNames);
    });
    const stored = await table.readAll(keys.filter((key) => key !== undefined));
    const same = new Set<Suspect>();
    items.forEach((suspect, index) => {
      if (keys[index] === undefined) return;
      const item = stored.shift() ?? null;
      if (isAsBefore(suspect, texts[index] as string, textOf(item))) same.add(suspect);
    });
    for (const suspect of still.filter(({ kind }) => kind === 'result')) {
      const found = await compareResult(cache, table, suspect.key);
      const isSame =
        found === 'gone' // by its own short time: had the stream brought the change, its tag would have moved
          ? await areCurrent(cache.store, suspect.key, suspect.generations ?? [])
          : typeof found === 'object' && isAsBefore(suspect, found.cached, found.stored);
      if (isSame) same.add(suspect);
    }
    still = still.filter((suspect) => same.has(suspect));
  }
  return still;
}

function isAsBefore(suspect: Suspect, cached: string, stored: string): boolean {
  return suspect.cached === digest(cached) && suspect.stored === digest(stored);
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

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
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

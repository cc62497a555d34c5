import { CacheError } from '../../src/errors.js';
import { mapDriver } from '../../src/operate/map-driver.js';
import type { Driver } from '../../src/store/cas/driver.js';
import { decodeEntry } from '../../src/store/cas/entry.js';
import { casStore } from '../../src/store/cas/store.js';
import { openMemory } from '../../src/store/memory.js';
import type { CacheStore, Settled } from '../../src/store/store.js';
import type { Line } from './line.js';
import type { World } from './world.js';

/** A cache at the end of a line. */
export interface Cache {
  /** The store of one process. */
  newStore(): CacheStore;
  /** The text that is stored, without a way to it. */
  value(key: string): string | undefined;
  /** Loses a value; what is known of it stays known. */
  evict(key: string): void;
  clear(): void;
}

export type NewCache = (world: World, line: Line) => Cache;

/** One that takes whole steps by its own clock, as Redis does in scripts. */
export const memoryCache: NewCache = ({ weather, time }, line) => {
  const memory = openMemory(() => time.now() + weather.skew.cache);
  const store = atTheEndOf(line, memory.store, weather.cache.isCluster);
  return {
    newStore: () => store,
    value: (key) => memory.values.get(key),
    evict: (key) => memory.values.delete(key),
    clear() {
      memory.values.clear();
      memory.guards.clear();
    },
  };
};

/**
 * One that can only compare and set: each process takes the steps itself, by a clock of its own, up to 1.5 s before or behind
 * DynamoDB's.
 */
export const casCache: NewCache = (world, line) => {
  const { weather, time } = world;
  const clocks = world.random('clocks of processes');
  const driver = mapDriver(() => time.now());
  const far = driverAtTheEndOf(line, driver, weather.cache.isCluster);
  const near = casStore(driver, { now: () => time.now() });
  return {
    newStore() {
      const aheadMs = weather.skew.table + clocks.between(-1_500, 1_500);
      const store = casStore(far, { now: () => Math.round(time.now() + aheadMs) });
      return {
        ...store,
        get: (keys) => (isNote(keys[0]) ? near.get(keys) : store.get(keys)),
        put: (results) => (isNote(results[0]?.key) ? near.put(results) : store.put(results)),
      };
    },
    value(key) {
      const text = driver.entries.get(key)?.text;
      const entry = text === undefined ? undefined : decodeEntry(text, time.now());
      return entry === 'damaged' ? undefined : entry?.value;
    },
    evict: (key) => void near.delete([key]),
    clear: () => driver.entries.clear(),
  };
};

/** A driver that is reached over a line. */
function driverAtTheEndOf(line: Line, driver: Driver, isCluster: boolean): Driver {
  const overLine =
    <I, O>(ask: (inputs: readonly I[]) => Promise<Settled<O>[]>) =>
    (inputs: readonly I[]) =>
      each(line, inputs, ask, isCluster);
  return {
    get: overLine((keys) => driver.get(keys)),
    read: overLine((keys) => driver.read(keys)),
    create: overLine((entries) => driver.create(entries)),
    replace: overLine((entries) => driver.replace(entries)),
    delete: overLine((keys) => driver.delete(keys)),
    close: () => driver.close(),
  };
}

/** A store that is reached over a line, and answers for calls that fail as every store does. */
function atTheEndOf(line: Line, store: CacheStore, isCluster: boolean): CacheStore {
  const over = <I, O>(inputs: readonly I[], ask: (inputs: readonly I[]) => Promise<Settled<O>[]>) =>
    each(line, inputs, ask, isCluster);
  return {
    get: (keys) => (isNote(keys[0]) ? store.get(keys) : over(keys, (some) => store.get(some))),
    apply: (changes, rules) => over(changes, (some) => store.apply(some, rules)),
    begin: (keys, rules) => over(keys, (some) => store.begin(some, rules)),
    release: (released, rules) => over(released, (some) => store.release(some, rules)),
    fill: (fills, rules) => over(fills, (some) => store.fill(some, rules)),
    void: (keys, rules) => over(keys, (some) => store.void(some, rules)),
    claim: (keys, rules) => over(keys, (some) => store.claim(some, rules)),
    move: (tags, rules) => over(tags, (some) => store.move(some, rules)),
    generations: (tags) => over(tags, (some) => store.generations(some)),
    put: (results) =>
      isNote(results[0]?.key) ? store.put(results) : over(results, (some) => store.put(some)),
    delete: (keys) => over(keys, (some) => store.delete(some)),
    close: () => store.close(),
  };
}

/**
 * Notes of key names say what is declared here anyhow, and nobody turns the readers' switch: they pass beside the line, which decides how
 * each world goes.
 */
function isNote(key = ''): boolean {
  return key.endsWith('}:keys') || key.endsWith('}:switch');
}

const FAILURE = new CacheError('The line is down.');

async function each<I, O>(
  line: Line,
  inputs: readonly I[],
  ask: (inputs: readonly I[]) => Promise<Settled<O>[]>,
  isCluster: boolean,
): Promise<Settled<O>[]> {
  if (isCluster && inputs.length > 1) {
    const answers = await Promise.all(inputs.map((input) => each(line, [input], ask, isCluster)));
    return answers.flat();
  }
  return line.call(() => ask(inputs)).catch(() => inputs.map(() => FAILURE));
}

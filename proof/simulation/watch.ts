import type { AttributeMap } from '../../src/attributes.js';
import { nameOf, type Table } from './table.js';
import type { World } from './world.js';

/** What a system did wrong, in words, and at which of its promises. */
export interface Violation {
  readonly promise: 'convergence' | 'no step back' | 'read your writes' | 'replay-proof';
  readonly text: string;
}

/** Watches what the cache serves, and holds it against the history of the table. */
export interface Watch {
  readonly violations: readonly Violation[];
  readonly longestStalenessMs: number;
  readonly hits: number;
  readonly misses: number;
  /** A moment in the order of everything; later ones are greater. */
  moment(): number;
  /** The cache answered, in a read that began at a moment, with one item of an entry of the cache. */
  served(entry: string, sk: string, seen: AttributeMap | undefined, by: number, began: Began): void;
  missed(): void;
  /** A process wrote an item, and got its answer; everybody's later reads must see it, or only its own. */
  wrote(sk: string, position: number, by: number, isVoided: boolean): void;
  /** Everything has come to rest: what is cached must be what the table holds. */
  compare(
    promise: 'convergence' | 'replay-proof',
    entry: string,
    cached: (sk: string) => AttributeMap | null | undefined,
  ): void;
  /** The cache has lost its guards, and with them the order of what it served and was told. */
  forget(): void;
}

export interface Began {
  readonly moment: number;
  readonly at: number;
}

/** From a moment on nobody may see less than a position. */
interface Floor {
  readonly moment: number;
  readonly position: number;
}

export function newWatch(world: World, table: Table): Watch {
  const violations: Violation[] = [];
  const floors = new Map<string, Floor[]>();
  const wrong = new Set<string>();
  let [moment, longestStalenessMs, hits, misses] = [0, 0, 0, 0];

  function violated(promise: Violation['promise'], text: string): void {
    violations.push({ promise, text });
    world.tell(() => `*** ${promise}: ${text}`);
  }

  function floorOf(name: string, before: number): number {
    return floors.get(name)?.findLast((floor) => floor.moment < before)?.position ?? 0;
  }

  function raise(name: string, position: number): void {
    const ofName = floors.get(name) ?? [];
    floors.set(name, ofName);
    if (position > (ofName.at(-1)?.position ?? 0)) ofName.push({ moment: moment++, position });
  }

  return {
    violations,
    get longestStalenessMs() {
      return longestStalenessMs;
    },
    get hits() {
      return hits;
    },
    get misses() {
      return misses;
    },
    moment: () => moment++,
    missed() {
      misses += 1;
    },
    served(entry, sk, seen, by, began) {
      const history = table.items.get(sk);
      if (history === undefined) return;
      if (entry === 'item') hits += 1;
      longestStalenessMs = Math.max(longestStalenessMs, history.staleness(seen, began.at));
      const name = `${entry} ${sk}`;
      const served = floorOf(name, began.moment);
      const position = history.position(seen, served);
      if (position === undefined) {
        violated(
          'no step back',
          `the ${entry} served ${sk} ${nameOf(seen)}, after ${nameOf(history.states[served]?.image)} before`,
        );
        return;
      }
      const written = Math.max(
        floorOf(`write ${sk}`, began.moment),
        floorOf(`write ${sk} by ${by}`, began.moment),
      );
      const afterWrite = history.position(seen, Math.max(served, written));
      if (afterWrite === undefined)
        violated(
          'read your writes',
          `the ${entry} served ${sk} ${nameOf(seen)}, after ${nameOf(history.states[written]?.image)} was written`,
        );
      raise(name, afterWrite ?? position);
    },
    wrote(sk, position, by, isVoided) {
      raise(isVoided ? `write ${sk}` : `write ${sk} by ${by}`, position);
    },
    compare(promise, entry, cached) {
      for (const [sk, history] of table.items) {
        const image = cached(sk);
        if (image === undefined || nameOf(image ?? undefined) === nameOf(history.latest.image)) continue;
        if (wrong.has(`${entry} ${sk}`)) continue; // said before
        wrong.add(`${entry} ${sk}`);
        violated(
          promise,
          `the ${entry} has ${sk} ${nameOf(image ?? undefined)}, which is ${nameOf(history.latest.image)}`,
        );
      }
    },
    forget() {
      floors.clear();
    },
  };
}

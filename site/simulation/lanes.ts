import { simple } from '../../proof/simulation/baselines.js';
import { newLine } from '../../proof/simulation/line.js';
import type { Handler } from '../../proof/simulation/mapping.js';
import { pair } from '../../proof/simulation/pair.js';
import { newProcess, type Process } from '../../proof/simulation/process.js';
import type { NewSystem } from '../../proof/simulation/system.js';
import { type Change, nameOf, type Table } from '../../proof/simulation/table.js';
import { newWatch } from '../../proof/simulation/watch.js';
import type { World } from '../../proof/simulation/world.js';

/** The one item that everything is about. */
export const ITEM = 'a';

/** The caches that stand side by side. */
const CACHES: readonly {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly newSystem: NewSystem;
  readonly ttlSeconds: number;
}[] = [
  {
    id: 'pair',
    name: 'This pair',
    about: 'handler and middleware, TTL 1\u00a0h',
    newSystem: pair,
    ttlSeconds: 3_600,
  },
  {
    id: 'set',
    name: 'SET yourself',
    about: 'by a handler and on a miss, TTL 1\u00a0h',
    newSystem: simple({ setsFromStream: true, fills: true }),
    ttlSeconds: 3_600,
  },
  {
    id: 'ttl',
    name: 'TTL alone',
    about: 'SET on a miss, TTL 30\u00a0s',
    newSystem: simple({ fills: true }),
    ttlSeconds: 30,
  },
  {
    id: 'through',
    name: 'Written through',
    about: 'by its own client, as DAX is, TTL 5\u00a0min',
    newSystem: simple({ fills: true, storesOwnWrites: true }),
    ttlSeconds: 300,
  },
];

/** What a cache shows for a while. */
export interface Shown {
  readonly from: number;
  /** `undefined` while nothing is cached. */
  readonly value: string | undefined;
  readonly isStale: boolean;
}

export interface LaneView {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly value: string | undefined;
  /** For how long what it shows has not been what the table holds; 0 when it is. */
  readonly staleForMs: number;
  /** For how long it has not been, all in all. */
  readonly staleMs: number;
  readonly reads: number;
  readonly staleReads: number;
  /** How often it showed somebody less than it had shown before. */
  readonly stepsBack: number;
  readonly tableReads: number;
  /** What became of records and fills, the newest last. */
  readonly notes: readonly string[];
  readonly shown: readonly Shown[];
}

/** One cache, with a client of its own. */
export interface Lane {
  readonly process: Process;
  readonly handler: Handler | undefined;
  /** Takes down what it shows now, for so long. */
  look(ms: number): void;
  /** A record is about to be delivered to it. */
  tellOf(change: Change): void;
  /** @param since moments before it have gone out of sight */
  view(since: number): LaneView;
}

/** @param send how a client reaches the table */
export function newLanes(world: World, table: Table, send: Table['send']): Lane[] {
  return CACHES.map((cache) => newLane(world, table, send, cache));
}

function newLane(
  world: World,
  table: Table,
  send: Table['send'],
  { id, name, about, newSystem, ttlSeconds }: (typeof CACHES)[number],
): Lane {
  let [reads, staleReads, tableReads, staleMs] = [0, 0, 0, 0];
  let notes: string[] = [];
  let shown: Shown[] = [];
  const here: World = {
    ...world,
    weather: { ...world.weather, ttlSeconds },
    tell: (line) => note(noteOf(line(), table)),
  };
  const system = newSystem(here, newLine(here));
  const watch = newWatch(here, table);
  const history = table.items.get(ITEM) as NonNullable<ReturnType<typeof table.items.get>>;
  const counting: typeof watch = {
    ...watch,
    served(entry, sk, seen, by, began) {
      reads += 1;
      if (history.staleness(seen, began.at) > 0) staleReads += 1;
      watch.served(entry, sk, seen, by, began);
    },
    missed() {
      reads += 1;
    },
  };
  const reached: Table = {
    ...table,
    send(command, input) {
      if (command === 'GetItemCommand') tableReads += 1;
      return send(command, input);
    },
  };

  function note(text: string | undefined): void {
    if (text !== undefined) notes = [...notes.slice(-2), text];
  }

  /** What is cached, and for how long it has not been true. */
  function now() {
    const cached = system.cached(ITEM);
    if (cached === undefined) return { value: undefined, staleForMs: 0 };
    return {
      value: nameOf(cached ?? undefined),
      staleForMs: history.staleness(cached ?? undefined, world.time.now()),
    };
  }

  return {
    process: newProcess(0, here, reached, system, counting),
    handler: system.handler,
    look(ms) {
      const { value, staleForMs } = now();
      const isStale = staleForMs > 0;
      if (isStale) staleMs += ms;
      const last = shown.at(-1);
      if (last?.value !== value || last?.isStale !== isStale)
        shown.push({ from: world.time.now(), value, isStale });
    },
    tellOf({ newImage }) {
      if (id === 'set') note(`${nameOf(newImage)}: set`);
    },
    view(since) {
      const first = shown.findLastIndex(({ from }) => from <= since);
      shown = shown.slice(Math.max(0, first));
      const stepsBack = watch.violations.filter(({ promise }) => promise === 'no step back').length;
      return { id, name, about, ...now(), staleMs, reads, staleReads, stepsBack, tableReads, notes, shown };
    },
  };
}

/** What the pair says of a record or a fill, in a few words; nothing of all else. */
function noteOf(line: string, table: Table): string | undefined {
  const [, number, outcome] = /^handler: …?(\d+) is (\w+)$/.exec(line) ?? [];
  if (number !== undefined) {
    const change = table.changes.find(({ sequenceNumber }) => sequenceNumber.endsWith(number));
    return `${nameOf(change?.newImage)}: ${outcome}`;
  }
  const [, filled] = /^cache: fill of .* is (\w+)$/.exec(line) ?? [];
  return filled && `fill: ${filled}`;
}

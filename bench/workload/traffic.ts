import type { Random } from '../../proof/random.js';

/** What the processes of an application do: each call begins at one of them. */
export interface Fleet {
  /** GetItem. */
  read(sk: string): Promise<void>;
  /** PutItem of an item that the process knows whole. */
  put(sk: string): Promise<void>;
  /** UpdateItem, which answers with `ALL_NEW` where the application asks for it. */
  update(sk: string, returns?: 'ALL_NEW'): Promise<void>;
  /** A write by somebody whose client has no cache: a batch job, another team, the console. */
  foreign(sk: string): Promise<void>;
  random: Random;
}

/** A named mix of calls. */
export interface Workload {
  readonly what: string;
  /** Items that are there from the beginning, and those that come later. */
  readonly loaded: readonly string[];
  readonly later: readonly string[];
  /** Calls by their share of all. */
  readonly calls: readonly (readonly [share: number, call: (fleet: Fleet) => Promise<void>])[];
}

/** Of all writes, those that pass the middleware by. */
const FOREIGN = 0.2;
const ITEMS = 5_000;

/**
 * YCSB's core workloads A, B, C, D and F, whose keys follow a Zipf distribution with 0.99, with a fifth of the writes by
 * somebody else (Cooper et al., "Benchmarking cloud serving systems with YCSB", 2010), and an application with one table.
 */
export const WORKLOADS: Readonly<Record<string, () => Workload>> = {
  'YCSB A': () => ycsb('reads 50 %, updates 50 %', 0.5, update),
  'YCSB B': () => ycsb('reads 95 %, updates 5 %', 0.95, update),
  'YCSB C': () => ycsb('reads alone', 1, update),
  'YCSB D': latest,
  'YCSB F': () =>
    ycsb('reads 50 %, reads and then writes 50 %', 0.5, async (fleet, sk) => {
      await fleet.read(sk);
      await (fleet.random.chance(FOREIGN) ? fleet.foreign(sk) : fleet.put(sk));
    }),
  'one table': oneTable,
};

function ycsb(what: string, reads: number, write: (fleet: Fleet, sk: string) => Promise<void>): Workload {
  const loaded = names('user', ITEMS);
  const popular = newZipf(ITEMS);
  const pick = ({ random }: Fleet) => loaded[popular(random)] as string;
  return {
    ...{ what, loaded, later: [] },
    calls: [
      [reads, (fleet) => fleet.read(pick(fleet))],
      [1 - reads, (fleet) => write(fleet, pick(fleet))],
    ],
  };
}

function update(fleet: Fleet, sk: string): Promise<void> {
  return fleet.random.chance(FOREIGN) ? fleet.foreign(sk) : fleet.update(sk, 'ALL_NEW');
}

/** YCSB D: what was inserted last is read most. */
function latest(): Workload {
  const [loaded, later] = [names('user', 1_000), names('new', 20_000)];
  const all = [...loaded, ...later];
  const recent = newZipf(1_000);
  let count = loaded.length;
  return {
    ...{ what: 'reads 95 % of what came last, inserts 5 %', loaded, later },
    calls: [
      [0.95, (fleet) => fleet.read(all[Math.max(0, count - 1 - recent(fleet.random))] as string)],
      [
        0.05,
        async (fleet) => {
          const sk = all[count] as string;
          if (sk === undefined) return;
          await (fleet.random.chance(FOREIGN) ? fleet.foreign(sk) : fleet.put(sk));
          count += 1;
        },
      ],
    ],
  };
}

/** Settings that all read, profiles, sessions that their own process updates, and orders that others move on. */
function oneTable(): Workload {
  const [settings, profiles, sessions] = [
    names('setting', 20),
    names('profile', ITEMS),
    names('session', 1_000),
  ];
  const orders = names('order', 20_000);
  const [ofSettings, ofProfiles, ofSessions, ofOrders] = [20, ITEMS, 1_000, 200].map(newZipf) as [
    Zipf,
    Zipf,
    Zipf,
    Zipf,
  ];
  let placed = 1_000;
  const order = ({ random }: Fleet) => orders[placed - 1 - ofOrders(random)] as string;
  const session = ({ random }: Fleet) => sessions[ofSessions(random)] as string;
  return {
    what: 'settings, profiles, sessions and orders of a shop',
    loaded: [...settings, ...profiles, ...sessions, ...orders.slice(0, placed)],
    later: orders.slice(placed),
    calls: [
      [0.3, (fleet) => fleet.read(settings[ofSettings(fleet.random)] as string)],
      [0.0005, (fleet) => fleet.foreign(fleet.random.pick(settings))],
      [0.3, (fleet) => fleet.read(profiles[ofProfiles(fleet.random)] as string)],
      [0.01, (fleet) => fleet.update(profiles[ofProfiles(fleet.random)] as string)],
      [0.15, (fleet) => fleet.read(session(fleet))],
      [
        0.09,
        async (fleet) => {
          const sk = session(fleet);
          await fleet.read(sk);
          await fleet.update(sk, 'ALL_NEW');
        },
      ],
      [0.12, (fleet) => fleet.read(order(fleet))],
      [
        0.02,
        async (fleet) => {
          const sk = orders[placed] as string;
          if (sk === undefined) return;
          await fleet.put(sk);
          placed += 1;
          await fleet.read(sk);
        },
      ],
      [0.0095, (fleet) => fleet.foreign(order(fleet))],
    ],
  };
}

function names(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${kind}#${index}`);
}

type Zipf = (random: Random) => number;

/** Draws a rank from 0: the k-th is asked for with a weight of 1 / k^0.99, as in YCSB. */
function newZipf(count: number): Zipf {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank += 1) {
    sum += (rank + 1) ** -0.99;
    sums[rank] = sum;
  }
  return ({ next }) => {
    const drawn = next() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < drawn) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

import { type Item, versionIn } from './orders.js';

/** What is known of every item: what its only writer did, and what readers were given. */
export interface Ledger {
  /** The next version of an item, before it is sent to the table; `false` for a deletion. */
  begin(name: string, exists: boolean): number;
  acknowledge(name: string, version: number): void;
  /** What an answer to a read that begins now may not fall below. */
  mark(name: string): Mark;
  /** What is wrong with an answer, if anything is. */
  judge(name: string, answer: Answer, mark: Mark): Problem | undefined;
  /** Whether the item's newest version is one that exists. */
  exists(name: string): boolean;
  /** The cache has lost its guards: what it served before binds it no longer. Reads under way may have begun before. */
  forget(): void;
  note(name: string, what: string): void;
  /** What happened to an item lately, oldest first, and up to its first problem where it had one. */
  trail(name: string): readonly string[];
  /** How far behind the table the oldest value was that the cache served. */
  readonly longestBehindMs: number;
}

export interface Mark {
  /** The newest version that the cache had served before. */
  readonly served: number;
  /** How often the cache had lost its guards. */
  readonly losses: number;
  /** The version that the reader itself had written before. */
  readonly written: number;
}

export interface Answer {
  readonly item: Item | undefined;
  readonly fromCache: boolean;
}

export interface Problem {
  readonly kind: 'step back' | 'own write not read' | 'wrong contents';
  readonly what: string;
}

interface Entry {
  begun: number;
  served: number;
  exists: boolean;
  /** Versions that are deletions; 0 stands for not having been there at first. */
  readonly deletions: number[];
  readonly acknowledged: { version: number; at: number }[];
  readonly trail: string[];
  hadProblem: boolean;
}

const TRAIL = 60;

export function newLedger(): Ledger {
  const entries = new Map<string, Entry>();
  let longestBehindMs = 0;
  let losses = 0;

  function entry(name: string): Entry {
    let found = entries.get(name);
    if (found === undefined) {
      found = {
        begun: 0,
        served: 0,
        exists: false,
        deletions: [0],
        acknowledged: [],
        trail: [],
        hadProblem: false,
      };
      entries.set(name, found);
    }
    return found;
  }

  function note(name: string, what: string): void {
    const { trail, hadProblem } = entry(name);
    if (hadProblem) return;
    trail.push(`${new Date().toISOString().slice(11, 23)} ${what}`);
    if (trail.length > TRAIL) trail.shift();
  }

  /** The oldest version that an answer can be which is at least `least`; undefined when there is none. */
  function versionOf(name: string, { item }: Answer, least: number): number | string | undefined {
    const { deletions, begun } = entry(name);
    if (item === undefined) return deletions.find((version) => version >= least);
    const version = versionIn(name, item);
    if (typeof version === 'string') return version;
    if (version > begun) return `has version ${version}, which nobody wrote`;
    return version >= least ? version : undefined;
  }

  function noteStaleness(name: string, { item }: Answer): void {
    const { acknowledged, deletions } = entry(name);
    const version = item === undefined ? (deletions.at(-1) ?? 0) : Number(item.version?.N);
    const newer = acknowledged.find((each) => each.version > version);
    if (newer !== undefined) longestBehindMs = Math.max(longestBehindMs, performance.now() - newer.at);
  }

  return {
    begin(name, exists) {
      const own = entry(name);
      own.begun += 1;
      own.exists = exists;
      if (!exists) own.deletions.push(own.begun);
      return own.begun;
    },
    acknowledge(name, version) {
      const { acknowledged } = entry(name);
      acknowledged.push({ version, at: performance.now() });
      if (acknowledged.length > 200) acknowledged.shift();
      note(name, `table has ${version}${entry(name).exists ? '' : ' (deleted)'}`);
    },
    mark: (name) => ({ served: entry(name).served, losses, written: 0 }),
    forget() {
      losses += 1;
      for (const own of entries.values()) own.served = 0;
    },
    judge(name, answer, mark) {
      const own = entry(name);
      const shown = answer.item === undefined ? 'nothing' : `version ${answer.item.version?.N}`;
      const anyVersion = versionOf(name, answer, 0);
      if (typeof anyVersion === 'string') return { kind: 'wrong contents', what: `${name} ${anyVersion}` };
      if (versionOf(name, answer, mark.written) === undefined) {
        note(name, `READ ${shown}, after having written ${mark.written}`);
        own.hadProblem = true;
        return {
          kind: 'own write not read',
          what: `${name} gave ${shown} after version ${mark.written} was written`,
        };
      }
      if (!answer.fromCache) return undefined;
      noteStaleness(name, answer);
      const version = versionOf(name, answer, mark.losses === losses ? mark.served : 0);
      if (version === undefined) {
        note(name, `SERVED ${shown}, after ${mark.served}`);
        own.hadProblem = true;
        return { kind: 'step back', what: `${name} served ${shown} after version ${mark.served}` };
      }
      own.served = Math.max(own.served, Number(version));
      return undefined;
    },
    exists: (name) => entry(name).exists,
    note,
    trail: (name) => entry(name).trail,
    get longestBehindMs() {
      return longestBehindMs;
    },
  };
}

import { randomBytes } from 'node:crypto';
import { type Guard, guardAfterMove, guardAtMiss, type Moment, type Rules } from '../../coherence.js';
import { CacheError } from '../../errors.js';
import * as steps from '../steps.js';
import type {
  ApplyOutcome,
  Begun,
  CacheStore,
  CallOptions,
  Fill,
  FillOutcome,
  Lease,
  PutOutcome,
  Released,
  Result,
  Settled,
  StoreChange,
} from '../store.js';
import { OpenCell } from './cell.js';
import type { Driver, Held, NewEntry, Replacement } from './driver.js';
import { decodeEntry, type Entry, encodeEntry, NOTHING } from './entry.js';

export interface CasOptions {
  /** Milliseconds since the epoch by this process's clock; the system's by default. */
  readonly now?: () => number;
  /**
   * How far the clocks of two processes may be apart, in milliseconds. The cache's own is out of reach, so each process uses
   * its own, and items take so much longer to settle. Default 4,000: each is within two seconds of the true time.
   */
  readonly clocksApartMs?: number;
}

/** How often an entry that others change meanwhile is read again. */
const MOST_ROUNDS = 20;

type Item = string | { readonly key: string };

/** One of the steps of `steps.ts`, and how it begins and ends here. */
interface Task<I extends Item, T> {
  /** What it begins with: `read`; `create` where it needs something to replace; `lease` where what it creates is all. */
  readonly first: 'read' | 'create' | 'lease';
  step(cell: OpenCell, input: I, moment: Moment, rules: Rules): T;
  /** Its outcome when the cache had no room for the value that it stored. */
  unstored?(outcome: T): Settled<T>;
  /** Its outcome when the cache had no room for the guard either. Default: a failure. */
  unguarded?(outcome: T): Settled<T>;
}

/**
 * A store on a cache that can only compare and set. It reads the entries of a call, decides, replaces them, and goes round
 * again with those that somebody else has changed meanwhile. An entry holds value and guard, so that a replacement changes both.
 */
export function casStore(
  driver: Driver,
  { now = Date.now, clocksApartMs = 4_000 }: CasOptions = {},
): CacheStore {
  /** Takes a step on each input; those on one key one after the other, and all of them at once. */
  async function take<I extends Item, T>(
    { first, step, unstored = same, unguarded = full }: Task<I, T>,
    inputs: readonly I[],
    rules: Rules,
    options?: CallOptions,
  ): Promise<Settled<T>[]> {
    const answers: Settled<T>[] = new Array(inputs.length);
    const settling = { ...rules, settleMs: rules.settleMs + clocksApartMs };
    const withoutRoom = new Set<string>();
    let left = positionsByKey(inputs);

    const answer = (key: string, of: (outcome: T) => Settled<T>) => {
      for (const at of left.get(key) ?? []) answers[at] = of(answers[at] as T);
    };

    for (let round = 1; left.size > 0; round += 1) {
      const before = newMoment();
      const keys = [...left.keys()];
      const held = await hold(first, keys, before, rules, options);
      // An answer may have taken long: what is late by now is. What a reader began with was so before it asked.
      const moment = first === 'lease' ? before : { ...before, now: now() };
      const again = new Set<string>();
      const changed: Replacement[] = [];
      keys.forEach((key, index) => {
        const state = held[index];
        if (state instanceof CacheError) {
          answer(key, () => state);
          return;
        }
        const read = state === 'full' ? undefined : state;
        const cell = new OpenCell(read?.text, moment);
        for (const at of left.get(key) ?? []) answers[at] = step(cell, inputs[at] as I, moment, settling);
        if (withoutRoom.has(key)) {
          cell.drop();
          answer(key, unstored);
        }
        if (state === 'full') answer(key, unguarded);
        if (!cell.isChanged || read === undefined) return;
        const { text, ttlMs } = cell.result();
        changed.push({ key, text, ttlMs, token: read.token });
      });

      const replaced = changed.length === 0 ? [] : await driver.replace(changed, options);
      const overfull: string[] = [];
      changed.forEach(({ key }, index) => {
        const outcome = replaced[index];
        if (outcome instanceof CacheError) answer(key, () => outcome);
        else if (outcome === 'done') return;
        else if (outcome === 'full' && withoutRoom.has(key)) overfull.push(key);
        else if (round === MOST_ROUNDS) answer(key, () => new CacheError(TOO_BUSY, { answered: true }));
        else {
          if (outcome === 'full') withoutRoom.add(key);
          again.add(key);
        }
      });
      if (overfull.length > 0) {
        const deleted = await driver.delete(overfull, options);
        overfull.forEach((key, index) => {
          const outcome = deleted[index];
          answer(key, outcome instanceof CacheError ? () => outcome : unguarded);
        });
      }
      left = new Map([...left].filter(([key]) => again.has(key)));
    }
    return answers;
  }

  function hold(
    first: Task<Item, unknown>['first'],
    keys: readonly string[],
    moment: Moment,
    rules: Rules,
    options?: CallOptions,
  ): Promise<Settled<Held | 'full' | undefined>[]> {
    if (first === 'read') return driver.read(keys, options);
    const guard = guardAtMiss(undefined, moment, {
      ...rules,
      leaseMs: first === 'lease' ? rules.leaseMs : 0,
    });
    return driver.create(
      keys.map((key) => guardAlone(key, guard, rules)),
      options,
    );
  }

  async function entries(keys: readonly string[], options?: CallOptions): Promise<Settled<Entry>[]> {
    const texts = await driver.get(keys, options);
    const time = now();
    return texts.map((text) => {
      if (text instanceof CacheError) return text;
      const entry = text === undefined ? NOTHING : decodeEntry(text, time);
      return entry === 'damaged' ? NOTHING : entry;
    });
  }

  function newMoment(): Moment {
    return { now: now(), token: randomBytes(9).toString('base64url') };
  }

  return {
    get: async (keys, options) =>
      (await entries(keys, options)).map((entry) => (entry instanceof CacheError ? entry : entry.value)),

    apply: (changes, rules, options) => take(APPLY, changes, rules, options),
    begin: (keys, rules, options) => take(BEGIN, keys, rules, options),
    release: (released, rules, options) => take(RELEASE, released, rules, options),
    fill: (fills, rules, options) => take(FILL, fills, rules, options),
    void: (keys, rules, options) => take(VOID, keys, rules, options),
    claim: (keys, rules, options) => take(CLAIM, keys, rules, options),

    move: (tags, rules, options) => take(newMove(), tags, rules, options),

    generations: async (tags, options) =>
      (await entries(tags, options)).map((entry) =>
        entry instanceof CacheError ? entry : entry.guard?.generation,
      ),

    put: (results, options) => take(PUT, results, NO_RULES, options),
    delete: (keys, options) => take(DELETE, keys, NO_RULES, options),
    close: () => driver.close(),
  };
}

const APPLY: Task<StoreChange, ApplyOutcome> = {
  first: 'create',
  step: steps.apply,
  unstored: (outcome) => (outcome === 'written' || outcome === 'same' ? 'full' : outcome),
  unguarded: (outcome) => (outcome === 'stale' ? outcome : 'full'),
};

const BEGIN: Task<string, Begun> = {
  first: 'lease',
  step(cell, _key, moment, rules) {
    const isOurs = !cell.isChanged && cell.guard?.generation === moment.token;
    return isOurs
      ? { generation: moment.token, begunAt: moment.now, strong: false }
      : capped(steps.begin(cell, moment, rules), rules);
  },
};

const RELEASE: Task<Released, 'released'> = {
  first: 'read',
  step: (cell, released, _moment, rules) => steps.release(cell, released, rules),
};

const FILL: Task<Fill, FillOutcome> = {
  first: 'read',
  step: steps.fill,
  unstored: (outcome) => (outcome === 'filled' ? 'full' : outcome),
  unguarded: () => 'full',
};

const VOID: Task<string, 'voided'> = {
  first: 'create',
  step: (cell, _key, moment, rules) => steps.voidItem(cell, moment, rules),
};

const CLAIM: Task<string, Lease> = {
  first: 'create',
  step: (cell, _key, moment, rules) => steps.claim(cell, moment, rules),
};

/**
 * One call's moves. A tag that another process has moved since this call first looked is moved for it, too: what was read before
 * is refused. A tag never settles earlier than it was to: a move may be carried out long after it was decided on.
 */
function newMove(): Task<string, 'moved'> {
  const begun = new Map<string, { generation: string | undefined; settled: number }>();
  return {
    first: 'create',
    step(cell, tag, moment, rules) {
      const { guard } = cell;
      const next = guardAfterMove(moment, rules);
      const first = begun.get(tag);
      if (first === undefined) begun.set(tag, { generation: guard?.generation, settled: next.settled });
      else if (guard?.generation !== first.generation && (guard?.settled ?? 0) >= first.settled)
        return 'moved';
      cell.keep({ ...next, settled: Math.max(next.settled, guard?.settled ?? 0) }, rules.guardMs);
      return 'moved';
    },
  };
}

/** A result carries the generations it was read under. */
const PUT: Task<Result, PutOutcome> = {
  first: 'create',
  step(cell, result, { token }) {
    const outcome = steps.put(cell, result);
    if (cell.guard?.generation === token) cell.unguard();
    return outcome;
  },
  unstored: full,
};

const DELETE: Task<string, 'deleted'> = {
  first: 'read',
  step(cell) {
    cell.drop();
    return 'deleted';
  },
  unguarded: same,
};

/** For what has no guard: the time that an entry may wait for its value. */
const NO_RULES: Rules = { lateAfterMs: 0, guardMs: 60_000, settleMs: 0 };

const TOO_BUSY = 'The cache is not used: others changed the entry again and again.';

function same<T>(outcome: T): T {
  return outcome;
}

function full(): CacheError {
  return new CacheError('The cache is full: it could not note what happened.', { answered: true });
}

/** By a clock that is ahead, somebody's lease may seem longer than it can be. */
function capped(begun: Begun, { leaseMs = 0 }: Rules): Begun {
  if (!('heldMs' in begun) || begun.heldMs === undefined) return begun;
  return { ...begun, heldMs: Math.min(begun.heldMs, leaseMs) };
}

function guardAlone(key: string, guard: Guard, { guardMs }: Rules): NewEntry {
  return { key, text: encodeEntry({ ...NOTHING, guard }), ttlMs: guardMs };
}

function positionsByKey(inputs: readonly Item[]): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  inputs.forEach((input, position) => {
    const key = typeof input === 'string' ? input : input.key;
    const known = positions.get(key);
    if (known === undefined) positions.set(key, [position]);
    else known.push(position);
  });
  return positions;
}

import {
  type Decision,
  decide,
  type Guard,
  guardAfterChange,
  guardAfterClaim,
  guardAfterFill,
  guardAfterLocalWrite,
  guardAfterMove,
  guardAfterRelease,
  guardAtMiss,
  heldMs,
  type Moment,
  type Rules,
} from '../coherence.js';
import type {
  ApplyOutcome,
  Begun,
  CacheStore,
  Fill,
  FillOutcome,
  Lease,
  PutOutcome,
  Released,
  Result,
  StoreChange,
} from './store.js';

/**
 * A cache inside this process, for trying things out and for tests: it lives and dies with the process, is shared
 * with nobody, and keeps what has not expired without a limit.
 *
 * @param now the clock, milliseconds since the epoch; the system's by default
 */
export function memoryStore(now: () => number = Date.now): CacheStore {
  return openMemory(now).store;
}

const VOIDING: ReadonlySet<Decision> = new Set(['late', 'disordered', 'overlapping'] as const);

/** A memory store together with its state, for tests that compare it with another store's. */
export function openMemory(now: () => number) {
  const values = expiringMap<string>(now);
  const guards = expiringMap<Guard>(now);
  let steps = 0;

  /** One script call of the Redis store: a single moment for everything in it. */
  function atOnce<Input, Output>(inputs: readonly Input[], step: (input: Input, moment: Moment) => Output) {
    steps += 1;
    const moment = { now: now(), token: String(steps) };
    return Promise.resolve(inputs.map((input) => step(input, moment)));
  }

  function apply(change: StoreChange, moment: Moment, rules: Rules): ApplyOutcome {
    const guard = guards.get(change.key);
    const isStored = () => change.action !== 'delete' && values.get(change.key) === change.value;
    const decision = decide(guard, change, moment.now, rules, isStored);
    const next = guardAfterChange(guard, change, decision, moment, rules);
    if (next !== undefined) guards.set(change.key, next, rules.guardMs);
    if (decision === 'write') return write(change, moment.now);
    if (VOIDING.has(decision)) values.delete(change.key);
    return decision;
  }

  function write(change: StoreChange, time: number): ApplyOutcome {
    const ttlMs = timeToLive(change, time);
    if (change.action === 'refresh' && values.get(change.key) === undefined) return 'unchanged';
    if (change.action === 'delete' || ttlMs <= 0) {
      values.delete(change.key);
      return 'deleted';
    }
    values.set(change.key, change.value, ttlMs);
    return 'written';
  }

  function begin(key: string, moment: Moment, rules: Rules): Begun {
    const value = values.get(key);
    if (value !== undefined) return { value };
    const before = guards.get(key);
    const held = heldMs(before, moment.now, rules);
    const guard = guardAtMiss(before, moment, rules);
    if (held === 0) guards.set(key, guard, rules.guardMs);
    const lease = { generation: guard.generation, begunAt: moment.now, strong: moment.now < guard.settled };
    return held === 0 ? lease : { ...lease, heldMs: held };
  }

  function release({ key, lease, toAll }: Released, rules: Rules): 'released' {
    const guard = guardAfterRelease(guards.get(key), lease, toAll, rules);
    if (guard !== undefined) guards.set(key, guard, rules.guardMs);
    return 'released';
  }

  function claim(key: string, moment: Moment, rules: Rules): Lease {
    values.delete(key);
    guards.set(key, guardAfterClaim(guards.get(key), moment, rules), rules.guardMs);
    return { generation: moment.token, begunAt: moment.now, strong: true };
  }

  function fill({ key, lease, strong, ...entry }: Fill, moment: Moment, rules: Rules): FillOutcome {
    if (values.get(key) !== undefined) return 'occupied';
    const next = guardAfterFill(guards.get(key), { ...lease, strong }, moment, rules);
    if (next === undefined) return 'moved';
    const ttlMs = timeToLive(entry, moment.now);
    if (ttlMs <= 0) return 'expired';
    guards.set(key, next, rules.guardMs);
    values.set(key, entry.value, ttlMs);
    return 'filled';
  }

  function put({ key, value, ttlMs }: Result): PutOutcome {
    const stored = values.get(key);
    if (stored !== undefined && firstLine(stored) === firstLine(value)) return 'occupied';
    values.set(key, value, ttlMs);
    return 'stored';
  }

  const store: CacheStore = {
    get: (keys) => Promise.resolve(keys.map((key) => values.get(key))),
    apply: (changes, rules) => atOnce(changes, (change, moment) => apply(change, moment, rules)),
    begin: (keys, rules) => atOnce(keys, (key, moment) => begin(key, moment, rules)),
    release: (released, rules) => atOnce(released, (each) => release(each, rules)),
    fill: (fills, rules) => atOnce(fills, (entry, moment) => fill(entry, moment, rules)),
    void: (keys, rules) =>
      atOnce(keys, (key, moment) => {
        values.delete(key);
        guards.set(key, guardAfterLocalWrite(guards.get(key), moment, rules), rules.guardMs);
        return 'voided';
      }),
    claim: (keys, rules) => atOnce(keys, (key, moment) => claim(key, moment, rules)),
    move: (tags, rules) =>
      atOnce(tags, (tag, moment) => {
        guards.set(tag, guardAfterMove(moment, rules), rules.guardMs);
        return 'moved';
      }),
    generations: (tags) => Promise.resolve(tags.map((tag) => guards.get(tag)?.generation)),
    put: (results) => Promise.resolve(results.map(put)),
    delete: (keys) => {
      for (const key of keys) values.delete(key);
      return Promise.resolve(keys.map(() => 'deleted'));
    },
    close: () => Promise.resolve(),
  };
  return { store, values, guards };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}

function timeToLive(entry: { ttlMs: number; expiresAt?: number | undefined }, now: number): number {
  return entry.expiresAt === undefined ? entry.ttlMs : Math.min(entry.ttlMs, entry.expiresAt - now);
}

/** A map whose entries are gone once their time to live is over. */
function expiringMap<T>(now: () => number) {
  const entries = new Map<string, { value: T; expiresAt: number }>();
  return {
    get(key: string): T | undefined {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (now() < entry.expiresAt) return entry.value;
      entries.delete(key);
      return undefined;
    },
    set(key: string, value: T, ttlMs: number): void {
      entries.set(key, { value, expiresAt: now() + ttlMs });
    },
    delete(key: string): void {
      entries.delete(key);
    },
    clear(): void {
      entries.clear();
    },
  };
}

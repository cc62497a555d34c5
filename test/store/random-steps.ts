import fc from 'fast-check';
import { expect } from 'vitest';
import type { Begun, CacheStore, Lease, Settled } from '../../src/store/store.js';
import { rounds } from '../support/thorough.js';

/** Nothing ends by itself here: Redis has no virtual clock for that, so the end of a guard or value is a step. */
export const FOREVER = 1e9;
export const RULES = { lateAfterMs: 60_000, guardMs: FOREVER, settleMs: 5_000, leaseMs: 25 };
export const START = 1_800_000_000_000;

/** Times that matter to a row of the table, and their neighbours. */
const interval = fc.constantFrom(
  0,
  1,
  24,
  25,
  26,
  500,
  1000,
  2000,
  2001,
  3000,
  3001,
  4999,
  5000,
  9000,
  60_000,
  60_001,
);
const item = fc.constantFrom('a', 'b');

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('apply'),
      item,
      version: fc.integer({ min: 1, max: 6 }),
      age: interval,
      ahead: fc.boolean(),
      action: fc.constantFrom('set', 'set', 'refresh', 'delete'),
      value: fc.constantFrom('v1', 'v2', 'filled'),
      expires: fc.constantFrom(undefined, -1, 0, FOREVER),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('begin'), item, waits: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('release'), item, lease: fc.nat(3), toAll: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('fill'),
      item,
      lease: fc.nat(3),
      strong: fc.boolean(),
      expires: fc.constantFrom(undefined, 0, FOREVER),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('void'), item }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('claim'), item, waits: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('move'), item }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('put'),
      item,
      value: fc.constantFrom('g1\nx', 'g1\ny', 'g12\nx', 'seen'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('loseValue'), item }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('loseGuard'), item }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('wait'), interval }) },
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Sequences that together reach every outcome, so that it does not depend on chance. */
const apply = (version: number, more: object = {}) =>
  ({
    does: 'apply',
    item: 'a',
    version,
    age: 0,
    ahead: false,
    action: 'set',
    value: 'v1',
    expires: undefined,
    ...more,
  }) as Step;
const begin = { does: 'begin', item: 'a' } as Step;
const fill = (more: object = {}) =>
  ({ does: 'fill', item: 'a', lease: 0, strong: true, expires: undefined, ...more }) as Step;
const EXAMPLES: Step[][] = [
  [apply(2), apply(1), apply(3, { action: 'refresh' }), apply(4, { action: 'delete' })],
  [apply(1, { action: 'refresh' }), apply(2, { age: 60_001 }), apply(1, { age: 0 })],
  [begin, fill(), apply(1, { age: 9000 }), apply(2), fill()],
  [begin, begin, fill(), fill({ lease: 1 })],
  [begin, { does: 'release', item: 'a', lease: 0, toAll: false } as Step, begin, begin],
  [begin, { does: 'release', item: 'a', lease: 0, toAll: true } as Step, begin, begin],
  [begin, fill(), apply(1, { value: 'filled' }), apply(2, { value: 'filled', action: 'refresh' }), apply(3)],
  [{ does: 'put', item: 'a', value: 'g1\nx' } as Step, { does: 'put', item: 'a', value: 'g1\ny' } as Step],
  [{ does: 'claim', item: 'a' } as Step, begin, fill({ lease: 1 }), fill(), apply(1, { value: 'filled' })],
  [begin, fill({ expires: 0 }), { does: 'void', item: 'a' } as Step, { does: 'move', item: 'a' } as Step],
];

/**
 * Takes a step on a store at a time.
 *
 * @param leases those that this store gave, the newest first
 */
export async function perform(
  store: CacheStore,
  next: Step,
  key: string,
  now: number,
  leases: Lease[],
): Promise<unknown> {
  const keep = (begun: Settled<Begun> | undefined) => {
    if (begun && 'generation' in begun) leases.splice(0, leases.length, ...[begun, ...leases].slice(0, 4));
    return begun;
  };
  switch (next.does) {
    case 'apply': {
      const { version, age, ahead, action, value, expires } = next as Extract<Step, { version: number }>;
      const at = ahead ? now + age : now - age;
      const change = {
        key,
        version: `${version}`,
        at,
        action: action as 'set',
        value,
        ttlMs: FOREVER,
      };
      return (
        await store.apply(
          [{ ...change, expiresAt: expires === undefined ? undefined : now + expires }],
          RULES,
        )
      )[0];
    }
    case 'begin': {
      const { waits } = next as { waits?: boolean };
      const [begun] = await store.begin([key], waits === false ? { ...RULES, leaseMs: 0 } : RULES);
      return keep(begun);
    }
    case 'release': {
      const { lease: index, toAll } = next as Extract<Step, { toAll: boolean }>;
      const lease = leases[index];
      return lease && (await store.release([{ key, lease, toAll }], RULES))[0];
    }
    case 'fill': {
      const { lease: index, strong, expires } = next as Extract<Step, { strong: boolean }>;
      const lease = leases[index];
      if (lease === undefined) return 'no lease';
      const expiresAt = expires === undefined ? undefined : now + expires;
      return (
        await store.fill([{ key, lease, strong, value: 'filled', ttlMs: FOREVER, expiresAt }], RULES)
      )[0];
    }
    case 'void':
      return (await store.void([key], RULES))[0];
    case 'claim': {
      const { waits } = next as { waits?: boolean };
      const [lease] = await store.claim([key], waits === false ? { ...RULES, leaseMs: 0 } : RULES);
      return keep(lease);
    }
    case 'move':
      return (await store.move([key], RULES))[0];
    case 'put':
      return (await store.put([{ key, value: (next as { value: string }).value, ttlMs: FOREVER }]))[0];
    case 'loseValue':
      return (await store.delete([key]))[0];
    default:
      return undefined;
  }
}

/** Two stores, with one clock and keys that no other pair uses. */
export interface Pair {
  /** Takes the step on both stores, compares what it left behind, and returns what it gave on each. */
  both(next: Step): Promise<[expected: unknown, seen: unknown]>;
}

/** Two stores have to give the same outcomes for the same random steps. */
export async function compare(newPair: () => Pair): Promise<void> {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const pair = newPair();
      for (const next of steps) {
        const [expected, seen] = await pair.both(next);
        expect(seen).toEqual(expected);
        if (typeof expected === 'string') outcomes.add(expected);
        else if (expected && typeof expected === 'object' && 'heldMs' in expected) outcomes.add('held');
      }
    }),
    {
      numRuns: Number(process.env.DIFFERENTIAL_RUNS ?? rounds(150, 1_200)),
      examples: EXAMPLES.map((steps) => [steps]),
    },
  );
  // The steps reach every outcome, or they compare less than they seem to.
  expect([...outcomes]).toEqual(expect.arrayContaining(OUTCOMES));
}

const OUTCOMES = [
  ...['written', 'deleted', 'unchanged', 'stale', 'included', 'late', 'disordered', 'overlapping', 'same'],
  ...['filled', 'moved', 'occupied', 'expired', 'voided', 'stored', 'held', 'released'],
];

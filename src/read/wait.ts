import type { Rules } from '../coherence.js';
import { groupBy } from '../group-by.js';
import type { Begun, Lease, Settled } from '../store/store.js';
import type { Table } from './reader.js';
import type { Session } from './session.js';

/** How long a waiter waits before it looks, and how much longer each time, up to the longest: about what a read takes. */
const FIRST_PAUSE_MS = 2;
const GROWTH = 1.5;
const LONGEST_PAUSE_MS = 10;

/** Waiters spread out by up to this share. */
const JITTER = 0.3;

/** Of so many looks one asks for the lease, which its holder may have given back; the others only for the value. */
const LOOKS_PER_BEGIN = 3;

/** What a waiter does, each for those of the leases, by position, that others still hold. */
interface Waiting {
  readonly session: Session;
  readonly signal: AbortSignal | undefined;
  /** Whether what is waited for is there. An error ends the waiting. */
  look(positions: readonly number[]): Promise<Settled<{ readonly value: string } | undefined>[]>;
  /** The same, and takes a lease that has ended or was given back. */
  begin(positions: readonly number[]): Promise<Settled<Begun>[]>;
}

/** Waits for items whose leases others hold; see {@link awaitHolders}. */
export function awaitItems(
  session: Session,
  keys: readonly string[],
  leases: readonly Lease[],
  rules: Rules,
  signal: AbortSignal | undefined,
): Promise<Begun[]> {
  const keysAt = (positions: readonly number[]) => positions.map((position) => keys[position] as string);
  return awaitHolders(leases, {
    session,
    signal,
    begin: (positions) => session.begin(keysAt(positions), rules),
    async look(positions) {
      const texts = await session.get(keysAt(positions));
      return texts.map((text) => (typeof text === 'string' ? { value: text } : text));
    },
  });
}

/**
 * Waits, where others hold leases, for what they store. Looks again every few milliseconds, for items with a plain GET
 * (1,000 waiters ask for some 3,000 values while one reads for 8 ms), and takes a lease that has ended or was given back.
 *
 * @returns for each the value, the lease that it took, or the one that it had: when this call has waited long enough
 */
export async function awaitHolders(
  leases: readonly Lease[],
  { session, signal, look: lookAgain, begin }: Waiting,
): Promise<Begun[]> {
  const begun: Begun[] = [...leases];
  let pauseMs = FIRST_PAUSE_MS;
  for (let look = 1; ; look += 1) {
    const waiting = [...begun.entries()].filter(isHeld);
    if (waiting.length === 0) return begun;
    const endsInMs = Math.min(...waiting.map(([, { heldMs }]) => heldMs));
    const ms = Math.min(pauseMs, endsInMs) * (1 + JITTER * Math.random());
    pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS);

    const since = performance.now();
    if (!(await session.pause(ms, signal))) return begun;
    const waitedMs = performance.now() - since;
    const positions = waiting.map(([position]) => position);
    const takes = waitedMs >= endsInMs || look % LOOKS_PER_BEGIN === 0;
    const answers = await (takes ? begin(positions) : lookAgain(positions));
    waiting.forEach(([index, lease], position) => {
      const answer = answers[position];
      // A cache that fails is not waited for.
      if (answer instanceof Error) begun[index] = { ...lease, heldMs: undefined };
      else begun[index] = answer ?? { ...lease, heldMs: lease.heldMs - waitedMs };
    });
  }
}

/** Who has a lease, and for what. */
interface Holder {
  readonly table: Table;
  readonly key: string;
  readonly lease: Lease;
}

/** Reads the table; when that fails, the next reader need not wait for it. */
export async function orGiveBack<T>(
  session: Session,
  holders: readonly Holder[],
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    await giveBack(session, holders, false);
    throw error;
  }
}

/**
 * Gives back the leases that this call holds.
 *
 * @param toAll what was read cannot be stored, so that until something changes nobody need wait
 */
export async function giveBack(session: Session, holders: readonly Holder[], toAll: boolean): Promise<void> {
  const held = holders.filter(
    ({ lease, table }) => lease.heldMs === undefined && table.settings.rules.leaseMs,
  );
  for (const [rules, ofRules] of groupBy(held, ({ table }) => table.settings.rules)) {
    await session.release(
      ofRules.map(({ key, lease }) => ({ key, lease, toAll })),
      rules,
    );
  }
}

function isHeld(entry: [number, Begun]): entry is [number, Lease & { heldMs: number }] {
  return 'generation' in entry[1] && entry[1].heldMs !== undefined;
}

import type { Rules } from '../coherence.js';
import { groupBy } from '../group-by.js';
import type { Begun, Lease } from '../store/store.js';
import type { Wanted } from './items.js';
import type { Session } from './session.js';

/** How long a waiter waits before it looks, and how much longer each time, up to the longest: about what a read takes. */
const FIRST_PAUSE_MS = 2;
const GROWTH = 1.5;
const LONGEST_PAUSE_MS = 10;

/** Waiters spread out by up to this share. */
const JITTER = 0.3;

/** Of so many looks one asks for the lease, which its holder may have given back; the others only for the value. */
const LOOKS_PER_BEGIN = 3;

/**
 * Waits, where others hold the leases of keys, for what they store. Looks again every few milliseconds with a plain GET
 * (1,000 waiters ask for some 3,000 values while one reads for 8 ms), and takes a lease that has ended or was given back.
 *
 * @returns per key the value, the lease that it took, or the one that it had: when this call has waited long enough
 */
export async function awaitHolders(
  session: Session,
  keys: readonly string[],
  leases: readonly Lease[],
  rules: Rules,
  signal: AbortSignal | undefined,
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
    const asks = waiting.map(([index]) => keys[index] as string);
    const answers =
      waitedMs >= endsInMs || look % LOOKS_PER_BEGIN === 0
        ? await session.begin(asks, rules)
        : (await session.get(asks)).map((text) => (typeof text === 'string' ? { value: text } : text));
    waiting.forEach(([index, lease], position) => {
      const answer = answers[position];
      // A cache that fails is not waited for.
      if (answer instanceof Error) begun[index] = { ...lease, heldMs: undefined };
      else begun[index] = answer ?? { ...lease, heldMs: lease.heldMs - waitedMs };
    });
  }
}

/** Who has a lease, and for what. */
type Holder = Pick<Wanted, 'table' | 'key'> & { readonly lease: Lease };

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

import type { Rules } from '../coherence.js';
import { CacheError } from '../errors.js';
import { resultLeaseKey } from '../key.js';
import type { Lease } from '../store/store.js';
import type { Session } from './session.js';
import { awaitHolders } from './wait.js';

/**
 * The lease to read a result, which one reader at a time holds under the same generations of the result's tags. It has a
 * guard of its own, which lives no longer than the lease.
 */
export interface ResultLease {
  /** Whether another reader has it. */
  readonly isHeld: boolean;
  /** Waits for what the other stores. `look` gives its text once it is there; false: nobody stores it any more. */
  wait(look: () => Promise<string | undefined | false>, signal: AbortSignal | undefined): Promise<void>;
  /** Nothing was stored: the next reader need not wait. */
  giveBack(): Promise<void>;
}

/** Ends the waiting. */
const NOT_STORED = new CacheError('The result is read under generations that have moved.');

export async function beginResult(
  session: Session,
  key: string,
  generations: readonly (string | undefined)[],
  { leaseMs = 0, ...rules }: Rules,
): Promise<ResultLease> {
  const leaseKeys = leaseMs === 0 ? [] : [resultLeaseKey(key, generations)];
  const leaseRules = { ...rules, leaseMs, guardMs: leaseMs };
  const [begun] = await session.begin(leaseKeys, leaseRules);
  let lease = begun !== undefined && 'generation' in begun ? begun : undefined;
  return {
    isHeld: lease?.heldMs !== undefined,
    async wait(look, signal) {
      const lookOnce = async () => {
        const found = await look();
        if (found === false) return [NOT_STORED];
        return [found === undefined ? undefined : { value: found }];
      };
      const begin = async () => {
        const [found] = await lookOnce();
        return found === undefined ? session.begin(leaseKeys, leaseRules) : [found];
      };
      const [answer] = await awaitHolders([lease as Lease], { session, signal, look: lookOnce, begin });
      if (answer !== undefined && 'generation' in answer) lease = answer;
    },
    async giveBack() {
      if (lease === undefined || lease.heldMs !== undefined) return;
      await session.release([{ key: leaseKeys[0] as string, lease, toAll: false }], leaseRules);
    },
  };
}

/** Stops asking a cache that does not answer, and asks it again now and then. */
export interface Breaker {
  /** Whether the cache may be asked now. While it is open, one asker at a time gets a `true` to find out. */
  allows(): boolean;
  succeeded(): void;
  failed(): void;
  /** How often the cache answered so far. */
  readonly successes: number;
}

/** After so many failures in a row it opens ... */
const FAILURES = 3;
/** ... for this long, and twice as long each time the cache fails again, up to the longest. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export function newBreaker(
  onChange: (state: 'open' | 'closed') => void,
  now = () => performance.now(),
): Breaker {
  let failures = 0;
  let successes = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let openUntil: number | undefined;
  let isProbing = false;

  return {
    allows() {
      if (openUntil === undefined) return true;
      if (now() < openUntil) return false;
      openUntil = now() + pauseMs; // this asker finds out; the others wait for another pause
      isProbing = true;
      return true;
    },
    get successes() {
      return successes;
    },
    succeeded() {
      successes += 1;
      failures = 0;
      pauseMs = FIRST_PAUSE_MS;
      if (openUntil === undefined) return;
      openUntil = undefined;
      isProbing = false;
      onChange('closed');
    },
    failed() {
      failures += 1;
      if (openUntil !== undefined) {
        // Who was asking when it opened only learns now, and tells nothing new.
        if (!isProbing) return;
        isProbing = false;
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        openUntil = now() + pauseMs;
      } else if (failures >= FAILURES) {
        openUntil = now() + pauseMs;
        onChange('open');
      }
    },
  };
}

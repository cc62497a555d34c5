import type { Clock } from '../../src/local/clock.js';

/** A clock that only moves when everything waits for it. */
export interface VirtualClock extends Clock {
  /** How many wait for time to pass. */
  sleepers(): number;
  /** Lets the work go on until the promise settles; whenever nothing else can happen, the next sleeper is woken. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Lets so many milliseconds pass in the same way. */
  pass(milliseconds: number): Promise<void>;
}

export function createVirtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  let now = start;
  const sleepers = new Set<{ at: number; wake: () => void }>();

  function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        at: now + milliseconds,
        wake() {
          sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal.addEventListener('abort', sleeper.wake);
    });
  }

  async function run<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    work.then(settle, settle);
    while (true) {
      await quiet();
      if (isSettled) return work;
      const next = [...sleepers].sort((a, b) => a.at - b.at)[0];
      if (!next) continue;
      now = Math.max(now, next.at);
      next.wake();
    }
  }

  return {
    now: () => now,
    sleep,
    sleepers: () => sleepers.size,
    run,
    pass: (milliseconds) => run(sleep(milliseconds, new AbortController().signal)),
  };
}

/** Every promise that can settle by itself has settled when the event loop comes round. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

import { setMaxListeners } from 'node:events';
import type { Clock } from './clock.js';

/** What the loops of a mapping wait on: whoever changes something rings, and everybody looks again. */
export interface Bell {
  ring(): void;
  /** Resolves when the condition holds or the deadline (milliseconds since the epoch) has come. */
  until(condition: () => boolean, deadline?: number): Promise<void>;
}

export function createBell(clock: Clock): Bell {
  let silence = newSilence();
  return {
    ring() {
      const broken = silence;
      silence = newSilence();
      broken.abort();
    },
    async until(condition, deadline = Number.POSITIVE_INFINITY) {
      while (!condition() && clock.now() < deadline) {
        const { signal } = silence;
        await (Number.isFinite(deadline) ? clock.sleep(deadline - clock.now(), signal) : aborted(signal));
      }
    },
  };
}

function newSilence(): AbortController {
  const controller = new AbortController();
  // As many may wait as there are shards and lanes: that is no leak.
  setMaxListeners(0, controller.signal);
  return controller;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

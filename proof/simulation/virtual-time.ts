/** Time that passes only when everything waits for it. Stands in for the process's own clock and timers. */
export interface VirtualTime {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Lets time pass until the work is done. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Lets time pass up to a moment. */
  runUntil(moment: number): Promise<void>;
}

const START = Date.UTC(2026, 0, 15, 9, 30);
/** Longer than any run: if this much has passed, something waits for what never comes. */
const LIMIT_MS = 24 * 3_600_000;

const realSetImmediate = setImmediate;

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
  isCancelled: boolean;
}

/**
 * Makes a clock and puts it in the place of `Date.now`, `performance.now`, `setTimeout` and `clearTimeout`, for the
 * whole process: one run at a time. What still waits for an earlier one never wakes.
 */
export function newVirtualTime(): VirtualTime {
  let now = START;
  let order = 0;
  const timers = newHeap();

  const wakeAfter = (ms: number, wake: () => void): Timer => {
    const timer = { at: now + Math.max(0, ms), order: order++, wake, isCancelled: false };
    timers.push(timer);
    return timer;
  };

  Date.now = () => now;
  performance.now = () => now - START;
  globalThis.setTimeout = ((wake: () => void, ms = 0) => wakeAfter(ms, wake)) as never;
  globalThis.clearTimeout = ((timer?: Timer) => {
    if (timer !== undefined) timer.isCancelled = true;
  }) as never;

  /** Wakes the next that is due by then; whether there was one. */
  function wakeNext(by: number): boolean {
    const timer = timers.first();
    if (timer === undefined || timer.at > by) return false;
    timers.pop();
    if (timer.isCancelled) return true;
    now = Math.max(now, timer.at);
    timer.wake();
    return true;
  }

  return {
    now: () => now,
    sleep: (ms) => new Promise((resolve) => wakeAfter(ms, resolve)),
    async run(work) {
      let isDone = false;
      const done = () => {
        isDone = true;
      };
      work.then(done, done);
      while (true) {
        await allSettled();
        if (isDone) return work;
        if (!wakeNext(Number.POSITIVE_INFINITY))
          throw new Error('Nothing will ever happen again, and the work is not done.');
        if (now > START + LIMIT_MS) throw new Error('A day has passed, and the work is not done.');
      }
    },
    async runUntil(moment) {
      do await allSettled();
      while (wakeNext(moment));
      now = Math.max(now, moment);
    },
  };
}

/** Every promise that can settle by itself has settled when the event loop comes round. */
function allSettled(): Promise<void> {
  return new Promise((resolve) => realSetImmediate(resolve));
}

/** The earliest timer first; of two at one time the one that was set first. */
function newHeap() {
  const heap: Timer[] = [];
  const isBefore = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);
  const at = (index: number) => heap[index] as Timer;

  return {
    first: (): Timer | undefined => heap[0],
    push(timer: Timer): void {
      let index = heap.push(timer) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!isBefore(timer, at(parent))) break;
        heap[index] = at(parent);
        index = parent;
      }
      heap[index] = timer;
    },
    pop(): Timer | undefined {
      const [first, last] = [heap[0], heap.pop()];
      if (last === undefined || heap.length === 0) return first;
      let index = 0;
      while (true) {
        let child = 2 * index + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && isBefore(at(child + 1), at(child))) child += 1;
        if (!isBefore(at(child), last)) break;
        heap[index] = at(child);
        index = child;
      }
      heap[index] = last;
      return first;
    },
  };
}

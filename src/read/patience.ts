/** For how long an answer of the cache is waited for. */
export interface Patience {
  /** Resolves when it is over. */
  readonly over: Promise<void>;
  /** Whether it was over much too late, since this process was busy: that tells nothing of the cache. */
  wasLate(): boolean;
  /** The answer came. */
  end(): void;
}

/** A turn of the loop that takes longer, in milliseconds, is one of a process that is busy. */
const BUSY_MS = 5;

/**
 * Waits for so many milliseconds. Node looks at its timers before it looks at its sockets: after many reads at once, or a caller that
 * computed for long, the time is over while the answers lie there unread, or the question has not even left. So the sockets get one more
 * turn. Where the process was busy, it goes on as long as the cache answers somebody, for as long as the process was late or the time
 * itself; a silent cache gets half of the time. In this a turn of the loop counts for no more than {@link BUSY_MS}: what it took longer,
 * the process took. A cache that says nothing to a process that is not busy gets no more than that one turn.
 *
 * @param answers how often the cache answered anybody in this process so far
 */
export function openPatience(ms: number, answers: () => number): Patience {
  const due = performance.now() + ms;
  let timer: NodeJS.Timeout;
  let immediate: NodeJS.Immediate | undefined;
  let lateMs = 0;

  const over = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      let last = performance.now();
      lateMs = last - due;
      let isBusy = lateMs > BUSY_MS;
      let [seen, silentMs, waitedMs] = [answers(), 0, 0];
      const turn = () => {
        const now = performance.now();
        isBusy ||= now - last > BUSY_MS;
        const countedMs = Math.min(now - last, BUSY_MS);
        waitedMs += countedMs;
        silentMs = answers() === seen ? silentMs + countedMs : 0;
        [seen, last] = [answers(), now];
        const goesOn = isBusy && silentMs < ms / 2 && waitedMs < Math.max(ms, lateMs);
        if (goesOn) nextTurn();
        else resolve();
      };
      // A moment for what is still to be sent; and behind the sockets, whose turn a timer alone may not wait for.
      const nextTurn = () => {
        timer = setTimeout(() => {
          immediate = setImmediate(turn);
        }, 1);
      };
      nextTurn();
    }, ms);
  });

  return {
    over,
    wasLate: () => lateMs > ms / 2,
    end() {
      clearTimeout(timer);
      clearImmediate(immediate);
    },
  };
}

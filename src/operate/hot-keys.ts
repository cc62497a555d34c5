/** How often a key came, at most: at least so often less `error`. */
export interface HotKey {
  readonly key: string;
  readonly count: number;
  readonly error: number;
}

/** Finds the keys that come most often among any number of them, in space for `capacity` of them. */
export interface HotKeys {
  add(key: string): void;
  /** The most frequent, first. */
  top(most: number): HotKey[];
}

/**
 * Space-saving: a key that is not counted takes the place of the rarest that is, and its count. Of `n` keys none is counted too high by more than
 * n / capacity, and each that came more often than that is counted.
 *
 * Metwally, Agrawal, El Abbadi: "Efficient Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005.
 */
export function hotKeys(capacity: number): HotKeys {
  const counters = new Map<string, Counter>();
  // The counted keys by their count, so that the rarest is found without a look at all of them.
  const byCount = new Map<number, Set<string>>();
  let least = 0;

  const put = (key: string, counter: Counter) => {
    counters.set(key, counter);
    const keys = byCount.get(counter.count);
    if (keys === undefined) byCount.set(counter.count, new Set([key]));
    else keys.add(key);
  };
  const takeOut = (key: string, count: number) => {
    const keys = byCount.get(count) as Set<string>;
    keys.delete(key);
    if (keys.size > 0) return;
    byCount.delete(count);
    // Whoever takes the place has one more.
    if (count === least) least = count + 1;
  };

  return {
    add(key) {
      const own = counters.get(key);
      if (own !== undefined) {
        takeOut(key, own.count);
        put(key, { count: own.count + 1, error: own.error });
      } else if (counters.size < capacity) {
        least = 1;
        put(key, { count: 1, error: 0 });
      } else {
        const count = least;
        const rarest = byCount.get(count)?.values().next().value as string;
        takeOut(rarest, count);
        counters.delete(rarest);
        put(key, { count: count + 1, error: count });
      }
    },
    top: (most) =>
      [...counters]
        .map(([key, { count, error }]) => ({ key, count, error }))
        .sort((a, b) => b.count - a.count)
        .slice(0, most),
  };
}

interface Counter {
  readonly count: number;
  readonly error: number;
}

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
  const counters = new Map<string, { count: number; error: number }>();
  return {
    add(key) {
      const own = counters.get(key);
      if (own !== undefined) own.count += 1;
      else if (counters.size < capacity) counters.set(key, { count: 1, error: 0 });
      else {
        const [rarest, { count }] = rarestOf(counters);
        counters.delete(rarest);
        counters.set(key, { count: count + 1, error: count });
      }
    },
    top: (most) =>
      [...counters]
        .map(([key, { count, error }]) => ({ key, count, error }))
        .sort((a, b) => b.count - a.count)
        .slice(0, most),
  };
}

function rarestOf<T extends { readonly count: number }>(counters: ReadonlyMap<string, T>): [string, T] {
  let rarest: [string, T] | undefined;
  for (const entry of counters) if (rarest === undefined || entry[1].count < rarest[1].count) rarest = entry;
  return rarest as [string, T];
}

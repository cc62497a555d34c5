import type { Random } from '../random.js';

/**
 * What one run has to stand. Each seed draws its own, most of them with only some of the troubles: a fault that is
 * always there hides what happens without it.
 */
export interface Weather {
  readonly mode: 'write' | 'refresh' | 'invalidate';
  /** Whether writes of the processes also store what they write. */
  readonly writeThrough: boolean;
  readonly lateAfterSeconds: number;
  readonly guardSeconds: number;
  readonly settleSeconds: number;
  readonly ttlSeconds: number;
  /** What the cache server's clock and DynamoDB's are ahead of the processes', milliseconds. */
  readonly skew: { readonly cache: number; readonly table: number };
  readonly items: number;
  readonly processes: number;
  readonly activityMs: number;
  /** Mean times between two of them, per process where it says so. */
  readonly every: {
    readonly directWriteMs: number;
    readonly ownWriteMs: number;
    readonly readMs: number;
    readonly evictionMs: number;
  };
  /** The share of reads that are queries, and of direct writes that delete or give an item an end. */
  readonly queries: number;
  readonly deletes: number;
  readonly expiring: number;
  /** The share of direct writes that are soon undone: the item is again what it was before. */
  readonly returning: number;
  readonly leaseMs: number;
  /** The share of writes that fail, half of them after they were carried out. */
  readonly failedWrites: number;
  readonly replica: { readonly share: number; readonly lagMs: number };
  /** How long DynamoDB takes for a slow read, and how many are. Of writes, which are carried out at once, half as many answers. */
  readonly slowRead: { readonly share: number; readonly ms: number };
  readonly cache: Trouble & {
    /** Calls of several keys reach the cache one by one, as on a cluster. */
    readonly isCluster: boolean;
    /** When, into the second phase, it restarts with nothing in it. */
    readonly restartsAt: readonly number[];
  };
  readonly stream: {
    readonly delayMs: number;
    readonly batchSize: number;
    readonly timeoutMs: number;
    /** The share of batches that are delivered once more, up to so much later. */
    readonly repeated: { readonly share: number; readonly laterMs: number };
    /** When nothing is delivered. */
    readonly outage: { readonly at: number; readonly ms: number } | undefined;
    /** When sequence numbers begin anew, which DynamoDB does not exclude. */
    readonly numbersRestartAt: number | undefined;
  };
}

/** What happens to calls of the cache. */
export interface Trouble {
  readonly latencyMs: number;
  readonly slow: { readonly share: number; readonly ms: number };
  readonly failing: number;
}

/** How the pair is configured: a mode of the handler, and `+through` where the middleware writes through. */
export type Mode = Weather['mode'] | `${Weather['mode']}+through`;

export function newWeather(random: Random, configured: Mode): Weather {
  const [mode, through] = configured.split('+') as [Weather['mode'], string?];
  const sometimes = (share: number, least: number, most: number) =>
    random.chance(share) ? random.between(least, most) : 0;
  const settleSeconds = random.pick([5, 5, 3]);
  const lateAfterSeconds = random.pick([60, 20, 10]);
  const guardSeconds = random.pick([300, lateAfterSeconds + 5, lateAfterSeconds + 10]);
  const numbersRestart = random.chance(0.1);
  const activityMs = numbersRestart ? 90_000 : random.pick([15_000, 40_000, 90_000]);
  const skewMs = sometimes(0.6, -1500, 1500);
  const isSkewOfCache = random.chance(0.5);
  return {
    mode,
    writeThrough: through !== undefined,
    lateAfterSeconds,
    guardSeconds: Math.max(guardSeconds, settleSeconds + 1),
    settleSeconds,
    ttlSeconds: random.pick([3_600, 3_600, 20, 4]),
    skew: { cache: isSkewOfCache ? skewMs : 0, table: isSkewOfCache ? 0 : -skewMs },
    items: numbersRestart ? 1 : random.pick([1, 1, 2, 3]),
    processes: random.integer(1, 3),
    activityMs,
    every: {
      directWriteMs: activityMs / random.integer(2, numbersRestart ? 30 : 12),
      ownWriteMs: random.chance(0.6) ? activityMs / random.integer(2, 8) : Number.POSITIVE_INFINITY,
      readMs: activityMs / random.integer(5, 40),
      evictionMs: random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, activityMs / 10, 1_000]),
    },
    queries: random.pick([0.1, 0.1, 0.6]),
    deletes: random.pick([0, 0.2, 0.5]),
    expiring: sometimes(0.2, 0.1, 0.5),
    failedWrites: sometimes(0.3, 0.05, 0.3),
    replica: { share: sometimes(0.7, 0.2, 1), lagMs: 0.95 * 1000 * settleSeconds * random.pick([0.1, 1, 1]) },
    slowRead: { share: sometimes(0.5, 0.05, 0.6), ms: random.pick([200, 4_000, 4_000, 30_000]) },
    cache: {
      latencyMs: random.pick([0.3, 1, 4]),
      slow: { share: sometimes(0.5, 0.01, 0.1), ms: random.pick([100, 3_000, 70_000]) },
      failing: sometimes(0.4, 0.01, 0.4),
      isCluster: random.chance(0.5),
      restartsAt: random.chance(0.15) ? [random.between(0, 0.3) * activityMs] : [],
    },
    stream: {
      delayMs: random.pick([100, 500, 3_000, 10_000, 10_000]),
      batchSize: random.pick([1, 3, 10, 100]),
      timeoutMs: random.pick([3_000, 10_000]),
      repeated: { share: sometimes(0.6, 0.1, 0.6), laterMs: random.pick([500, 5_000, 90_000]) },
      outage: random.chance(0.3)
        ? { at: random.between(0, 0.3) * activityMs, ms: random.pick([3_000, 15_000, 80_000]) }
        : undefined,
      numbersRestartAt: numbersRestart ? random.between(0.1, 0.6) * activityMs : undefined,
    },
    returning: sometimes(0.4, 0.2, 0.9),
    leaseMs: random.pick([0, 25, 25, 1_000]),
  };
}

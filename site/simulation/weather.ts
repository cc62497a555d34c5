import type { Weather } from '../../proof/simulation/weather.js';

const never = Number.POSITIVE_INFINITY;

/** A day on which nothing breaks by chance: what happens on the stage, somebody does there. The rules are the defaults. */
export const FAIR: Weather = {
  mode: 'write',
  writeThrough: false,
  lateAfterSeconds: 60,
  guardSeconds: 300,
  settleSeconds: 5,
  ttlSeconds: 3_600,
  leaseMs: 25,
  skew: { cache: 0, table: 0 },
  items: 1,
  processes: 1,
  activityMs: 0,
  every: { directWriteMs: never, ownWriteMs: never, readMs: never, evictionMs: never },
  queries: 0,
  deletes: 0,
  expiring: 0,
  returning: 0,
  failedWrites: 0,
  replica: { share: 0, lagMs: 0 },
  slowRead: { share: 0, ms: 0 },
  cache: { latencyMs: 0.5, slow: { share: 0, ms: 0 }, failing: 0, isCluster: false, restartsAt: [] },
  stream: {
    delayMs: 0,
    batchSize: 1,
    timeoutMs: 10_000,
    repeated: { share: 0, laterMs: 0 },
    outage: undefined,
    numbersRestartAt: undefined,
  },
};

import type { Samples } from './rounds.js';

/** What a benchmark is given, and where it leaves what a picture is made of. */
export interface Bench {
  readonly rounds: number;
  /** 1 for figures; less for a run that only shows that everything runs. */
  readonly scale: number;
  readonly rates: { near?: Samples; far?: Samples };
  readonly costs: Map<number, number>;
  readonly held: Held[];
  /** Microseconds of a record, by step. */
  readonly steps: Map<string, number>;
  readonly latencies: Map<string, [p50: number, p99: number]>;
}

/** Megabytes after a collection: what the process holds on to, and what it has of the system. */
export interface Held {
  readonly invocations: number;
  readonly heapMb: number;
  readonly residentMb: number;
}

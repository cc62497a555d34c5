import type { Guard } from '../coherence.js';
import type { CacheStore, Settled } from '../store/store.js';
import type { Lane } from './lanes.js';

/**
 * A cache as its operators see it: what the paths never need, and no function is to carry. Which caches can do what is in
 * docs/operate.md.
 */
export interface Operated {
  /** For what changes something: by the steps that readers and the handler take too, beside them. */
  readonly store: CacheStore;
  /** What is stored under keys, and what is remembered of them, in the order asked. */
  look(keys: readonly string[]): Promise<Settled<Look>[]>;
  /**
   * The names of everything that is stored and begins so, in portions, in no order, some perhaps twice; what comes and goes meanwhile
   * perhaps not. Absent where a cache does not tell what it has.
   *
   * @throws CacheError
   */
  list?(prefix: string): AsyncIterable<readonly string[]>;
  /**
   * The same, server by server.
   *
   * @throws CacheError
   */
  servers?(prefix: string): Promise<Lane<readonly string[]>[]>;
  /**
   * What each of its servers says of itself, by the names of Redis' INFO; a service may leave out what it likes. Absent where a cache does not
   * say.
   *
   * @throws CacheError
   */
  info?(): Promise<ReadonlyMap<string, string>[]>;
  /**
   * What the server that knows of most trouble says of the cluster, by the names of `CLUSTER INFO`; `undefined` when it is none, or none says it.
   * Absent where there are no clusters.
   */
  clusterInfo?(): Promise<ReadonlyMap<string, string> | undefined>;
  /**
   * How far the clock of each of its servers is ahead of this machine's, in milliseconds. Absent where a cache has none that it tells.
   *
   * @throws CacheError
   */
  clocks?(): Promise<number[]>;
  /** How large what is stored under keys is, and how long it lives on, in the order asked. Absent where a cache does not say. */
  measure?(keys: readonly string[]): Promise<Settled<Measured>[]>;
  close(): Promise<void>;
}

/** What is stored under one key, by its size. */
export interface Measured {
  /** Of its text; `undefined` when there is none, or what somebody else stored is no text. */
  readonly bytes: number | undefined;
  /** In milliseconds; absent where it has no end. */
  readonly ttlMs: number | undefined;
  /** Where it is a guard: what that says, and when. */
  readonly guard: Look['guard'];
  readonly now: number;
}

/** One key of a cache, at one moment. */
export interface Look {
  readonly value: string | undefined;
  /** For how long the value lives on, in milliseconds; absent where there is none, or where it has no end. */
  readonly ttlMs: number | undefined;
  /** `damaged`: there is one that cannot be read, and counts for one that settles. */
  readonly guard: Guard | 'damaged' | undefined;
  /** The moment, by the clock that the guard's times are of: milliseconds since the epoch. */
  readonly now: number;
}

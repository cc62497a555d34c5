import type { Rules } from '../coherence.js';
import type { CacheError } from '../errors.js';

/**
 * Where cached items and their guards live. Each step on a key is atomic, follows `coherence.ts`, and is safe to
 * repeat. Every method takes many keys, does them in few round trips, and answers in the order asked.
 *
 * A method never rejects because of the cache: what the cache did not confirm before the deadline stands in the
 * answer as a {@link CacheError}, in its own place, and may or may not have happened. Nothing else ever stands for a failure.
 */
export interface CacheStore {
  /** The stored text, or `undefined` where nothing is stored or it has expired. */
  get(keys: readonly string[], options?: CallOptions): Promise<Settled<string | undefined>[]>;

  /** The same for all stores of one cache: what a process has written unseen by its cache is known to all of them. */
  readonly identity?: string;

  /**
   * Whether `apply` reads a change only when it is about to send it, and never copies it with `...`. It is then given
   * changes that make their `value` when it is read: while the server works on those sent before. Default: false.
   */
  readonly readsLate?: boolean;

  /** Applies stream changes; changes of one key in the order given. */
  apply(
    changes: readonly StoreChange[],
    rules: Rules,
    options?: CallOptions,
  ): Promise<Settled<ApplyOutcome>[]>;

  /**
   * A reader of items or of what is under tags missed, and is about to read the table: its lease, or what is stored after
   * all. While one reader holds a lease that it was given with `leaseMs`, others are told for how long to wait for it.
   */
  begin(keys: readonly string[], rules: Rules, options?: CallOptions): Promise<Settled<Begun>[]>;

  /** Readers that hold leases will store nothing: nobody need wait for them. */
  release(released: readonly Released[], rules: Rules, options?: CallOptions): Promise<Settled<'released'>[]>;

  /** A reader read the table, or a writer wrote it: stores what the item is, unless something changed since `begin` or `claim`. */
  fill(fills: readonly Fill[], rules: Rules, options?: CallOptions): Promise<Settled<FillOutcome>[]>;

  /** An application wrote these items itself (or may have): deletes them, and refuses fills under way. */
  void(keys: readonly string[], rules: Rules, options?: CallOptions): Promise<Settled<'voided'>[]>;

  /**
   * An application is about to write these items, and will know what they then are: voids them, and gives leases to fill
   * them once they are written. Others are told to wait for that as for a reader's.
   */
  claim(keys: readonly string[], rules: Rules, options?: CallOptions): Promise<Settled<Lease>[]>;

  /** Something under these tags changed: results stored under them are no longer served. */
  move(tags: readonly string[], rules: Rules, options?: CallOptions): Promise<Settled<'moved'>[]>;

  /** The generations of tags, `undefined` for a tag that has no guard: nothing stored under it may be served. */
  generations(tags: readonly string[], options?: CallOptions): Promise<Settled<string | undefined>[]>;

  /** Stores results, which carry the generations they were read under and need no guard of their own. */
  put(results: readonly Result[], options?: CallOptions): Promise<Settled<PutOutcome>[]>;

  /** Deletes keys that have no guard: what others derived from items. */
  delete(keys: readonly string[], options?: CallOptions): Promise<Settled<'deleted'>[]>;

  /** Ends connections that the store opened itself. It opens them again when used. */
  close(): Promise<void>;
}

export type Settled<T> = T | CacheError;

export interface CallOptions {
  /** When to stop waiting, in milliseconds since the epoch by this process's clock. */
  readonly deadline?: number | undefined;
  /** Whether the process may end while this waits, since the caller has a timer of its own. Default: false. */
  readonly unref?: boolean | undefined;
}

/** One stream change, as a store applies it. */
export interface StoreChange {
  readonly key: string;
  /** Compares as text with other versions of the key; see `versionOf`. */
  readonly version: string;
  /** `ApproximateCreationDateTime` in milliseconds; 0 when the record has none, which makes it late. */
  readonly at: number;
  /** What to do when the change is news: `set`, `refresh` (set only what is stored now) or `delete`. */
  readonly action: 'set' | 'refresh' | 'delete';
  /** The text to store; empty for `delete`. */
  readonly value: string;
  readonly ttlMs: number;
  /** When the item itself expires, in milliseconds since the epoch: its entry never outlives it. */
  readonly expiresAt?: number | undefined;
}

/**
 * What became of a change. `written`: stored. `deleted`: no longer stored. `unchanged`: a refresh of what is not stored.
 * `full`: the cache takes no more, so the key was deleted instead. The others are decisions of `coherence.ts`.
 */
export type ApplyOutcome =
  | 'written'
  | 'deleted'
  | 'unchanged'
  | 'full'
  | 'stale'
  | 'included'
  | 'late'
  | 'disordered'
  | 'overlapping'
  | 'same';

/** What a reader that missed got: the value after all, or its lease to fill. */
export type Begun = { readonly value: string } | Lease;

export interface Lease {
  readonly generation: string;
  /** The cache server's clock, milliseconds. */
  readonly begunAt: number;
  /** The table must be read with strong consistency. */
  readonly strong: boolean;
  /**
   * Another reader holds the lease, for so many milliseconds at most: what it reads is soon stored. Who does not wait
   * may read and fill all the same. Absent for the one that holds it.
   */
  readonly heldMs?: number | undefined;
}

/** A lease that is given back. */
export interface Released {
  readonly key: string;
  readonly lease: Lease;
  /** What was read cannot be stored: until something changes nobody need wait. Else the next reader holds the lease. */
  readonly toAll: boolean;
}

export interface Fill {
  readonly key: string;
  readonly lease: Lease;
  /** Whether the read was strongly consistent; by default what the lease asked for. */
  readonly strong: boolean;
  readonly value: string;
  readonly ttlMs: number;
  readonly expiresAt?: number | undefined;
}

/** A query or scan result as stored. */
export interface Result {
  readonly key: string;
  /** Its first line names the generations of the tags that it was read under. */
  readonly value: string;
  readonly ttlMs: number;
}

/**
 * What became of a fill. `filled`: stored. The rest were refused and nothing was stored: `moved` (something changed
 * since `begin`), `occupied` (somebody else stored it), `expired` (the item has outlived its time), `full` (the cache takes no more).
 */
export type FillOutcome = 'filled' | 'moved' | 'occupied' | 'expired' | 'full';

/** What became of a result. `occupied`: one that was read under the same generations is stored, and may be newer. */
export type PutOutcome = 'stored' | 'occupied';

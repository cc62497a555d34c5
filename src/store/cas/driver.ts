import type { CallOptions, Settled } from '../store.js';

/**
 * A cache that can change an entry only if it is still what was read, and can do no more. Every method takes many keys, does
 * them in as few round trips as it can, answers in the order asked, and never rejects: what the cache did not confirm
 * in time is a `CacheError` in its place, and may or may not have happened.
 */
export interface Driver {
  /** What is stored: all that a hit needs. */
  get(keys: readonly string[], options?: CallOptions): Promise<Settled<string | undefined>[]>;

  /** What is stored, each with a token for replacing just that. */
  read(keys: readonly string[], options?: CallOptions): Promise<Settled<Held | undefined>[]>;

  /**
   * Stores texts where nothing is stored, and then answers as `read`, in one round trip where the cache can; `full` where
   * nothing stays stored. It may arrive long after it was given up, so the texts never hold a value.
   */
  create(entries: readonly NewEntry[], options?: CallOptions): Promise<Settled<Held | 'full'>[]>;

  /**
   * Stores texts in the place of just what was read. `conflict`: something else is stored by now, or nothing. `full`: the
   * cache takes no more; it may have dropped what it had.
   */
  replace(
    entries: readonly Replacement[],
    options?: CallOptions,
  ): Promise<Settled<'done' | 'conflict' | 'full'>[]>;

  delete(keys: readonly string[], options?: CallOptions): Promise<Settled<'done'>[]>;

  /** Ends connections that this driver opened itself. It opens them again when used. */
  close(): Promise<void>;
}

/** What stands under a key. */
export interface Held {
  readonly text: string;
  /** Known to the driver alone, and to the connection that gave it. */
  readonly token: unknown;
}

export interface NewEntry {
  readonly key: string;
  readonly text: string;
  readonly ttlMs: number;
}

export interface Replacement extends NewEntry {
  readonly token: unknown;
}

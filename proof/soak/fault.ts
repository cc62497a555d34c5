/** Something that goes wrong with the cache or the function, and is put right again. */
export interface Fault {
  readonly name: string;
  /** A failover may drop what was confirmed but not yet copied; see the limits in docs/coherence.md. */
  readonly isFailover?: boolean;
  /** Resolves when everything is as it should be again. */
  inject(): Promise<void>;
}

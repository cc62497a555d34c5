/** One change of the code, and whether a test noticed it. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  /** The code that was changed, and what it became. */
  readonly original: string;
  readonly mutated: string;
  readonly isKilled: boolean;
}

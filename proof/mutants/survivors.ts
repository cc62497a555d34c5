import type { Mutant } from './mutant.js';

/** A mutant that no test can tell from the original, and why. */
export interface Survivor {
  readonly file: string;
  readonly original: string;
  readonly mutated: string;
  readonly reason: string;
}

/** Survivors that nobody has explained, and explanations of mutants that do not survive, or are no more. */
export function unexplained(mutants: readonly Mutant[], survivors: readonly Survivor[]) {
  const alive = mutants.filter(({ isKilled }) => !isKilled);
  const same = (one: Survivor, other: Mutant) =>
    one.file === other.file && one.original === other.original && one.mutated === other.mutated;
  return {
    survivors: alive.filter((mutant) => !survivors.some((one) => one.reason !== '' && same(one, mutant))),
    explanations: survivors.filter((one) => !alive.some((mutant) => same(one, mutant))),
  };
}

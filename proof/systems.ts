import { baselines } from './simulation/baselines.js';
import { pair, pairOnCas } from './simulation/pair.js';
import type { NewSystem } from './simulation/system.js';

export const OURS = 'dynamodb-stream-cache';
export const OURS_ON_CAS = 'dynamodb-stream-cache on compare-and-set';
/** Those that promise. */
export const PROMISING: readonly string[] = [OURS, OURS_ON_CAS];

/** What is compared, by its name in the table. */
export const SYSTEMS: Readonly<Record<string, NewSystem>> = {
  [OURS]: pair,
  [OURS_ON_CAS]: pairOnCas,
  ...baselines,
};

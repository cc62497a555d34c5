import { OURS, OURS_ON_CAS } from './names.js';
import { baselines } from './simulation/baselines.js';
import { pair, pairOnCas } from './simulation/pair.js';
import type { NewSystem } from './simulation/system.js';

/** What is compared, by its name in the table. */
export const SYSTEMS: Readonly<Record<string, NewSystem>> = {
  [OURS]: pair,
  [OURS_ON_CAS]: pairOnCas,
  ...baselines,
};

import { baselines } from './simulation/baselines.js';
import { pair } from './simulation/pair.js';
import type { NewSystem } from './simulation/system.js';

export const OURS = 'dynamodb-stream-cache';

/** What is compared, by its name in the table. */
export const SYSTEMS: Readonly<Record<string, NewSystem>> = { [OURS]: pair, ...baselines };

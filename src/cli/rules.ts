import type { Rules } from '../coherence.js';
import { resolveConfig } from '../config.js';
import { toError } from '../errors.js';
import { CommandError } from './command-error.js';

/**
 * The rules of the function and the readers, where they are in the environment.
 *
 * @throws CommandError when a variable is wrong
 */
export function rulesOf(command: string, table: string): Rules {
  try {
    return resolveConfig({ cache: 'memory:' }).table(table).rules;
  } catch (cause) {
    throw new CommandError(`stream-cache ${command}: ${toError(cause).message}`, { cause });
  }
}

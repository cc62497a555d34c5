import { resolveConfig } from '../config.js';
import { toError } from '../errors.js';
import type { TableSettings } from '../table-settings.js';
import { CommandError } from './command-error.js';

/**
 * The settings of the function and the readers for a table, where they are in the environment.
 *
 * @throws CommandError when a variable is wrong
 */
export function settingsOf(command: string, table: string): TableSettings {
  try {
    return resolveConfig({ cache: 'memory:' }).table(table);
  } catch (cause) {
    throw new CommandError(`stream-cache ${command}: ${toError(cause).message}`, { cause });
  }
}

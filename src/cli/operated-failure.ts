import { CacheError } from '../errors.js';
import { PlacesError } from '../operate/lanes.js';
import { TooManyDifferencesError } from '../operate/verify.js';
import { CommandError } from './command-error.js';

/** What became of a command that read a cache and a table, and failed. */
export function operatedFailure(command: string, table: string, cause: Error): CommandError {
  if (cause instanceof CommandError) return cause;
  if (cause instanceof PlacesError) {
    return new CommandError(`stream-cache ${command}: --resume: ${cause.message}`, { cause });
  }
  const isOwn = cause instanceof CacheError || cause instanceof TooManyDifferencesError;
  const what = isOwn ? cause.message : `cannot read the table ${table}: ${cause.name}: ${cause.message}`;
  return new CommandError(`stream-cache ${command}: ${what}`, { cause, exitCode: 1 });
}

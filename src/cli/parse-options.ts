import { type ParseArgsConfig, parseArgs } from 'node:util';
import { toError } from '../errors.js';
import { CommandError } from './command-error.js';

type Definitions = NonNullable<ParseArgsConfig['options']>;

/** @throws CommandError when an option of a command is unknown, or lacks its value */
export function parseOptions<const Options extends Definitions>(
  command: string,
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (cause) {
    // Node adds how to name a file that begins with a dash, which is not what went wrong.
    const what = toError(cause).message.replace(/\. .*$/s, '');
    throw new CommandError(`stream-cache ${command}: ${what}. See stream-cache ${command} --help.`, {
      cause,
    });
  }
}

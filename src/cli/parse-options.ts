import { type ParseArgsConfig, parseArgs } from 'node:util';
import { toError } from '../errors.js';
import { CommandError } from './command-error.js';

type Definitions = NonNullable<ParseArgsConfig['options']>;

/** @throws CommandError when an option of a command is unknown, or lacks its value, or is a namespace that readers refuse */
export function parseOptions<const Options extends Definitions>(
  command: string,
  args: readonly string[],
  options: Options,
) {
  try {
    const parsed = parseArgs({ args: [...args], allowPositionals: true, options });
    const { namespace } = parsed.values as { namespace?: string };
    // Such as --namespace "$NAME" where that is not set: readers without a namespace are others.
    if (namespace === '' || (namespace?.length ?? 0) > 256) {
      throw new Error('--namespace has to be a text of 1 to 256 characters: leave it out for none');
    }
    return parsed;
  } catch (cause) {
    // Node adds how to name a file that begins with a dash, which is not what went wrong.
    const what = toError(cause).message.replace(/\. .*$/s, '');
    throw new CommandError(`stream-cache ${command}: ${what}. See stream-cache ${command} --help.`, {
      cause,
    });
  }
}

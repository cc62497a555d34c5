import { CommandError } from './command-error.js';

/**
 * A number above 0 that an option gives, if it does.
 *
 * @throws CommandError when it is something else
 */
export function positive(command: string, option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (number > 0 && number < Number.POSITIVE_INFINITY) return number;
  throw new CommandError(
    `stream-cache ${command}: ${option} ${text} is no number above 0. See stream-cache ${command} --help.`,
  );
}

/** The same, of a whole number. */
export function positiveWhole(command: string, option: string, text: string | undefined): number | undefined {
  const number = positive(command, option, text);
  if (number === undefined || Number.isSafeInteger(number)) return number;
  throw new CommandError(
    `stream-cache ${command}: ${option} ${text} is no whole number. See stream-cache ${command} --help.`,
  );
}

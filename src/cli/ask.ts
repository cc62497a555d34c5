import { createInterface } from 'node:readline/promises';
import { CommandError } from './command-error.js';

/**
 * Asks before what cannot be undone.
 *
 * @param what is about to be done, such as `Take all of users out of the cache`
 * @throws CommandError when the answer is no, or nobody is there to be asked
 */
export async function ask(command: string, what: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new CommandError(
      `stream-cache ${command}: ${what}? Nobody is there to be asked. Give --yes, or --dry-run.`,
    );
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${what}? [y/N] `);
  lines.close();
  if (/^y(?:es)?$/i.test(answer.trim())) return;
  throw new CommandError(`stream-cache ${command}: nothing was done.`, { exitCode: 1 });
}

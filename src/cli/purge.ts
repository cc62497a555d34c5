import { createInterface } from 'node:readline/promises';
import { CacheError } from '../errors.js';
import type { Operated } from '../operate/operated.js';
import { type Purged, purgeItems, purgeTable } from '../operate/purge.js';
import { CommandError } from './command-error.js';
import { keyOf } from './item-key.js';
import { openOperatedCache } from './operated-cache.js';
import { PURGE_HELP, type PurgeOptions, purgeOptions } from './purge-options.js';
import { settingsOf } from './settings.js';
import type { Terminal } from './terminal.js';
import { count } from './text.js';

/**
 * `stream-cache purge`: items out of the cache, or all of a table.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, is not to go on, or the cache did not confirm it
 */
export async function purge(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = purgeOptions(args);
  if (options.help) {
    terminal.print(PURGE_HELP);
    return 0;
  }
  const keys = options.keys.map((text) => keyOf('purge', options, text));
  const cache = await openOperatedCache('purge', options.cache);
  try {
    if (keys.length === 0 && !options.dryRun && !options.yes) await ask(options.table);
    const purged = await run(cache, options, keys).catch((cause) => {
      if (!(cause instanceof CacheError)) throw cause;
      throw new CommandError(`stream-cache purge: ${cause.message}`, { cause, exitCode: 1 });
    });
    terminal.print(
      options.json ? `${JSON.stringify({ dryRun: options.dryRun, ...purged })}\n` : textOf(options, purged),
    );
    return 0;
  } finally {
    await cache.close();
  }
}

async function run(cache: Operated, options: PurgeOptions, keys: readonly string[]): Promise<Purged> {
  const { namespace, table, dryRun } = options;
  const rules = settingsOf('purge', table).rules;
  if (keys.length > 0) {
    return dryRun ? { items: keys.length, tags: 0, results: 0 } : purgeItems(cache, keys, rules);
  }
  let last: Purged = { items: 0, tags: 0, results: 0 };
  for await (const purged of purgeTable(cache, namespace, table, rules, dryRun)) last = purged;
  return last;
}

async function ask(table: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new CommandError(
      'stream-cache purge: takes a whole table out of the cache, and nobody is there to be asked. Give --yes, or --dry-run.',
    );
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`Take all of ${table} out of the cache? [y/N] `);
  lines.close();
  if (!/^y(?:es)?$/i.test(answer.trim()))
    throw new CommandError('stream-cache purge: nothing was done.', { exitCode: 1 });
}

function textOf({ table, dryRun }: PurgeOptions, { items, tags, results }: Purged): string {
  const done = `${count(items, 'item')}, ${count(results, 'result')} and ${count(tags, 'tag')} of ${table}`;
  return dryRun ? `Would purge ${done}.\n` : `Purged ${done}.\n`;
}

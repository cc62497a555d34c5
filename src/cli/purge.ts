import { toError } from '../errors.js';
import type { Operated } from '../operate/operated.js';
import {
  NOTHING_PURGED,
  namespaceScope,
  type Purged,
  type PurgeScope,
  partitionScope,
  purgeAll,
  purgeItems,
  tableScope,
} from '../operate/purge.js';
import { ask } from './ask.js';
import { interruptibly } from './interruption.js';
import { keyOf, parseItemKey } from './item-key.js';
import { openOperatedCache } from './operated-cache.js';
import { operatedFailure } from './operated-failure.js';
import { openProgress } from './progress.js';
import { PURGE_HELP, type PurgeOptions, purgeOptions } from './purge-options.js';
import { settingsOf } from './settings.js';
import type { Terminal } from './terminal.js';
import { count, visible } from './text.js';

/**
 * `stream-cache purge`: items out of the cache, or all of a partition, a table or a namespace.
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
    if (keys.length === 0 && !options.dryRun && !options.yes) {
      await ask('purge', `Take all of ${visible(subjectOf(options))} out of the cache`);
    }
    return await interruptibly(async (signal) => {
      const purged = await run(cache, options, keys, signal);
      const { aborted } = signal;
      const document = { dryRun: options.dryRun, isDone: !aborted, ...purged };
      terminal.print(options.json ? `${JSON.stringify(document)}\n` : textOf(options, purged));
      if (aborted) console.error('Interrupted. What was done stays done: run it again for the rest.');
      return aborted ? 1 : 0;
    });
  } catch (thrown) {
    throw operatedFailure('purge', options.table, toError(thrown));
  } finally {
    await cache.close();
  }
}

async function run(
  cache: Operated,
  options: PurgeOptions,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Purged> {
  const { table, dryRun } = options;
  const { rules } = settingsOf('purge', table);
  if (keys.length > 0) {
    return dryRun ? { ...NOTHING_PURGED, items: keys.length } : purgeItems(cache, keys, rules);
  }
  const progress = openProgress(`${subjectOf(options)}: purged`, undefined);
  let last = NOTHING_PURGED;
  try {
    for await (const purged of purgeAll(cache, scopeOf(options), rules, dryRun)) {
      last = purged;
      progress.update(purged.items + purged.results);
      if (signal.aborted) break;
    }
  } finally {
    progress.stop();
  }
  return last;
}

function scopeOf(options: PurgeOptions): PurgeScope {
  const { namespace, table, partition } = options;
  if (table === '') return namespaceScope(namespace ?? '');
  if (partition === undefined) return tableScope(namespace, table);
  return partitionScope(namespace, table, parseItemKey('purge', options, partition));
}

function subjectOf({ table, namespace, partition }: PurgeOptions): string {
  if (table === '') return `the namespace ${namespace}`;
  return partition === undefined ? table : `${partition} in ${table}`;
}

function textOf(options: PurgeOptions, { items, tags, results }: Purged): string {
  const done = `${count(items, 'item')}, ${count(results, 'result')} and ${count(tags, 'tag')} of ${visible(subjectOf(options))}`;
  return options.dryRun ? `Would purge ${done}.\n` : `Purged ${done}.\n`;
}

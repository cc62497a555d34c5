import { CommandError } from './command-error.js';
import { namespaceOf } from './namespace.js';
import { parseOptions } from './parse-options.js';

export interface PurgeOptions {
  readonly table: string;
  /** None: the whole table, or partition. */
  readonly keys: readonly string[];
  /** The partition, as a key is typed. */
  readonly partition?: string | undefined;
  /** All tables of the namespace, in place of one. */
  readonly allTables: boolean;
  readonly cache?: string | undefined;
  readonly namespace?: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export const PURGE_HELP = `Usage: stream-cache purge TABLE [KEY…] [options]
       stream-cache purge --all-tables --namespace NAME [options]

Takes items out of the cache, or all of a table with its query results: beside readers and the stream, and so that what
readers are about to store is refused. The next reads go to the table.

A KEY is what stream-cache get takes. Without one it asks before it begins.

Options:
  --cache URL       redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]:// or momento:CACHE (default: STREAM_CACHE_URL).
                    The last two do not tell what they have: name keys
  --namespace NAME  the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --partition KEY   only the items of a partition, such as customerId=c1, and all results that may have one of them
  --all-tables      all that is cached under --namespace
  --dry-run         only counts
  --yes             does not ask
  --json            prints one JSON document
  --help            shows this

Exit code: 0, 1 when the cache did not confirm it (what was done stays done, and all of it can be repeated), 2 when the command is used wrongly.
`;

/** @throws CommandError when there is an unknown option, or no table */
export function purgeOptions(args: readonly string[]): PurgeOptions {
  const { values, positionals } = parseOptions('purge', args, {
    cache: { type: 'string' },
    namespace: { type: 'string' },
    partition: { type: 'string' },
    'all-tables': { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    yes: { type: 'boolean', short: 'y', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const [table = '', ...keys] = positionals;
  const { cache, partition, yes, json, help, 'all-tables': allTables, 'dry-run': dryRun } = values;
  const namespace = namespaceOf(values);
  if (!help) {
    if (allTables && table !== '') throw wrong(`--all-tables is for all of a namespace, and ${table} is one`);
    if (allTables && namespace === undefined) throw wrong('--all-tables needs a --namespace');
    if (allTables && partition !== undefined) throw wrong('--partition is of one table');
    if (!allTables && table === '') throw wrong('no table is named');
    if (partition !== undefined && keys.length > 0) throw wrong('--partition and keys exclude each other');
  }
  return { table, keys, cache, namespace, partition, allTables, dryRun, yes, json, help };
}

function wrong(what: string): CommandError {
  return new CommandError(`stream-cache purge: ${what}. See stream-cache purge --help.`);
}

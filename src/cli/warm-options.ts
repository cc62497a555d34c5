import { CommandError } from './command-error.js';
import { namespaceOf } from './namespace.js';
import { parseOptions } from './parse-options.js';
import { positive, positiveWhole } from './positive.js';

export interface WarmOptions {
  readonly table: string;
  readonly cache?: string | undefined;
  readonly namespace?: string | undefined;
  /** Where the table is; absent for the AWS endpoint of the Region. */
  readonly endpoint?: string | undefined;
  /** The partition to query, as a key is typed. */
  readonly partition?: string | undefined;
  /** A file with a key to a line; `-` is standard input. */
  readonly keys?: string | undefined;
  readonly segments: number;
  readonly rcu?: number | undefined;
  /** A file that is kept up to date. */
  readonly report?: string | undefined;
  /** That file, or a token, of the run to go on with. */
  readonly resume?: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export const WARM_HELP = `Usage: stream-cache warm TABLE [options]

Fills the cache from a table, beside readers, writers and the stream: with what is not cached yet, and never with anything older than
what is there. It says first how much memory that will take.

Options:
  --cache URL        redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]:// or momento:CACHE (default: STREAM_CACHE_URL)
  --namespace NAME   the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --endpoint URL     a DynamoDB Local, such as http://127.0.0.1:8000 (default: AWS)
  --partition KEY    only the items of a partition, by a Query: customerId=c1
  --keys FILE        only items whose keys stand in a file, each on a line, as stream-cache get takes them; - is standard input
  --segments N       parts of the table that are scanned side by side, up to 64 (default: 4)
  --rcu N            read capacity units of the table to use a second, at most (default: as many as there are)
  --report FILE      writes what it has come to into a file, as JSON, while it runs
  --resume RUN       goes on with a run that was interrupted: its report file, or the token that it printed
  --dry-run          only says what it would take
  --json             prints one JSON document
  --help             shows this

It reads strongly consistent: a unit for each 4 KB. Options of the function, such as STREAM_CACHE_TTL_SECONDS, are read from the environment
here too.

Exit code: 0, 1 when the cache or table failed, or it was interrupted, 2 when the command is used wrongly.
`;

/** As many Scans are on their way at once. */
const MOST_SEGMENTS = 64;

/** @throws CommandError when there is an unknown option, a wrong value, or no table */
export function warmOptions(args: readonly string[]): WarmOptions {
  const { values, positionals } = parseOptions('warm', args, {
    cache: { type: 'string' },
    namespace: { type: 'string' },
    endpoint: { type: 'string' },
    partition: { type: 'string' },
    keys: { type: 'string' },
    segments: { type: 'string' },
    rcu: { type: 'string' },
    report: { type: 'string' },
    resume: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const [table = '', ...more] = positionals;
  if (more.length > 0) throw wrong(`${more[0]} is one table too many`);
  if (table === '' && !values.help) throw wrong('no table is named');
  const { cache, endpoint, partition, keys, report, resume, json, help } = values;
  if (partition !== undefined && keys !== undefined) throw wrong('--partition and --keys exclude each other');
  if (keys === '-' && resume !== undefined) throw wrong('what standard input gave cannot be gone on with');
  const segments = positiveWhole('warm', '--segments', values.segments) ?? 4;
  if (segments > MOST_SEGMENTS) throw wrong(`--segments ${segments} is above ${MOST_SEGMENTS}`);
  return {
    ...{ table, segments, cache, endpoint, partition, keys, report, resume, json, help },
    namespace: namespaceOf(values),
    rcu: positive('warm', '--rcu', values.rcu),
    dryRun: values['dry-run'],
  };
}

function wrong(what: string): CommandError {
  return new CommandError(`stream-cache warm: ${what}. See stream-cache warm --help.`);
}

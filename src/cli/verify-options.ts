import { CommandError } from './command-error.js';
import { namespaceOf } from './namespace.js';
import { parseOptions } from './parse-options.js';
import { positive, positiveWhole } from './positive.js';

export interface VerifyOptions {
  readonly table: string;
  readonly cache?: string | undefined;
  readonly namespace?: string | undefined;
  /** Where the table is; absent for the AWS endpoint of the Region. */
  readonly endpoint?: string | undefined;
  readonly sample?: number | undefined;
  readonly rcu?: number | undefined;
  readonly againAfterMs?: readonly number[] | undefined;
  /** A file that is kept up to date. */
  readonly report?: string | undefined;
  /** That file, or a token, of the run to go on with. */
  readonly resume?: string | undefined;
  readonly repair: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export const VERIFY_HELP = `Usage: stream-cache verify TABLE [options]

Compares what is cached of a table, items and results of queries and scans, with the table, beside readers, writers and the stream. What
differs is looked at again after 1, 5, 30 and 60 seconds: it counts only if it stays, and nothing changed between.

A Redis or Valkey is gone through, and of the table only what is cached is read, strongly consistent; a result is asked for anew.
memcached and Momento do not tell what they have: the table is scanned, and results are not compared.

Options:
  --cache URL        redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]:// or momento:CACHE (default: STREAM_CACHE_URL)
  --namespace NAME   the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --endpoint URL     a DynamoDB Local, such as http://127.0.0.1:8000 (default: AWS)
  --sample N         compares N items that are drawn by lot, and no results (default: all)
  --rcu N            read capacity units of the table to use a second, at most (default: as many as there are)
  --again SECONDS    when to look again, such as 1,5,30,60
  --report FILE      writes what it has come to into a file, as JSON, while it runs
  --resume RUN       goes on with a run that was interrupted: its report file, or the token that it printed
  --repair           takes what differs out of the cache, so that the next reader fills it
  --dry-run          with --repair: only says what it would take out
  --json             prints one JSON document
  --help             shows this

Exit code: 0, 1 when something differs, the cache or table cannot be read, or it was interrupted, 2 when the command is used wrongly.
`;

/** @throws CommandError when there is an unknown option, a wrong value, or no table */
export function verifyOptions(args: readonly string[]): VerifyOptions {
  const { values, positionals } = parseOptions('verify', args, {
    cache: { type: 'string' },
    namespace: { type: 'string' },
    endpoint: { type: 'string' },
    sample: { type: 'string' },
    rcu: { type: 'string' },
    again: { type: 'string' },
    report: { type: 'string' },
    resume: { type: 'string' },
    repair: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const [table = '', ...more] = positionals;
  if (more.length > 0) throw wrong(`${more[0]} is one table too many`);
  if (table === '' && !values.help) throw wrong('no table is named');
  const { cache, endpoint, report, resume, repair, json, help } = values;
  const sample = positiveWhole('verify', '--sample', values.sample);
  if (sample !== undefined && resume !== undefined) throw wrong('a --sample cannot be gone on with');
  return {
    ...{ table, cache, endpoint, sample, report, resume, repair, json, help },
    namespace: namespaceOf(values),
    rcu: positive('verify', '--rcu', values.rcu),
    dryRun: values['dry-run'],
    againAfterMs: values.again
      ?.split(',')
      .map((seconds) => (positive('verify', '--again', seconds) as number) * 1_000),
  };
}

function wrong(what: string): CommandError {
  return new CommandError(`stream-cache verify: ${what}. See stream-cache verify --help.`);
}

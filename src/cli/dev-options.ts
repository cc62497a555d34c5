import { CommandError } from './command-error.js';
import { parseOptions } from './parse-options.js';
import type { TargetOptions } from './target.js';

export interface DevOptions extends TargetOptions {
  readonly table: string;
  /** Where the stream is read; absent for the AWS endpoint of the Region. */
  readonly streamEndpoint?: string | undefined;
  readonly batchSize: number;
  readonly fromStart: boolean;
  /** Brings a table, a stream, a writer and a reader along. */
  readonly demo: boolean;
  /** Shows the loop on a page. */
  readonly ui: boolean;
  /** Of the page; 0 for any that is free. */
  readonly port: number;
  /** Shows what the process reads and applies, every few seconds. */
  readonly stats: boolean;
  readonly help: boolean;
}

export const DEV_HELP = `Usage: stream-cache dev --table NAME [options]
       stream-cache dev --demo [options]

Reads a table's stream, of DynamoDB Local or of AWS, invokes the stream handler with its records as Lambda would, and
shows what became of each, until it is interrupted.

Options:
  --table NAME           the table; its stream must be enabled
  --demo                 a table in this process, who writes to it and who reads it, where nothing is installed
  --stream-endpoint URL  a DynamoDB Local, such as http://127.0.0.1:8000 (default: AWS)
  --cache URL            redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]://, momento:CACHE or memory: (default: STREAM_CACHE_URL, else memory:)
  --mode MODE            write, refresh or invalidate (default: STREAM_CACHE_MODE, else write)
  --namespace NAME       the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --handler FILE         invokes the handler that this file exports, such as a built bundle
  --batch-size N         records in an invocation at most (default: 100)
  --from-start           begins with the oldest record of the stream (default: with what is written from now on)
  --ui                   shows the loop on a page, for this machine alone: records, entries, faults to try. Prints its address
  --port N               the port of the page (default: any that is free)
  --stats                shows records, hits and misses a second, and the keys that are read most, every 5 seconds
  --verbose              lets the handler log, to standard error
  --help                 shows this
`;

/** @throws CommandError when there is an unknown option, a wrong value, or no table */
export function devOptions(args: readonly string[]): DevOptions {
  const { values, positionals } = parseOptions('dev', args, {
    table: { type: 'string', default: '' },
    'stream-endpoint': { type: 'string' },
    cache: { type: 'string' },
    mode: { type: 'string' },
    namespace: { type: 'string' },
    handler: { type: 'string' },
    'batch-size': { type: 'string', default: '100' },
    'from-start': { type: 'boolean', default: false },
    demo: { type: 'boolean', default: false },
    ui: { type: 'boolean', default: false },
    port: { type: 'string' },
    stats: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const { table, cache, mode, namespace, handler, demo, stats, ui, verbose, help } = values;
  if (positionals.length > 0) throw wrong(`${positionals[0]} is no option`);
  if (table === '' && !demo && !help)
    throw wrong('no table is named. Give --table NAME, or --demo for one of its own');
  if (demo && (table !== '' || values['stream-endpoint'] !== undefined))
    throw wrong('--demo has a table and a stream of its own: leave --table and --stream-endpoint out');
  const port = Number(values.port ?? 0);
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw wrong(`--port ${values.port} is no port`);
  if (values.port !== undefined && !ui) throw wrong('--port is of the page: give --ui too');
  return {
    ...{ table, port, cache, mode, namespace, handler, demo, stats, ui, verbose, help },
    streamEndpoint: values['stream-endpoint'],
    batchSize: Number(values['batch-size']),
    fromStart: values['from-start'],
  };
}

function wrong(what: string): CommandError {
  return new CommandError(`stream-cache dev: ${what}. See stream-cache dev --help.`);
}

import { CommandError } from './command-error.js';
import { namespaceOf } from './namespace.js';
import { parseOptions } from './parse-options.js';

export interface DoctorOptions {
  /** None: only the cache. */
  readonly table?: string | undefined;
  /** The function on the table's stream. */
  readonly function?: string | undefined;
  readonly cache?: string | undefined;
  readonly namespace?: string | undefined;
  /** Where the table is; absent for the AWS endpoint of the Region. */
  readonly endpoint?: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const DOCTOR_HELP = `Usage: stream-cache doctor [TABLE] [options]

Checks what most often goes wrong, and says what to do: the cache from here (round trip, TLS, version, eviction, memory, what its user may do,
its clock), the table (stream, keys, time to live), and with --function the mapping of its stream. It takes each of the cache's steps once, on a key
of its own that is gone within seconds; else it changes nothing.

Options:
  --function NAME   the function on the table's stream. Needs @aws-sdk/client-lambda
  --cache URL       redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]:// or momento:CACHE (default: STREAM_CACHE_URL)
  --namespace NAME  the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --endpoint URL    a DynamoDB Local, such as http://127.0.0.1:8000 (default: AWS)
  --json            prints one JSON document
  --help            shows this

Run it with the environment of the function and the readers: it compares what they are told (STREAM_CACHE_…) with the table.

Exit code: 0, 1 when something is wrong, 2 when the command is used wrongly.
`;

/** @throws CommandError when there is an unknown option, or a function without a table */
export function doctorOptions(args: readonly string[]): DoctorOptions {
  const { values, positionals } = parseOptions('doctor', args, {
    function: { type: 'string' },
    cache: { type: 'string' },
    namespace: { type: 'string' },
    endpoint: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const [table, ...more] = positionals;
  const wrong = (what: string) =>
    new CommandError(`stream-cache doctor: ${what}. See stream-cache doctor --help.`);
  if (more.length > 0) throw wrong(`${more[0]} is one table too many`);
  if (table === undefined && values.function !== undefined) {
    throw wrong('--function needs a table, whose stream the function is on');
  }
  const namespace = namespaceOf(values);
  return { ...values, table, namespace };
}

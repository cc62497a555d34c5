import { CommandError } from './command-error.js';
import { namespaceOf } from './namespace.js';
import { parseOptions } from './parse-options.js';

export interface GetOptions {
  readonly table: string;
  readonly keys: readonly string[];
  readonly cache?: string | undefined;
  readonly namespace?: string | undefined;
  /** Where the table is; absent for the AWS endpoint of the Region. */
  readonly endpoint?: string | undefined;
  readonly compare: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export const GET_HELP = `Usage: stream-cache get TABLE KEY… [options]

Shows what the cache has of items: its key, its text, for how long it lives on, and what is remembered of the item.

A KEY is id=42 (a number as id#42; of two attributes customerId=c1,orderId#7), {"id":"42"}, or {"id":{"S":"42"}}. The
cache's own key, such as users:id=42, will do too.

Options:
  --cache URL       redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]:// or momento:CACHE (default: STREAM_CACHE_URL)
  --namespace NAME  the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --compare         reads the table too, strongly consistent, and shows what differs
  --endpoint URL    a DynamoDB Local, such as http://127.0.0.1:8000 (default: AWS)
  --json            prints one JSON document
  --help            shows this

Exit code: 0, with --compare 1 when something differs, 2 when the command is used wrongly.
`;

/** @throws CommandError when there is an unknown option, or no table or key */
export function getOptions(args: readonly string[]): GetOptions {
  const { values, positionals } = parseOptions('get', args, {
    cache: { type: 'string' },
    namespace: { type: 'string' },
    endpoint: { type: 'string' },
    compare: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const [table = '', ...keys] = positionals;
  if (keys.length === 0 && !values.help) {
    throw new CommandError(
      `stream-cache get: ${table === '' ? 'no table' : 'no key'} is named. See stream-cache get --help.`,
    );
  }
  const { cache, endpoint, compare, json, help } = values;
  const namespace = namespaceOf(values);
  return { table, keys, cache, namespace, endpoint, compare, json, help };
}

import { namespaceOf } from './namespace.js';
import { parseOptions } from './parse-options.js';

export interface StatsOptions {
  /** None: all of them. */
  readonly tables: readonly string[];
  readonly cache?: string | undefined;
  readonly namespace?: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const STATS_HELP = `Usage: stream-cache stats [TABLE...] [options]

Shows what a Redis or Valkey holds, by table: items and results, how large they are and when they end, and what is remembered of them. It goes
through the names a few hundred at a time, and asks for lengths alone; nothing is changed. What a process reads is shown by stream-cache dev --stats.

Options:
  --cache URL       redis[s]:// or valkey[s]:// (a cluster with ?cluster). memcached and Momento do not tell what they have (default: STREAM_CACHE_URL)
  --namespace NAME  only what begins so; with tables their keys' first part (default: STREAM_CACHE_NAMESPACE, else none)
  --json            prints one JSON document
  --help            shows this

Exit code: 0, 1 when the cache cannot be read, 2 when the command is used wrongly.
`;

/** @throws CommandError when there is an unknown option */
export function statsOptions(args: readonly string[]): StatsOptions {
  const { values, positionals } = parseOptions('stats', args, {
    cache: { type: 'string' },
    namespace: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const namespace = namespaceOf(values);
  return { ...values, tables: [...new Set(positionals)], namespace };
}

import { isReaderMode, type ReaderMode } from '../reader-switch.js';
import { CommandError } from './command-error.js';
import { namespaceOf } from './namespace.js';
import { parseOptions } from './parse-options.js';

export interface SwitchOptions {
  /** Absent: it is only shown. */
  readonly mode?: ReaderMode | undefined;
  readonly cache?: string | undefined;
  readonly namespace?: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export const SWITCH_HELP = `Usage: stream-cache switch [off|shadow|on] [options]

Turns reading from the cache off for all readers of a namespace, without a deploy: each obeys within five seconds. Without a word it
shows how it stands. Writes and the stream's handler go on as they are, so that the cache is still true when it is on again.

  off      the tables answer all reads
  shadow   the tables answer all reads, and readers report what the cache would have answered otherwise
  on       the cache answers again, as far as each reader's own option reader says

It is kept in the cache, for thirty days: where that loses all it has, the switch is on again.

Options:
  --cache URL       redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]:// or momento:CACHE (default: STREAM_CACHE_URL)
  --namespace NAME  the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --dry-run         only shows how it stands
  --json            prints one JSON document
  --help            shows this

Exit code: 0, 1 when the cache did not confirm it, 2 when the command is used wrongly.
`;

/** @throws CommandError when there is an unknown option or word */
export function switchOptions(args: readonly string[]): SwitchOptions {
  const { values, positionals } = parseOptions('switch', args, {
    cache: { type: 'string' },
    namespace: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const { cache, json, help, 'dry-run': dryRun } = values;
  const namespace = namespaceOf(values);
  const [word, ...others] = positionals;
  const mode = isReaderMode(word) ? word : undefined;
  if (!help && (others.length > 0 || mode !== word)) {
    throw new CommandError(
      `stream-cache switch: expected off, shadow or on, not ${positionals.join(' ')}. See stream-cache switch --help.`,
    );
  }
  return { mode, cache, namespace, dryRun, json, help };
}

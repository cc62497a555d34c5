import { CommandError } from './command-error.js';
import { parseOptions } from './parse-options.js';
import type { TargetOptions } from './target.js';

export interface InvokeOptions extends TargetOptions {
  readonly paths: readonly string[];
  readonly asRecorded: boolean;
  readonly timeoutMs: number;
  readonly json: boolean;
  readonly help: boolean;
}

export const INVOKE_HELP = `Usage: stream-cache invoke <event.json | folder ...> [options]

Invokes the stream handler once for each event file, in order and on one cache, as Lambda would, and shows what became
of each record, the handler's response, and what is then in the cache. Of a folder it takes the *.json by name.

Options:
  --cache URL        redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]://, momento:CACHE or memory: (default: STREAM_CACHE_URL, else memory:)
  --mode MODE        write, refresh or invalidate (default: STREAM_CACHE_MODE, else write)
  --namespace NAME   the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --handler FILE     invokes the handler that this file exports, such as a built bundle
  --as-recorded      leaves the records' times as they are; by default they are moved, so that the newest record of
                     each event was made just now and nothing is late only because it was recorded long ago
  --timeout SECONDS  the function's timeout (default: 60)
  --json             prints one JSON document
  --verbose          lets the handler log, to standard error
  --help             shows this

The other STREAM_CACHE_ variables of the handler apply here too.

Exit code: 0 when every record is done, 1 when one failed, 2 when the command is used wrongly.
`;

/** @throws CommandError when there is an unknown option, a wrong value, or nothing to invoke with */
export function invokeOptions(args: readonly string[]): InvokeOptions {
  const { values, positionals: paths } = parse(args);
  if (paths.length === 0 && !values.help) {
    throw wrong('no event is named. Give event files or folders of them');
  }
  const seconds = Number(values.timeout);
  if (!(seconds > 0 && seconds <= LONGEST_TIMEOUT_SECONDS)) {
    throw wrong(`--timeout ${values.timeout} is not a number of seconds up to ${LONGEST_TIMEOUT_SECONDS}`);
  }
  const { cache, mode, namespace, handler, 'as-recorded': asRecorded, json, verbose, help } = values;
  return {
    ...{ paths, cache, mode, namespace, handler },
    ...{ asRecorded, timeoutMs: seconds * 1000, json, verbose, help },
  };
}

/** Lambda's own limit. */
const LONGEST_TIMEOUT_SECONDS = 900;

function parse(args: readonly string[]) {
  return parseOptions('invoke', args, {
    cache: { type: 'string' },
    mode: { type: 'string' },
    namespace: { type: 'string' },
    handler: { type: 'string' },
    'as-recorded': { type: 'boolean', default: false },
    timeout: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
}

function wrong(what: string): CommandError {
  return new CommandError(`stream-cache invoke: ${what}. See stream-cache invoke --help.`);
}

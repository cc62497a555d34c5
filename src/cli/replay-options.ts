import { CommandError } from './command-error.js';
import { parseOptions } from './parse-options.js';
import type { TargetOptions } from './target.js';

export interface ReplayOptions extends TargetOptions {
  readonly source: string;
  /** Where the stream is read; absent for the AWS endpoint of the Region. */
  readonly streamEndpoint?: string | undefined;
  /** Goes on behind this file or object. */
  readonly after?: string | undefined;
  readonly list: boolean;
  readonly dryRun: boolean;
  readonly remove: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export const REPLAY_HELP = `Usage: stream-cache replay SOURCE [options]

Invokes the stream handler with what Lambda gave up on, as it was recorded: safe at any time, in any order and more than once. What is late
only deletes, and readers fetch the item.

SOURCE is a file, a folder, s3://BUCKET/PREFIX, or the URL of a queue of SQS. What a queue was told of is read from the stream, which keeps
it for 24 hours. S3 needs @aws-sdk/client-s3, a queue @aws-sdk/client-sqs and @aws-sdk/client-dynamodb-streams.

Options:
  --list                 only shows what there is
  --dry-run              reads all of it, and invokes and removes nothing
  --remove               removes what the handler did in full; asks before
  --yes                  does not ask
  --after NAME           goes on behind this file or object
  --cache URL            redis[s]:// or valkey[s]:// (a cluster with ?cluster), memcached[s]:// or momento:CACHE (default: STREAM_CACHE_URL)
  --mode MODE            write, refresh or invalidate (default: STREAM_CACHE_MODE, else write)
  --namespace NAME       the first part of every key (default: STREAM_CACHE_NAMESPACE, else none)
  --handler FILE         invokes the handler that this file exports, such as a built bundle
  --stream-endpoint URL  a DynamoDB Local, such as http://127.0.0.1:8000 (default: AWS)
  --json                 prints one JSON document for each batch, each on its line
  --verbose              lets the handler log, to standard error
  --help                 shows this

The other STREAM_CACHE_ variables of the handler apply here too.

Exit code: 0 when every record is done, 1 when one failed or it was interrupted, 2 when the command is used wrongly.
`;

/** @throws CommandError when there is an unknown option, or not one source */
export function replayOptions(args: readonly string[]): ReplayOptions {
  const { values, positionals } = parseOptions('replay', args, {
    list: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    remove: { type: 'boolean', default: false },
    yes: { type: 'boolean', short: 'y', default: false },
    after: { type: 'string' },
    cache: { type: 'string' },
    mode: { type: 'string' },
    namespace: { type: 'string' },
    handler: { type: 'string' },
    'stream-endpoint': { type: 'string' },
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const [source = '', ...more] = positionals;
  const { cache, mode, namespace, handler, after, list, remove, yes, json, verbose, help } = values;
  const isQueue = /^https?:/.test(source);
  if (!help) {
    if (source === '')
      throw wrong('no source is named. Give a file, a folder, s3://BUCKET/PREFIX or the URL of a queue');
    if (more.length > 0) throw wrong(`${more[0]} is one source too many`);
    if (isQueue && after !== undefined) throw wrong('a queue has no order: --after is for files and objects');
    const isInvoking = !list && !values['dry-run'];
    if (isInvoking && !(cache || process.env.STREAM_CACHE_URL) && handler === undefined) {
      throw wrong('no cache is named. Give --cache URL, or set STREAM_CACHE_URL');
    }
  }
  return {
    ...{ source, cache, mode, namespace, handler, after, list, remove, yes, json, verbose, help },
    streamEndpoint: values['stream-endpoint'],
    dryRun: values['dry-run'],
  };
}

function wrong(what: string): CommandError {
  return new CommandError(`stream-cache replay: ${what}. See stream-cache replay --help.`);
}

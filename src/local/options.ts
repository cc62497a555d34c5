import { ConfigError, toError } from '../errors.js';
import type { Clock } from './clock.js';
import { systemClock } from './clock.js';
import { type FilterCriteria, readFilter } from './filter.js';
import type { StreamHandler } from './invoke.js';
import type { LocalReport } from './report.js';
import type { StreamSource, StreamsClient } from './source.js';

/**
 * What a `LocalEventSourceMapping` connects, and how. The names, units and defaults are those of
 * [CreateEventSourceMapping](https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html), in camel case,
 * unless it says otherwise.
 */
export interface LocalEventSourceMappingOptions {
  /** The function to invoke. It must not be one that answers through a callback. */
  handler: StreamHandler;
  /** The table whose newest stream is read. Either this or `eventSourceArn`. */
  tableName?: string | undefined;
  /** The ARN of the stream that is read. Either this or `tableName`. */
  eventSourceArn?: string | undefined;
  /** A `DynamoDBStreamsClient` that reads the stream; it stays open when the mapping stops. Either this or `endpoint`. */
  client?: StreamsClient | undefined;
  /**
   * Where a DynamoDB Local is, such as `http://127.0.0.1:8000`. Region and credentials are made up; one that runs without
   * `-sharedDb` keeps the tables of each access key and Region apart, so hand in a `client` with those of the table.
   * Default: the endpoint, Region and credentials that the SDK finds in the environment.
   */
  endpoint?: string | undefined;

  /** Records in a batch at most: 1 to 10,000. Default 100. A batch weighs 6 MB at most, too. */
  batchSize?: number | undefined;
  /** How long to wait for a full batch: 0 to 300 seconds. Default 0: whatever is there is delivered. */
  maximumBatchingWindowInSeconds?: number | undefined;
  /**
   * Where to begin: with the oldest record that the stream still has, or with what is written once `start()` has
   * resolved. Default `TRIM_HORIZON`; AWS has no default.
   */
  startingPosition?: 'TRIM_HORIZON' | 'LATEST' | undefined;
  /** Deliveries after the first: 0 to 10,000, or -1 for no limit. Default -1. */
  maximumRetryAttempts?: number | undefined;
  /**
   * The age from which records are given up: 60 to 604,800 seconds, or -1 for no limit. Default -1.
   */
  maximumRecordAgeInSeconds?: number | undefined;
  /** Whether a failed batch of several records is split in two. Default false. Splitting is no retry. */
  bisectBatchOnFunctionError?: boolean | undefined;
  /**
   * Whether the function's response is read. Default `['ReportBatchItemFailures']`, because the functions that this
   * package makes report failures; with AWS's own default, `[]`, only what a function throws is a failure.
   */
  functionResponseTypes?: readonly 'ReportBatchItemFailures'[] | undefined;
  /** Batches of one shard that are processed at a time: 1 to 10. Default 1. The order of each item is kept. */
  parallelizationFactor?: number | undefined;
  /**
   * Where records go that were given up: the path of a file, which gets one line of JSON for each batch. It has
   * the items in it. Default: nowhere.
   */
  destinationConfig?: { readonly onFailure: { readonly destination: string } } | undefined;

  /**
   * Which records reach the function: `{ filters: [{ pattern: '{"dynamodb": …}' }] }`. Default: all. What a filter on images or event
   * names leaves out, the cache never learns.
   */
  filterCriteria?: FilterCriteria | undefined;

  /** What the function's context calls it. Default: the handler's own name. */
  functionName?: string | undefined;
  /** The function's `Timeout`: more than 0, up to 900 seconds. Default 3, as in Lambda. */
  timeoutInSeconds?: number | undefined;
  /**
   * The pause before the first retry of a batch, in milliseconds, at least 1; it doubles with every further one, up to
   * a minute. Default 100. Lambda backs off too, but does not say how.
   */
  retryDelayInMilliseconds?: number | undefined;
  /** Hears of everything that happens. What it throws is ignored. */
  onReport?: ((report: LocalReport) => void) | undefined;

  /** @internal */
  source?: StreamSource | undefined;
  /** @internal */
  clock?: Clock | undefined;
}

/** The options with their defaults, checked. */
export type Settings = ReturnType<typeof readOptions>;

/** @throws ConfigError when an option is unknown, missing, out of its range or contradicts another. */
export function readOptions(options: LocalEventSourceMappingOptions) {
  if (typeof options !== 'object' || options === null) {
    throw fail('needs an object of options, such as { tableName, handler }');
  }
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) {
      throw fail(`has no option "${name}". Its options are ${[...OPTION_NAMES].join(', ')}`);
    }
  }
  const settings = {
    ...options,
    batchSize: options.batchSize ?? 100,
    maximumBatchingWindowInSeconds: options.maximumBatchingWindowInSeconds ?? 0,
    startingPosition: options.startingPosition ?? 'TRIM_HORIZON',
    maximumRetryAttempts: options.maximumRetryAttempts ?? -1,
    maximumRecordAgeInSeconds: options.maximumRecordAgeInSeconds ?? -1,
    bisectBatchOnFunctionError: options.bisectBatchOnFunctionError ?? false,
    functionResponseTypes: options.functionResponseTypes ?? (['ReportBatchItemFailures'] as const),
    parallelizationFactor: options.parallelizationFactor ?? 1,
    functionName: options.functionName ?? (options.handler?.name || 'handler'),
    timeoutInSeconds: options.timeoutInSeconds ?? 3,
    retryDelayInMilliseconds: options.retryDelayInMilliseconds ?? 100,
    clock: options.clock ?? systemClock,
    passes: filterOf(options.filterCriteria),
  };

  if (typeof settings.handler !== 'function') throw fail('needs a handler: an async function of an event');
  const { source, tableName, eventSourceArn, client, endpoint } = options;
  if (!source && Number(tableName === undefined) + Number(eventSourceArn === undefined) !== 1) {
    throw fail('needs either a tableName or an eventSourceArn');
  }
  if (client && endpoint !== undefined) throw fail('takes either a client or an endpoint, not both');
  if (!['TRIM_HORIZON', 'LATEST'].includes(settings.startingPosition)) {
    throw fail(`takes the startingPosition TRIM_HORIZON or LATEST, not ${settings.startingPosition}`);
  }
  if (settings.destinationConfig && !settings.destinationConfig.onFailure?.destination) {
    throw fail('takes a destinationConfig of { onFailure: { destination: "the path of a file" } }');
  }
  if (settings.functionResponseTypes.some((type) => type !== 'ReportBatchItemFailures')) {
    throw fail('takes the functionResponseTypes ["ReportBatchItemFailures"] or []');
  }
  for (const [name, isValid, range] of RANGES) {
    if (!isValid(settings[name])) throw fail(`takes a ${name} of ${range}, not ${settings[name]}`);
  }
  return settings;
}

const OPTION_NAMES: ReadonlySet<string> = new Set([
  ...['handler', 'tableName', 'eventSourceArn', 'client', 'endpoint'],
  ...['batchSize', 'maximumBatchingWindowInSeconds', 'startingPosition', 'maximumRetryAttempts'],
  ...['maximumRecordAgeInSeconds', 'bisectBatchOnFunctionError', 'functionResponseTypes'],
  ...['parallelizationFactor', 'destinationConfig', 'filterCriteria', 'functionName', 'timeoutInSeconds'],
  ...['retryDelayInMilliseconds', 'onReport', 'source', 'clock'],
]);

const RANGES = [
  ['batchSize', integer(1, 10_000), '1 to 10,000'],
  ['maximumBatchingWindowInSeconds', integer(0, 300), '0 to 300'],
  ['maximumRetryAttempts', integer(-1, 10_000), '-1 to 10,000'],
  [
    'maximumRecordAgeInSeconds',
    (value: number) => value === -1 || integer(60, 604_800)(value),
    '-1, or 60 to 604,800',
  ],
  ['parallelizationFactor', integer(1, 10), '1 to 10'],
  ['timeoutInSeconds', (value: number) => value > 0 && value <= 900, 'more than 0, up to 900'],
  ['retryDelayInMilliseconds', (value: number) => value >= 1, '1 or more'],
] as const;

function filterOf(criteria: FilterCriteria = { filters: [] }) {
  try {
    return readFilter(criteria);
  } catch (cause) {
    throw fail(`takes filterCriteria of patterns as Lambda does: ${toError(cause).message}`);
  }
}

function integer(least: number, most: number): (value: number) => boolean {
  return (value) => Number.isInteger(value) && value >= least && value <= most;
}

function fail(what: string): ConfigError {
  return new ConfigError(`LocalEventSourceMapping ${what}.`);
}

import diagnostics from 'node:diagnostics_channel';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { environmentService } from '../environment.js';
import { ConfigError } from '../errors.js';
import { REPORT_CHANNEL, type Report } from '../report.js';
import { METRIC_DIMENSIONS, METRIC_NAMESPACE, METRICS } from './names.js';
import { newTally } from './tally.js';

export interface MetricsOptions {
  /** CloudWatch namespace. Default `DynamoDBStreamCache`. */
  readonly namespace?: string | undefined;
  /** Value of the dimension `service`. Default: `POWERTOOLS_SERVICE_NAME`, else `dynamodb-stream-cache`. */
  readonly service?: string | undefined;
}

export interface PublishOptions extends MetricsOptions {
  /** How often to publish, in seconds. Default 60. The timer keeps no process alive. */
  readonly everySeconds?: number | undefined;
}

/** Metrics that are published now and then. */
export interface PublishedMetrics {
  /** Writes what came together since the last time to standard output; nothing when nothing did. */
  publish(): void;
  /** Publishes once more, and ends. */
  stop(): void;
}

/**
 * Publishes metrics of a Lambda function after each of its invocations: of the stream handler, or of any function whose
 * SDK clients have the caching middleware. They are lines on standard output in CloudWatch's embedded metric format, one
 * for each table and one for the process. To be used once in a process, since it counts all that happens there.
 *
 * @example export const handler = withMetrics(NewStreamCacheHandler(config));
 * @example export const handler = withMetrics(async (event) => client.send(new GetItemCommand(event.request)));
 */
export function withMetrics<Handler extends (...parameters: never[]) => Promise<unknown>>(
  handler: Handler,
  options: MetricsOptions = {},
): Handler {
  const { publish } = collect(options);
  const published = async (...parameters: Parameters<Handler>) => {
    try {
      return await handler(...parameters);
    } finally {
      publish();
    }
  };
  // With what else the handler has, such as close().
  return Object.assign(published, handler) as unknown as Handler;
}

/**
 * Publishes metrics of a process that runs on, such as a server whose SDK clients have the caching middleware, once a
 * minute. Lambda functions use {@link withMetrics} instead: they are frozen between invocations.
 *
 * @example const metrics = publishMetrics({ service: 'shop' });
 * @throws ConfigError when everySeconds is wrong
 */
export function publishMetrics({ everySeconds = 60, ...options }: PublishOptions = {}): PublishedMetrics {
  if (!(everySeconds >= 1 && everySeconds <= 3_600)) {
    throw new ConfigError(
      'Option everySeconds of publishMetrics is wrong: expected seconds from 1 to an hour.',
    );
  }
  const { publish, unsubscribe } = collect(options);
  const timer = setInterval(publish, everySeconds * 1_000).unref();
  return {
    publish,
    stop() {
      clearInterval(timer);
      unsubscribe();
      publish();
    },
  };
}

/** Listens to the reports of this process. */
function collect({
  namespace = METRIC_NAMESPACE,
  service: serviceName = environmentService(),
}: MetricsOptions) {
  const tally = newTally();
  const listen = (report: unknown) => tally.add(report as Report);
  diagnostics.subscribe(REPORT_CHANNEL, listen);
  return {
    publish() {
      for (const [table, values] of tally.take()) {
        const defaultDimensions = table === undefined ? {} : { [METRIC_DIMENSIONS.table]: table };
        const metrics = new Metrics({ namespace, serviceName, defaultDimensions });
        for (const [name, all] of values) {
          for (const value of all) metrics.addMetric(name, METRICS[name].unit, value);
        }
        metrics.publishStoredMetrics();
      }
    },
    unsubscribe: () => diagnostics.unsubscribe(REPORT_CHANNEL, listen),
  };
}

import { Duration, Tokenization } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { Cache, WatchedNodes, WatchedServerless } from './cache.js';
import { hitRate, mappingMetric, nodeMetric, serverlessMetric, type WatchedTable } from './metrics.js';

export interface MonitoringOptions {
  /** What every alarm does, such as `new SnsAction(topic)`. Default: it only changes its state. */
  readonly alarmActions?: readonly IAlarmAction[];
  /** How far the function may be behind the stream. Default 60 s, from where on changes only delete. */
  readonly maxLag?: Duration;
  /** The hit rate below which readers gain too little, in percent. Default 50. Needs `metrics`. */
  readonly minHitRate?: number;
  /** The dimension `service` of the readers' metrics. Default `dynamodb-stream-cache`, as theirs. */
  readonly readerService?: string;
  /** Default true. */
  readonly dashboard?: boolean;
}

interface Watch {
  readonly metric: IMetric;
  readonly threshold: number;
  /** Default: at or above the threshold. */
  readonly below?: boolean;
  /** In how many of five periods; default 3. At 1 the first one raises it. */
  readonly times?: 1 | 3;
  /** Ends with where to read on. */
  readonly means: string;
}

/** Alarms of the function, whatever its tables. */
export function addHandlerAlarms(
  scope: Construct,
  handler: LambdaFunction,
  { maxLag = Duration.seconds(60), ...options }: MonitoringOptions,
): void {
  const period = Duration.minutes(1);
  alarm(scope, 'Lag', options, {
    metric: handler.metric('IteratorAge', { statistic: Stats.MAXIMUM, period }),
    threshold: maxLag.toMilliseconds(),
    means: `The function is ${maxLag.toHumanString()} behind the stream or more: what the cache holds is as old.`,
  });
  alarm(scope, 'Errors', options, {
    metric: handler.metricErrors({ period }),
    threshold: 1,
    means: 'The function ends without a response, by an exception or its timeout. Lambda tries again.',
  });
  alarm(scope, 'Undelivered', options, {
    metric: handler.metric('DestinationDeliveryFailures', { statistic: Stats.SUM, period }),
    threshold: 1,
    times: 1,
    means:
      'Lambda gave up on records and could not put them into the bucket: their entries are stale until the TTL.',
  });
}

/** Alarms of a table's mapping and, where metrics are on, of its readers. */
export function addTableAlarms(
  scope: Construct,
  suffix: string,
  table: WatchedTable,
  { minHitRate = 50, ...options }: MonitoringOptions,
): void {
  alarm(scope, `FailedRecords${suffix}`, options, {
    metric: mappingMetric(table.mapping, 'FailedInvokeEventCount'),
    threshold: 1,
    means: 'The cache does not confirm changes, or a record fails each time. Lambda delivers them again.',
  });
  alarm(scope, `LostRecords${suffix}`, options, {
    metric: new MathExpression({
      expression: 'FILL(delivered, 0) + FILL(dropped, 0)',
      usingMetrics: {
        delivered: mappingMetric(table.mapping, 'OnFailureDestinationDeliveredEventCount'),
        dropped: mappingMetric(table.mapping, 'DroppedEventCount'),
      },
      label: 'Lost records',
      period: Duration.minutes(1),
    }),
    threshold: 1,
    times: 1,
    means:
      'Lambda gave up on records: their entries are stale until the TTL. The events are in the bucket: replay them.',
  });
  if (table.readerService === undefined) return;
  alarm(scope, `HitRate${suffix}`, options, {
    metric: hitRate(table, Duration.minutes(5), 100),
    threshold: minHitRate,
    below: true,
    means: `Fewer than ${minHitRate} % of the lookups find something.`,
  });
}

/** Alarms of the cache itself. */
export function addCacheAlarms(scope: Construct, { watch }: Cache, options: MonitoringOptions): void {
  if (watch?.type === 'serverless') addServerlessAlarms(scope, watch, options);
  if (watch?.type === 'nodes') addNodeAlarms(scope, watch, options);
}

function addServerlessAlarms(
  scope: Construct,
  { cacheName, maxStorageGb, maxEcpuPerSecond }: WatchedServerless,
  options: MonitoringOptions,
): void {
  alarm(scope, 'Memory', options, {
    metric: share(
      serverlessMetric(cacheName, 'BytesUsedForCache', Stats.MAXIMUM),
      `(${text(maxStorageGb)} * 1000000000)`,
    ),
    threshold: 80,
    means: `The cache holds 80 % of its ${text(maxStorageGb)} GB. Beyond them it evicts.`,
  });
  alarm(scope, 'Ecpu', options, {
    metric: share(
      serverlessMetric(cacheName, 'ElastiCacheProcessingUnits', Stats.SUM),
      `(${text(maxEcpuPerSecond)} * 60)`,
    ),
    threshold: 80,
    means: `The cache spends 80 % of its ${text(maxEcpuPerSecond)} ECPU a second. Beyond them it throttles.`,
  });
  alarm(scope, 'Throttled', options, {
    metric: serverlessMetric(cacheName, 'ThrottledCmds', Stats.SUM),
    threshold: 1,
    means: 'The cache throttles: readers go to DynamoDB, and the function falls behind.',
  });
  alarm(scope, 'Evictions', options, {
    metric: serverlessMetric(cacheName, 'Evictions', Stats.SUM),
    threshold: 1,
    means: 'The cache is full and evicts. Guards may be among what it evicts.',
  });
}

/** A metric in percent of a limit, which may be known at deployment only. */
function share(used: IMetric, limit: string): IMetric {
  return new MathExpression({
    expression: `100 * used / ${limit}`,
    usingMetrics: { used },
    label: '%',
    period: Duration.minutes(1),
  });
}

const text = (value: number) => Tokenization.stringifyNumber(value);

/** One alarm for each shard, over all its nodes: which of them is the primary changes. */
function addNodeAlarms(scope: Construct, { shards }: WatchedNodes, options: MonitoringOptions): void {
  for (const [index, nodes] of shards.entries()) {
    const suffix = shards.length === 1 ? '' : `${index + 1}`;
    const shard = shards.length === 1 ? 'the cache' : `shard ${index + 1}`;
    alarm(scope, `Memory${suffix}`, options, {
      metric: most(nodes, 'DatabaseMemoryUsagePercentage', Stats.MAXIMUM),
      threshold: 80,
      means: `A node of ${shard} has used 80 % of its memory. Beyond it, it evicts.`,
    });
    alarm(scope, `Cpu${suffix}`, options, {
      metric: most(nodes, 'EngineCPUUtilization', Stats.AVERAGE),
      threshold: 80,
      means: `A node of ${shard} is busy for 80 % of the time.`,
    });
    alarm(scope, `Evictions${suffix}`, options, {
      metric: most(nodes, 'Evictions', Stats.SUM),
      threshold: 1,
      means: `A node of ${shard} is full and evicts. Guards may be among what it evicts.`,
    });
  }
}

function most(nodes: readonly string[], metricName: string, statistic: string): IMetric {
  const metrics = nodes.map((node, index) => [`node${index}`, nodeMetric(node, metricName, statistic)]);
  return new MathExpression({
    expression: `MAX([${metrics.map(([id]) => id).join(', ')}])`,
    usingMetrics: Object.fromEntries(metrics),
    label: metricName,
    period: Duration.minutes(1),
  });
}

/** An alarm that says what it means. */
export function alarm(
  scope: Construct,
  name: string,
  { alarmActions = [] }: Pick<MonitoringOptions, 'alarmActions'>,
  { metric, threshold, below = false, times = 3, means }: Watch,
): void {
  new Alarm(scope, `${name}Alarm`, {
    alarmDescription: `${means} See docs/runbook.md of dynamodb-stream-cache.`,
    metric,
    threshold,
    comparisonOperator: below
      ? ComparisonOperator.LESS_THAN_THRESHOLD
      : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: times === 1 ? 1 : 5,
    datapointsToAlarm: times,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  }).addAlarmAction(...alarmActions);
}

import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { Cache } from './cache.js';
import {
  hitRate,
  mappingMetric,
  nodeMetric,
  ownMetric,
  serverlessMetric,
  type WatchedTable,
} from './metrics.js';

const WIDTH = 8;
const PERIOD = Duration.minutes(1);

/** The dashboard: one row each for the function and the cache, to which {@link addTableRow} adds one for each table. */
export function newDashboard(scope: Construct, handler: LambdaFunction, { watch }: Cache): Dashboard {
  const dashboard = new Dashboard(scope, 'Dashboard', { defaultInterval: Duration.hours(6) });
  dashboard.addWidgets(
    graph('How far the function is behind (ms)', [
      handler.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: PERIOD, label: 'Iterator age' }),
    ]),
    graph('Invocations', [
      handler.metricInvocations({ period: PERIOD }),
      handler.metricErrors({ period: PERIOD }),
      handler.metricThrottles({ period: PERIOD }),
      handler.metric('DestinationDeliveryFailures', { statistic: Stats.SUM, period: PERIOD }),
    ]),
    graph('Duration (ms)', [
      handler.metricDuration({ statistic: Stats.AVERAGE, period: PERIOD, label: 'Average' }),
      handler.metricDuration({ statistic: Stats.p(99), period: PERIOD, label: 'p99' }),
    ]),
  );
  if (watch !== undefined) dashboard.addWidgets(...cacheRow(watch));
  return dashboard;
}

/** The row of a table: what became of its records and, where metrics are on, what its readers found. */
export function addTableRow(dashboard: Dashboard, table: WatchedTable): void {
  const { mapping, stream } = table;
  const { tableName } = stream.table;
  const counts = [
    'PolledEventCount',
    'InvokedEventCount',
    'FailedInvokeEventCount',
    'DroppedEventCount',
    'OnFailureDestinationDeliveredEventCount',
  ];
  dashboard.addWidgets(
    graph(
      `${tableName}: records of the stream`,
      counts.map((name) => mappingMetric(mapping, name)),
    ),
    ...(table.readerService === undefined ? [] : ownWidgets(table)),
  );
}

function ownWidgets(table: WatchedTable): IWidget[] {
  const { stream, readerService } = table;
  const { tableName } = stream.table;
  return [
    graph(
      `${tableName}: what became of records`,
      (
        [
          'RecordsWritten',
          'RecordsDeleted',
          'RecordsLate',
          'RecordsStale',
          'RecordsFull',
          'RecordsPoison',
          'RecordsFailed',
        ] as const
      ).map((name) => ownMetric(name, stream)),
    ),
    new GraphWidget({
      title: `${tableName}: lookups, and the share that found something (%)`,
      width: WIDTH,
      left: (['Hits', 'Misses', 'StrongReads'] as const).map((name) =>
        ownMetric(name, stream, readerService),
      ),
      right: [hitRate(table)],
      rightYAxis: { min: 0, max: 100 },
    }),
  ];
}

function cacheRow(watch: NonNullable<Cache['watch']>): IWidget[] {
  if (watch.type === 'nodes') {
    const nodes = watch.shards.flat();
    const each = (name: string, statistic: string) => nodes.map((node) => nodeMetric(node, name, statistic));
    return [
      graph('Memory of the nodes (%)', each('DatabaseMemoryUsagePercentage', Stats.MAXIMUM)),
      graph('CPU of the nodes (%)', each('EngineCPUUtilization', Stats.AVERAGE)),
      graph('Evictions', each('Evictions', Stats.SUM)),
    ];
  }
  const of = (name: string, statistic: string) => serverlessMetric(watch.cacheName, name, statistic);
  return [
    graph('Bytes in the cache', [of('BytesUsedForCache', Stats.MAXIMUM)]),
    graph('ECPU, throttled commands', [
      of('ElastiCacheProcessingUnits', Stats.SUM),
      of('ThrottledCmds', Stats.SUM),
    ]),
    graph('Evictions, connections', [of('Evictions', Stats.SUM), of('CurrConnections', Stats.MAXIMUM)]),
  ];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: WIDTH, leftYAxis: { min: 0 } });
}

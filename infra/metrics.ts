import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { DEFAULT_SERVICE } from '../src/environment.js';
import { METRIC_DIMENSIONS, METRIC_NAMESPACE, METRICS, type MetricName } from '../src/metrics/names.js';
import type { DeclaredStream } from './declared-stream.js';

const PERIOD = Duration.minutes(1);

/** A table, as far as alarms and the dashboard have to know it. */
export interface WatchedTable {
  readonly stream: DeclaredStream;
  readonly mapping: EventSourceMapping;
  /** The dimension `service` of its readers' metrics; `undefined` where metrics are off. */
  readonly readerService: string | undefined;
}

/** A count that Lambda keeps of a mapping's records. */
export function mappingMetric(mapping: EventSourceMapping, metricName: string): Metric {
  return new Metric({
    namespace: 'AWS/Lambda',
    metricName,
    dimensionsMap: { EventSourceMappingUUID: mapping.eventSourceMappingId },
    statistic: Stats.SUM,
    period: PERIOD,
  });
}

/** A metric of a serverless cache. */
export function serverlessMetric(cacheName: string, metricName: string, statistic: string): Metric {
  return new Metric({
    namespace: 'AWS/ElastiCache',
    metricName,
    dimensionsMap: { clusterId: cacheName },
    statistic,
    period: PERIOD,
  });
}

/** A metric of one node. */
export function nodeMetric(nodeId: string, metricName: string, statistic: string): Metric {
  return new Metric({
    namespace: 'AWS/ElastiCache',
    metricName,
    dimensionsMap: { CacheClusterId: nodeId, CacheNodeId: '0001' },
    label: nodeId,
    statistic,
    period: PERIOD,
  });
}

/** A metric that the package publishes itself where metrics are on. */
export function ownMetric(
  metricName: MetricName,
  { table }: DeclaredStream,
  service: string = DEFAULT_SERVICE,
): Metric {
  const { per, unit } = METRICS[metricName];
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: {
      [METRIC_DIMENSIONS.service]: service,
      ...(per === 'table' && { [METRIC_DIMENSIONS.table]: table.tableName }),
    },
    statistic: unit === 'Milliseconds' ? Stats.MAXIMUM : Stats.SUM,
    period: PERIOD,
  });
}

/** The share of lookups of a table that found something, in percent; nothing while hardly anybody asks. */
export function hitRate({ stream, readerService }: WatchedTable, period = PERIOD, least = 1): IMetric {
  return new MathExpression({
    expression: `IF(FILL(hits, 0) + FILL(misses, 0) >= ${least}, 100 * FILL(hits, 0) / (FILL(hits, 0) + FILL(misses, 0)))`,
    usingMetrics: {
      hits: ownMetric('Hits', stream, readerService).with({ period }),
      misses: ownMetric('Misses', stream, readerService).with({ period }),
    },
    label: 'Hit rate',
    period,
  });
}

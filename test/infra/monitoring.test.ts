import { Duration } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { AttributeType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, test } from 'vitest';
import { METRIC_NAMESPACE, METRICS } from '../../src/metrics/names.js';
import { asTable, propertiesOf, streamCache, textOf } from './stacks.js';

interface Alarm {
  readonly MetricName?: string;
  readonly Namespace?: string;
  readonly Metrics?: readonly { Expression?: unknown; MetricStat?: { Metric: Alarm; Period: number } }[];
  readonly Dimensions: readonly { Name: string; Value: unknown }[];
  readonly ComparisonOperator: string;
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly TreatMissingData: string;
  readonly AlarmActions?: readonly unknown[];
  readonly AlarmDescription: string;
}

type Template = ReturnType<typeof streamCache>['template'];

describe('alarms', () => {
  const { template } = streamCache(({ stack }) => ({
    metrics: true,
    monitoring: { alarmActions: [new SnsAction(new Topic(stack, 'Topic'))] },
  }));

  test.each([
    ['Lag', 'AWS/Lambda IteratorAge >= 60000'],
    ['Errors', 'AWS/Lambda Errors >= 1'],
    ['Undelivered', 'AWS/Lambda DestinationDeliveryFailures >= 1, at once'],
    ['FailedRecords', 'AWS/Lambda FailedInvokeEventCount >= 1'],
    [
      'LostRecords',
      'FILL(delivered, 0) + FILL(dropped, 0) of AWS/Lambda OnFailureDestinationDeliveredEventCount, AWS/Lambda DroppedEventCount >= 1, at once',
    ],
    [
      'HitRate',
      'IF(FILL(hits, 0) + FILL(misses, 0) >= 100, 100 * FILL(hits, 0) / (FILL(hits, 0) + FILL(misses, 0))) of DynamoDBStreamCache Hits, DynamoDBStreamCache Misses < 50',
    ],
    ['Memory', '100 * used / (10 * 1000000000) of AWS/ElastiCache BytesUsedForCache >= 80'],
    ['Ecpu', '100 * used / (30000 * 60) of AWS/ElastiCache ElastiCacheProcessingUnits >= 80'],
    ['Throttled', 'AWS/ElastiCache ThrottledCmds >= 1'],
    ['Evictions', 'AWS/ElastiCache Evictions >= 1'],
  ])('of %s are raised by %s', (name, expected) => {
    expect(condition(alarmOf(template, name))).toBe(expected);
  });

  test('all do what is asked for, hold their peace without data, and say where to read on', () => {
    const alarms = alarmsOf(template);
    expect(alarms).toHaveLength(10);
    for (const alarm of alarms) {
      expect(alarm.AlarmActions?.map(textOf)).toEqual(['<Topic>']);
      expect(alarm.TreatMissingData).toBe('notBreaching');
      expect(textOf(alarm.AlarmDescription)).toMatch(/\. See docs\/runbook\.md of dynamodb-stream-cache\.$/);
    }
  });

  test('ask for what the function, the mapping, the cache and the table are known by', () => {
    const dimensions = (name: string) => {
      const { Dimensions, Metrics = [] } = alarmOf(template, name);
      const [of = []] = [
        Dimensions,
        ...Metrics.map(({ MetricStat }) => MetricStat?.Metric.Dimensions),
      ].filter(Boolean);
      return of.map(({ Name, Value }) => `${Name}=${textOf(Value)}`);
    };
    expect(dimensions('Lag')).toEqual(['FunctionName=<CacheHandler>']);
    expect(dimensions('FailedRecords')).toEqual(['EventSourceMappingUUID=<CacheStream>']);
    expect(dimensions('LostRecords')).toEqual(['EventSourceMappingUUID=<CacheStream>']);
    expect(dimensions('Memory')).toEqual(['clusterId=shop-cache-dac39396']);
    expect(dimensions('HitRate')).toEqual(['service=dynamodb-stream-cache', 'table=<Orders>']);
  });

  test('have other thresholds where they are given', () => {
    const { template } = streamCache({
      metrics: true,
      monitoring: { maxLag: Duration.seconds(10), minHitRate: 90, readerService: 'shop' },
    });
    expect(alarmOf(template, 'Lag').Threshold).toBe(10_000);
    expect(alarmOf(template, 'HitRate').Threshold).toBe(90);
    expect(JSON.stringify(alarmOf(template, 'HitRate'))).toContain('"Name":"service","Value":"shop"');
  });

  test('watch the hit rate only where metrics are published, and the cache only where it is made here', () => {
    const { template } = streamCache({ cache: { type: 'existing', host: 'cache.example.com' } });
    expect(alarmsOf(template)).toHaveLength(5);
  });

  test('watch each shard over all its nodes', () => {
    const { template } = streamCache({
      cache: { type: 'nodes', name: 'orders', nodeType: 'cache.t4g.micro', shards: 2, replicasPerShard: 1 },
    });
    for (const metric of ['Memory', 'Cpu', 'Evictions']) {
      const shard = alarmOf(template, `${metric}2`);
      expect(condition(shard)).toMatch(
        /^MAX\(\[node0, node1\]\) of AWS\/ElastiCache \w+, AWS\/ElastiCache \w+ >= (?:80|1)$/,
      );
      expect(JSON.stringify(shard)).toContain('"Value":"orders-0002-001"');
      expect(JSON.stringify(shard)).toContain('"Value":"orders-0002-002"');
    }
    const single = streamCache({ cache: { type: 'nodes', name: 'orders', nodeType: 'cache.t4g.micro' } });
    expect(JSON.stringify(alarmOf(single.template, 'Memory'))).toContain('"Value":"orders-002"');
  });

  test('and the dashboard watch each table', () => {
    const { template } = streamCache({ metrics: true }, (cache, { stack }) => {
      const partitionKey = { name: 'id', type: AttributeType.STRING };
      const stream = StreamViewType.NEW_AND_OLD_IMAGES;
      cache.addTable(asTable(new Table(stack, 'Users', { partitionKey, stream })));
    });
    expect(JSON.stringify(alarmOf(template, 'LostRecords2'))).toContain('"CacheStream2');
    expect(dashboardOf(template)).toContain('<Users>: records of the stream');
  });
});

describe('the dashboard', () => {
  test('shows the function, the cache, and what became of records and lookups where metrics are published', () => {
    const body = dashboardOf(streamCache({ metrics: true }).template);
    for (const name of ['IteratorAge', 'Duration', 'PolledEventCount', 'BytesUsedForCache', 'Evictions']) {
      expect(body).toContain(`"${name}"`);
    }
    const own = [...body.matchAll(/"DynamoDBStreamCache","(\w+)"/g)].map(([, name]) => name ?? '');
    expect(own).toEqual(expect.arrayContaining(['RecordsWritten', 'RecordsFailed', 'Hits', 'Misses']));
    expect(own.filter((name) => !(name in METRICS))).toEqual([]);
  });

  test('asks for no metrics of its own where none are published', () => {
    const body = dashboardOf(streamCache().template);
    expect(body).toContain('"FailedInvokeEventCount"');
    expect(body).not.toContain(METRIC_NAMESPACE);
  });

  test('can be left out', () => {
    const { template } = streamCache({ monitoring: { dashboard: false } });
    expect(Object.keys(template.findResources('AWS::CloudWatch::Dashboard'))).toEqual([]);
  });
});

function alarmsOf(template: Template): Alarm[] {
  return Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
}

function alarmOf(template: Template, name: string): Alarm {
  return propertiesOf(template, 'AWS::CloudWatch::Alarm', `Cache${name}Alarm`);
}

function condition(alarm: Alarm): string {
  const { Metrics = [], ComparisonOperator, Threshold, EvaluationPeriods, DatapointsToAlarm } = alarm;
  const metrics =
    Metrics.length === 0 ? [alarm] : Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
  const expression = Metrics.find(({ Expression }) => Expression)?.Expression;
  const what = metrics.map(({ Namespace, MetricName }) => `${Namespace} ${MetricName}`).join(', ');
  const operator = { GreaterThanOrEqualToThreshold: '>=', LessThanThreshold: '<' }[ComparisonOperator];
  const when = `${DatapointsToAlarm} of ${EvaluationPeriods}` === '3 of 5' ? '' : ', at once';
  return `${expression ? `${textOf(expression)} of ` : ''}${what} ${operator} ${Threshold}${when}`;
}

function dashboardOf(template: Template): string {
  return textOf(propertiesOf(template, 'AWS::CloudWatch::Dashboard').DashboardBody);
}

import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { METRICS } from '../../src/metrics/names.js';
import { METER_NAME, RESULT_ATTRIBUTE, reportToOpenTelemetry } from '../../src/opentelemetry/index.js';
import { batchGetUsers, newPair, user } from '../read/rig.js';

/** OpenTelemetry as an application has it, which keeps what it is told. */

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const meters = new MeterProvider({ readers: [reader] });
const spans = new InMemorySpanExporter();
const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const tracer = tracers.getTracer('application');

beforeAll(() => {
  metrics.setGlobalMeterProvider(meters);
  trace.setGlobalTracerProvider(tracers);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(async () => {
  await meters.shutdown();
  for (const api of [metrics, trace, context]) api.disable();
});

let end: () => void;
beforeEach(() => {
  end = reportToOpenTelemetry();
});
afterEach(() => {
  end();
  spans.reset();
});

/** What was told of a metric since the beginning, for each table. */
async function told(name: string) {
  exporter.reset();
  await reader.forceFlush();
  const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
  const ours = scopes.filter(({ scope }) => scope.name === METER_NAME).flatMap((scope) => scope.metrics);
  const metric = ours.find(({ descriptor }) => descriptor.name === name);
  return {
    unit: metric?.descriptor.unit,
    values: metric?.dataPoints.map(({ attributes, value }) => [attributes, value] as const) ?? [],
  };
}
const ofUsers = { 'db.system.name': 'aws.dynamodb', 'db.collection.name': 'users' };

/** A span around a call, as instrumentation of the SDK makes one, and what it says of the result. */
async function traced(call: () => Promise<unknown>): Promise<unknown> {
  await tracer.startActiveSpan('DynamoDB', async (span) => {
    await call();
    span.end();
  });
  return spans.getFinishedSpans().at(-1)?.attributes[RESULT_ATTRIBUTE];
}

describe('OpenTelemetry is told', () => {
  test('of records, by outcome and table, and how long the cache was behind', async () => {
    const pair = newPair();
    await pair.deliver(...['1', '2', '3'].map((id) => pair.table.put(user(id, 'Ada'))));
    expect(await told('RecordsWritten')).toMatchObject({ values: [[ofUsers, 3]] });
    const { unit, values } = await told('InvalidationLag');
    expect(unit).toBe('ms');
    expect(values).toMatchObject([[ofUsers, { count: 3, min: expect.any(Number) }]]);
    expect((await told('BatchSize')).values).toMatchObject([
      [{ 'db.system.name': 'aws.dynamodb' }, { count: 1, sum: 3 }],
    ]);
  });

  test('of hits and misses, also on the span of the call', async () => {
    const pair = newPair();
    for (const id of ['1', '2']) pair.table.put(user(id, 'Ada'));
    expect(await traced(() => pair.get('1'))).toBe('miss');
    expect(await traced(() => pair.get('1'))).toBe('hit');
    expect(await traced(() => batchGetUsers(pair.client, '1', '2'))).toBe('partial');
    expect(await traced(() => batchGetUsers(pair.client, '1', '2'))).toBe('hit');
    expect((await told('Hits')).values).toEqual([[ofUsers, 4]]);
    expect((await told('Misses')).values).toEqual([[ofUsers, 2]]);
    expect((await told('BreakerOpen')).values).toEqual([[{ 'db.system.name': 'aws.dynamodb' }, 0]]);
  });

  test('once, however often it is asked for', async () => {
    const endAgain = reportToOpenTelemetry();
    const pair = newPair();
    const before = (await told('Misses')).values[0]?.[1];
    await pair.get('1');
    expect((await told('Misses')).values[0]?.[1]).toBe(Number(before) + 1);
    endAgain();
  });

  test('by the names of all metrics, and nothing more once it has ended', async () => {
    end();
    const pair = newPair();
    const before = (await told('Misses')).values;
    expect(await traced(() => pair.get('1'))).toBeUndefined();
    expect((await told('Misses')).values).toEqual(before);
    exporter.reset();
    await reader.forceFlush();
    const names = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    expect(Object.keys(METRICS)).toEqual(
      expect.arrayContaining(names.map(({ descriptor }) => descriptor.name)),
    );
  });
});

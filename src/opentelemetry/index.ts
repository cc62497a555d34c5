import diagnostics from 'node:diagnostics_channel';
import { type Attributes, metrics, type Span, trace } from '@opentelemetry/api';
import { METRICS, type MetricName } from '../metrics/names.js';
import { newTally } from '../metrics/tally.js';
import { processWide } from '../process-wide.js';
import { REPORT_CHANNEL, type Report } from '../report.js';

/** What the meter is named. */
export const METER_NAME = 'dynamodb-stream-cache';

/** On the span of a read: `hit`, `miss`, or `partial` for a BatchGetItem of which both is true. */
export const RESULT_ATTRIBUTE = 'dynamodb_stream_cache.result';

type Instrument = { readonly record: (value: number, attributes: Attributes) => void };

/**
 * Tells OpenTelemetry what happens in this process: metrics of the names that `dynamodb-stream-cache/metrics` has, and on the active span of
 * each read whether the cache answered it. What is told goes to the providers that the application has registered; without any
 * it goes nowhere. A second call does nothing.
 *
 * Tables and the database are named as the semantic conventions for databases name them.
 * https://opentelemetry.io/docs/specs/semconv/database/dynamodb/
 *
 * @returns ends it
 */
export function reportToOpenTelemetry(): () => void {
  const told = processWide('opentelemetry', (): { isTold?: boolean } => ({}));
  if (told.isTold) return () => {};
  told.isTold = true;
  const instruments = new Map<MetricName, Instrument>();
  const tally = newTally();
  const results = new WeakMap<Span, string>();

  function instrumentOf(name: MetricName): Instrument {
    const known = instruments.get(name);
    if (known !== undefined) return known;
    const made = newInstrument(name);
    instruments.set(name, made);
    return made;
  }

  function newInstrument(name: MetricName): Instrument {
    const { unit } = METRICS[name];
    const meter = metrics.getMeter(METER_NAME);
    if (name === 'BreakerOpen') return meter.createGauge(name);
    if (unit === 'Milliseconds') return meter.createHistogram(name, { unit: 'ms' });
    if (name === 'BatchSize') return meter.createHistogram(name, { unit: '{record}' });
    const counter = meter.createCounter(name);
    return { record: (value, attributes) => counter.add(value, attributes) };
  }

  function record(name: MetricName, values: readonly number[], table: string | undefined): void {
    const attributes = {
      'db.system.name': 'aws.dynamodb',
      ...(table !== undefined && { 'db.collection.name': table }),
    };
    for (const value of values) instrumentOf(name).record(value, attributes);
  }

  function mark(span: Span | undefined, result: 'hit' | 'miss'): void {
    if (span === undefined) return;
    const before = results.get(span) ?? result;
    const now = before === result ? result : 'partial';
    results.set(span, now);
    span.setAttribute(RESULT_ATTRIBUTE, now);
  }

  const listen = (message: unknown) => {
    const report = message as Report;
    // All of them, where the tally keeps a part.
    if (report.type === 'record' && report.lagMs !== undefined)
      record('InvalidationLag', [report.lagMs], report.tableName);
    if (report.type === 'hit' || report.type === 'miss') mark(trace.getActiveSpan(), report.type);
    tally.add(report);
    for (const [table, tallied] of tally.take()) {
      for (const [name, values] of tallied) if (name !== 'InvalidationLag') record(name, values, table);
    }
  };
  diagnostics.subscribe(REPORT_CHANNEL, listen);
  return () => {
    diagnostics.unsubscribe(REPORT_CHANNEL, listen);
    told.isTold = false;
  };
}

import type { RecordOutcome, Report } from '../report.js';
import type { MetricName } from './names.js';

/** What was counted and measured: values by metric, for each table and, under `undefined`, for the process. */
export type Tallied = ReadonlyMap<string | undefined, ReadonlyMap<MetricName, readonly number[]>>;

/** Makes metrics of reports. */
export interface Tally {
  add(report: Report): void;
  /** Hands over what came together since the last time, and begins anew. */
  take(): Tallied;
}

const RECORD_METRICS: Readonly<Record<RecordOutcome, MetricName>> = {
  written: 'RecordsWritten',
  deleted: 'RecordsDeleted',
  unchanged: 'RecordsUnchanged',
  superseded: 'RecordsSuperseded',
  stale: 'RecordsStale',
  included: 'RecordsIncluded',
  late: 'RecordsLate',
  disordered: 'RecordsDisordered',
  overlapping: 'RecordsOverlapping',
  same: 'RecordsSame',
  full: 'RecordsFull',
  skipped: 'RecordsSkipped',
  failed: 'RecordsFailed',
};

export function newTally(): Tally {
  let tallied = new Map<string | undefined, Map<MetricName, number[]>>();
  /** The oldest record of each table in the invocation under way. */
  const oldestMs = new Map<string, number>();
  /** How long the cache was behind the table, of each of its records. */
  const lagsMs = new Map<string, number[]>();
  let isOpen = false;

  function valuesOf(table: string | undefined, name: MetricName): number[] {
    const metrics = tallied.get(table) ?? new Map<MetricName, number[]>();
    tallied.set(table, metrics);
    const values = metrics.get(name) ?? [];
    metrics.set(name, values);
    return values;
  }

  function lagsOf(table: string): number[] {
    const lags = lagsMs.get(table) ?? [];
    lagsMs.set(table, lags);
    return lags;
  }

  function count(table: string | undefined, name: MetricName, by = 1): void {
    const values = valuesOf(table, name);
    values[0] = (values[0] ?? 0) + by;
  }

  function read(): void {
    const values = valuesOf(undefined, 'BreakerOpen');
    values[0] = isOpen ? 1 : (values[0] ?? 0);
  }

  return {
    add(report) {
      switch (report.type) {
        case 'record': {
          const { tableName, outcome, ageMs } = report;
          count(tableName, RECORD_METRICS[outcome]);
          if (ageMs !== undefined) oldestMs.set(tableName, Math.max(ageMs, oldestMs.get(tableName) ?? 0));
          if (report.lagMs !== undefined) lagsOf(tableName).push(report.lagMs);
          return;
        }
        case 'poison':
          return count(report.tableName, 'RecordsPoison');
        case 'batch':
          for (const [table, ageMs] of oldestMs) valuesOf(table, 'StreamAge').push(ageMs);
          oldestMs.clear();
          for (const [table, lags] of lagsMs) valuesOf(table, 'InvalidationLag').push(...spread(lags));
          lagsMs.clear();
          valuesOf(undefined, 'BatchSize').push(report.records);
          valuesOf(undefined, 'BatchDuration').push(report.durationMs);
          return;
        case 'hit':
        case 'miss':
          read();
          return count(report.tableName, report.type === 'hit' ? 'Hits' : 'Misses');
        case 'shadow':
          count(report.tableName, 'ShadowReads');
          if (report.outcome !== 'stale') return;
          count(report.tableName, 'StaleHits');
          valuesOf(report.tableName, 'StaleHitAge').push(report.ageMs ?? 0);
          return;
        case 'fill':
          return count(report.tableName, fillMetric(report.outcome));
        case 'strong-read':
          return count(report.tableName, 'StrongReads');
        case 'undecodable':
          return count(report.tableName, 'EntriesUndecodable');
        case 'void':
          if (report.outcome === 'failed') count(report.tableName, 'VoidsFailed', report.keys.length);
          return;
        case 'cache-failure':
          return count(undefined, 'CacheFailures');
        case 'breaker':
          isOpen = report.state === 'open';
          return read();
        case 'invalidates-only':
          return;
      }
    },
    take() {
      const taken = tallied;
      tallied = new Map();
      return taken;
    },
  };
}

/** As many as one line of the embedded metric format takes of a metric, evenly spread over all. */
const MOST_VALUES = 100;

function spread(values: readonly number[]): readonly number[] {
  const step = Math.max(1, values.length / MOST_VALUES);
  const count = Math.min(values.length, MOST_VALUES);
  return Array.from({ length: count }, (_, index) => values[Math.floor(index * step)] as number);
}

function fillMetric(outcome: Extract<Report, { type: 'fill' }>['outcome']): MetricName {
  if (outcome === 'filled') return 'FillsStored';
  return outcome === 'failed' ? 'FillsFailed' : 'FillsRefused';
}

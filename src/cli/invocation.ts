import diagnostics from 'node:diagnostics_channel';
import type { Context, DynamoDBBatchResponse } from 'aws-lambda';
import { type InvalidatedReport, REPORT_CHANNEL, type RecordReport, type Report } from '../report.js';
import type { CacheStore, Settled } from '../store/store.js';
import { deliveredIn } from '../stream/delivered.js';
import type { EventFile } from './event-files.js';
import type { Target } from './target.js';

/** What one invocation did. */
export interface Invocation {
  readonly file: string;
  /** How many records the event has. */
  readonly size: number;
  /** What became of them, as the handler reported it. */
  readonly records: readonly RecordResult[];
  readonly invalidatesOnly: readonly InvalidatedReport[];
  /** What the handler returned; one that is not ours may return nothing, which Lambda takes for success. */
  readonly response: DynamoDBBatchResponse | undefined;
  /** What is in the cache now, for each key that was touched; absent when it cannot be looked into. */
  readonly contents?: Contents | undefined;
}

export interface RecordResult extends RecordReport {
  /** Why its image could not be stored; its key was deleted instead. */
  readonly poison?: Error | undefined;
}

export type Contents = ReadonlyMap<string, Settled<string | undefined>>;

/** Invokes the handler once, listens to what it reports, and looks into the cache afterwards. Throws what the handler throws. */
export async function invokeOnce(
  { handler, store }: Target,
  { file, event }: EventFile,
  context: Context,
): Promise<Invocation> {
  const reports: Report[] = [];
  const listen = (report: unknown) => reports.push(report as Report);
  // A bundle has a copy of its own of this package, but the process has one channel.
  diagnostics.subscribe(REPORT_CHANNEL, listen);
  const response = await (async () => handler(event, context))().finally(() =>
    diagnostics.unsubscribe(REPORT_CHANNEL, listen),
  );

  const records = recordResults(reports);
  return {
    file,
    size: deliveredIn(event).length,
    records,
    invalidatesOnly: reports.filter((report) => report.type === 'invalidates-only'),
    response,
    contents: store && (await readContents(store, records)),
  };
}

/** Whether Lambda would deliver a record again. */
export function hasFailures({ records, response }: Invocation): boolean {
  return (
    (response?.batchItemFailures?.length ?? 0) > 0 || records.some(({ outcome }) => outcome === 'failed')
  );
}

function recordResults(reports: readonly Report[]): RecordResult[] {
  const poison = new Map<string, Error>();
  for (const report of reports) if (report.type === 'poison') poison.set(nameOf(report), report.error);
  return (
    reports
      .filter((report) => report.type === 'record')
      // The same record can be in a batch twice, but is applied once.
      .map((record) =>
        record.outcome === 'superseded' ? record : { ...record, poison: poison.get(nameOf(record)) },
      )
  );
}

function nameOf({ tableName, sequenceNumber }: { tableName: string; sequenceNumber: string }): string {
  return `${tableName} ${sequenceNumber}`;
}

/** A cache that has not answered by then has most likely not answered the handler either. */
const LOOK_TIMEOUT_MS = 2_000;

async function readContents(store: CacheStore, records: readonly RecordResult[]): Promise<Contents> {
  const keys = [...new Set(records.flatMap(({ key }) => key ?? []))];
  const texts = await store.get(keys, { deadline: Date.now() + LOOK_TIMEOUT_MS });
  return new Map(keys.map((key, index) => [key, texts[index]]));
}

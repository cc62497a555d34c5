import type { DiscardCondition } from './batch.js';

/** Everything that can happen in a `LocalEventSourceMapping`. None of it carries what an item contains. */
export type LocalReport =
  | StartedReport
  | ShardReport
  | InvokedReport
  | DiscardedReport
  | IteratorReport
  | SourceFailedReport
  | DestinationFailedReport
  | StoppedReport;

/** The stream has been found, and every record written from now on will be delivered. */
export interface StartedReport {
  readonly type: 'started';
  readonly streamArn: string;
}

/** A shard is being polled, or all of its records have been dealt with. */
export interface ShardReport {
  readonly type: 'shard-started' | 'shard-finished';
  readonly shardId: string;
}

/** The function has been invoked with a batch. */
export interface InvokedReport {
  readonly type: 'invoked';
  readonly shardId: string;
  readonly requestId: string;
  readonly batchSize: number;
  /** Which delivery of exactly these records it was: 1 for the first. */
  readonly invocation: number;
  readonly durationMs: number;
  /** Everything from this record on will be delivered again or given up; absent after a success. */
  readonly failedFrom?: string | undefined;
  /** What the function threw, or that it took too long; absent when it answered. */
  readonly error?: Error | undefined;
}

/** Records have been given up, and handed to the on-failure destination where there is one. */
export interface DiscardedReport {
  readonly type: 'discarded';
  readonly shardId: string;
  readonly condition: DiscardCondition;
  readonly batchSize: number;
  readonly startSequenceNumber: string;
  readonly endSequenceNumber: string;
}

/** A shard iterator was of no use any more. `trimmed`: records were lost before they could be read. */
export interface IteratorReport {
  readonly type: 'iterator-renewed';
  readonly shardId: string;
  readonly reason: 'expired' | 'trimmed';
}

/** The stream could not be read; it is tried again. */
export interface SourceFailedReport {
  readonly type: 'source-failed';
  /** Absent when the stream itself could not be described. */
  readonly shardId?: string | undefined;
  readonly error: Error;
}

/** The on-failure destination could not be written: the records are lost, as they are when Lambda's cannot. */
export interface DestinationFailedReport {
  readonly type: 'destination-failed';
  readonly destination: string;
  readonly error: Error;
}

/** The last invocation has ended and nothing more will happen. */
export interface StoppedReport {
  readonly type: 'stopped';
}

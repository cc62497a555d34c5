import { randomUUID } from 'node:crypto';
import type { DynamoDBRecord } from 'aws-lambda';
import { toError } from '../errors.js';
import { afterInvocation, type Batch, beforeInvocation, type DiscardCondition, newBatch } from './batch.js';
import { invocationRecord, type LastInvocation } from './destination.js';
import { gather, type HeldRecord } from './gather.js';
import { invoke } from './invoke.js';
import { sequenceNumberOf } from './records.js';
import { COMPLETE_FAILURE, readResponse, SUCCESS } from './response.js';
import type { Run } from './run.js';

/** Records of a shard that are processed one batch after the other. */
export interface Lane {
  push(record: HeldRecord): void;
  /** How many records wait for a batch. */
  held(): number;
  /** The first record that is not done with, delivered or not. */
  firstPending(): DynamoDBRecord | undefined;
  /** Says that nothing more will be pushed. */
  end(): void;
  /** Processes what is pushed; resolves at the end, or when the run is stopping. */
  run(): Promise<void>;
}

const LONGEST_RETRY_DELAY_MS = 60_000;

export function createLane(shardId: string, run: Run): Lane {
  const { settings, clock, bell, isStopping } = run;
  const held: HeldRecord[] = [];
  /** What is being delivered, in this order: a batch that failed may have become several. */
  const pending: Batch[] = [];
  let last: LastInvocation | undefined;
  let hasEnded = false;

  /**
   * Waits for a batch and makes it the pending one; returns false when there will be none. "The next window begins as
   * soon as the previous function invocation completes":
   * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
   */
  async function nextBatch(): Promise<boolean> {
    const windowMs = settings.maximumBatchingWindowInSeconds * 1000;
    const isFull = () => gather(held, settings.batchSize).isFull;
    for (let windowEnd = clock.now() + windowMs; ; windowEnd += windowMs) {
      await bell.until(() => isStopping() || hasEnded || isFull(), windowEnd);
      if (isStopping()) return false;
      if (held.length > 0) {
        const { count } = gather(held, settings.batchSize);
        // In one go: a record must not be seen in neither place.
        pending.push(newBatch(held.splice(0, count).map(({ record }) => record)));
        // There is room for more now.
        bell.ring();
        return true;
      }
      if (hasEnded) return false;
      if (windowMs === 0) await bell.until(() => isStopping() || hasEnded || held.length > 0);
    }
  }

  /** Delivers the first pending batch, or what of it is young enough, and puts in its place what is left to do. */
  async function deliverFirst(batch: Batch): Promise<void> {
    const { expired, live } = beforeInvocation(batch, clock.now(), settings);
    if (expired) await discard(expired, 'RecordAgeExceeded');
    pending.splice(0, 1, ...(live ? [live] : []));
    bell.ring();
    if (!live || isStopping()) return;

    const { failedFrom } = await deliver(live);
    const { next, exhausted, backOff } = afterInvocation(live, { failedFrom }, settings);
    if (exhausted) await discard(exhausted, 'RetryAttemptsExhausted');
    pending.splice(0, 1, ...next);
    bell.ring();
    if (backOff) {
      const delay = settings.retryDelayInMilliseconds * 2 ** Math.min(live.invocations, 16);
      await bell.until(isStopping, clock.now() + Math.min(delay, LONGEST_RETRY_DELAY_MS));
    }
  }

  async function deliver({ records, invocations }: Batch) {
    const { requestId, durationMs, error, response } = await invoke(
      settings,
      records,
      run.functionArn,
      clock,
    );
    const isReporting = settings.functionResponseTypes.includes('ReportBatchItemFailures');
    const answer = isReporting ? readResponse(response, records) : SUCCESS;
    const outcome = error ? COMPLETE_FAILURE : answer;
    last = { requestId, functionError: error ? 'Unhandled' : null };
    const failed = outcome.failedFrom === undefined ? undefined : records[outcome.failedFrom];
    run.report({
      type: 'invoked',
      shardId,
      requestId,
      batchSize: records.length,
      invocation: invocations + 1,
      durationMs,
      failedFrom: failed && sequenceNumberOf(failed),
      error,
    });
    return outcome;
  }

  async function discard({ records, invocations }: Batch, condition: DiscardCondition): Promise<void> {
    const record = invocationRecord(
      { condition, records, invocations, last: invocations > 0 ? last : undefined },
      {
        shardId,
        streamArn: run.streamArn,
        functionArn: run.functionArn,
        now: clock.now(),
        requestId: randomUUID(),
      },
    );
    try {
      await run.destination?.send(record);
    } catch (thrown) {
      const destination = settings.destinationConfig?.onFailure.destination ?? '';
      run.report({ type: 'destination-failed', destination, error: toError(thrown) });
    }
    const { batchSize, startSequenceNumber, endSequenceNumber } = record.DDBStreamBatchInfo;
    run.report({ type: 'discarded', shardId, condition, batchSize, startSequenceNumber, endSequenceNumber });
  }

  return {
    push: (record) => held.push(record),
    held: () => held.length,
    firstPending: () => pending[0]?.records[0] ?? held[0]?.record,
    end() {
      hasEnded = true;
    },
    async run() {
      while (!isStopping()) {
        const [first] = pending;
        if (first) await deliverFirst(first);
        else if (!(await nextBatch())) return;
      }
    },
  };
}

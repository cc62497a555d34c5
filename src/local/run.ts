import { toError } from '../errors.js';
import { type Bell, createBell } from './bell.js';
import type { Clock } from './clock.js';
import { type Destination, fileDestination } from './destination.js';
import type { Settings } from './options.js';
import type { LocalReport } from './report.js';
import type { StreamSource } from './source.js';
import { StreamError } from './stream-error.js';

/** What the loops of one run share, from `start()` to `stop()`. */
export interface Run {
  readonly settings: Settings;
  readonly source: StreamSource;
  readonly streamArn: string;
  readonly functionArn: string;
  readonly destination: Destination | undefined;
  readonly clock: Clock;
  readonly bell: Bell;
  readonly startedAt: number;
  isStopping(): boolean;
  /** How many `drained()` calls there have been: what is read after one has begun proves something to it. */
  ticket(): number;
  report(report: LocalReport): void;
  /** The stream could not be read, and not because it was asked too often. */
  sourceFailed(error: Error, shardId?: string): void;
}

export interface RunControl extends Run {
  stop(): void;
  /** Resolves when the condition holds for this ticket; rejects when it cannot come to that. */
  drained(isDrained: (ticket: number) => boolean): Promise<void>;
}

export function createRun(
  settings: Settings,
  source: StreamSource,
  streamArn: string,
  ended: AbortController,
): RunControl {
  const { clock, onReport, functionName, destinationConfig } = settings;
  const bell = createBell(clock);
  let tickets = 0;
  let failures = 0;
  let failure: Error | undefined;

  const [, , , region = '', account = ''] = streamArn.split(':');
  const path = destinationConfig?.onFailure.destination;
  const report = (what: LocalReport) => {
    try {
      onReport?.(what);
    } catch {
      // A listener's failure is not the mapping's.
    }
  };
  const isStopping = () => ended.signal.aborted;

  return {
    settings,
    source,
    streamArn,
    functionArn: `arn:aws:lambda:${region}:${account}:function:${functionName}`,
    destination: path === undefined ? undefined : fileDestination(path),
    clock,
    bell,
    startedAt: clock.now(),
    isStopping,
    ticket: () => tickets,
    report,
    sourceFailed(error, shardId) {
      failures += 1;
      failure = error;
      report({ type: 'source-failed', shardId, error });
      bell.ring();
    },
    stop() {
      ended.abort();
      bell.ring();
    },
    async drained(isDrained) {
      tickets += 1;
      const ticket = tickets;
      const failuresBefore = failures;
      bell.ring();
      let isDone = false;
      await bell.until(() => {
        isDone = isDrained(ticket);
        return isDone || isStopping() || failures > failuresBefore;
      });
      if (isDone) return;
      if (isStopping()) throw new StreamError('drained() did not come to its end: the mapping was stopped.');
      const { name, message } = toError(failure);
      throw new StreamError(
        `drained() could not read the stream ${streamArn}: ${name}: ${message}. Is it still there?`,
        { cause: failure },
      );
    },
  };
}

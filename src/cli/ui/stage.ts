import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { CacheError } from '../../errors.js';
import { createdAt } from '../../local/records.js';
import type { CacheStore } from '../../store/store.js';

/** What is invoked with a batch. */
export type BatchHandler = (
  event: DynamoDBStreamEvent,
  context: Context,
) => Promise<DynamoDBBatchResponse | undefined>;

/** Stands between the stream, the handler and the cache, where faults can be tried. */
export interface Stage {
  /** Each batch waits here while the stream is paused. */
  readonly handler: BatchHandler;
  pause(isPaused: boolean): void;
  /** Hands an earlier batch to the handler again, as Lambda may. @returns how many records; 0 when there was none yet */
  replay(): Promise<number>;
  state(): StageState;
}

export interface StageState {
  readonly isPaused: boolean;
  /** Records that wait. */
  readonly held: number;
  /** How far behind the table what was applied last was, or what waits is, in milliseconds. */
  readonly lagMs: number;
}

/** So many batches back is what is played again. */
const KEPT = 5;
/** A lag of records that were applied longer ago is over. */
const RECENT_MS = 2_000;

/** @param onBatch called with each batch before the handler is invoked with it, the replayed ones too */
export function openStage(handler: BatchHandler, onBatch: (event: DynamoDBStreamEvent) => void): Stage {
  let [isPaused, held] = [false, 0];
  let waiting: { since: number; resume: () => void }[] = [];
  let applied = { lagMs: 0, at: 0 };
  const kept: DynamoDBStreamEvent[] = [];

  async function gate(event: DynamoDBStreamEvent): Promise<void> {
    if (!isPaused) return;
    const since = Math.min(Date.now(), ...event.Records.flatMap((record) => createdAt(record) ?? []));
    held += event.Records.length;
    await new Promise<void>((resume) => waiting.push({ since, resume }));
    held -= event.Records.length;
  }

  return {
    async handler(event, context) {
      const arrivedAt = Date.now();
      await gate(event);
      kept.push(event);
      if (kept.length > KEPT) kept.shift();
      applied = { lagMs: Date.now() - arrivedAt, at: Date.now() };
      onBatch(event);
      return handler(event, context);
    },
    pause(paused) {
      isPaused = paused;
      if (paused) return;
      for (const { resume } of waiting) resume();
      waiting = [];
    },
    async replay() {
      const [event] = kept;
      if (event === undefined) return 0;
      onBatch(event);
      await handler(event, { getRemainingTimeInMillis: () => 60_000 } as never);
      return event.Records.length;
    },
    state() {
      const now = Date.now();
      const oldest = Math.min(...waiting.map(({ since }) => since));
      const recent = now - applied.at < RECENT_MS ? applied.lagMs : 0;
      return { isPaused, held, lagMs: waiting.length > 0 ? now - oldest : recent };
    },
  };
}

/** A store that can be made to fail, as if its cache were not there. */
export function stoppable(store: CacheStore, isStopped: () => boolean): CacheStore {
  const failing =
    <A extends readonly [readonly unknown[], ...unknown[]], R>(
      call: (...args: A) => Promise<(R | CacheError)[]>,
    ) =>
    async (...args: A): Promise<(R | CacheError)[]> =>
      isStopped() ? args[0].map(() => new CacheError('The cache was stopped on the page.')) : call(...args);
  return {
    get: failing(store.get),
    apply: failing(store.apply),
    begin: failing(store.begin),
    release: failing(store.release),
    fill: failing(store.fill),
    void: failing(store.void),
    claim: failing(store.claim),
    move: failing(store.move),
    generations: failing(store.generations),
    put: failing(store.put),
    delete: failing(store.delete),
    close: () => store.close(),
  };
}

import { setMaxListeners } from 'node:events';
import { StreamCacheError, toError } from '../errors.js';
import { createDynamoDBSource } from './dynamodb-source.js';
import type { Settings } from './options.js';
import { createRun } from './run.js';
import { createShardPoller, type ShardPoller } from './shard-poller.js';
import { readyShards } from './shards.js';
import type { Position, Shard, StreamSource } from './source.js';
import { StreamError } from './stream-error.js';

/** One run over all shards of a stream. */
export interface StreamPoller {
  drained(): Promise<void>;
  /** Resolves when the running invocations have ended, with what the next run needs to go on from here. */
  stop(): Promise<Checkpoints>;
}

/** How far a run has come: everything before these positions has been dealt with. */
export interface Checkpoints {
  readonly finished: ReadonlySet<string>;
  readonly positions: ReadonlyMap<string, Position>;
}

/** Shards are replaced every few hours; a closed one is followed at once, without waiting for this. */
const DISCOVERY_MS = 10_000;
const RETRY_MS = 1_000;

/** Resolves when every record written from now on is going to be delivered. */
export async function pollStream(settings: Settings, before: Checkpoints | undefined): Promise<StreamPoller> {
  const ended = new AbortController();
  // Every request listens to it while it is under way: that is no leak.
  setMaxListeners(0, ended.signal);
  let source: StreamSource | undefined;
  try {
    source = settings.source ?? (await createDynamoDBSource(settings, ended.signal));
    const { streamArn, shards } = await source.describe();
    const run = createRun(settings, source, streamArn, ended);
    const stream = createStream(run, shards, before);
    await stream.open();
    run.report({ type: 'started', streamArn });
    stream.takeUpReady();
    const work = stream.discover();
    return {
      drained: () => run.drained(stream.isDrained),
      async stop() {
        run.stop();
        await Promise.all([work, stream.ended()]);
        run.source.close();
        run.report({ type: 'stopped' });
        return stream.checkpoints();
      },
    };
  } catch (thrown) {
    ended.abort();
    source?.close();
    throw startError(toError(thrown), settings);
  }
}

function startError(error: Error, { tableName, eventSourceArn, endpoint }: Settings): Error {
  if (error instanceof StreamCacheError) return error;
  const place = endpoint === undefined ? '' : ` at ${endpoint}`;
  return new StreamError(
    `start() could not read the stream of ${tableName ?? eventSourceArn}${place}: ${error.name}: ${error.message}. ` +
      'Is it running there, with Streams, and may it be read with these credentials?',
    { cause: error },
  );
}

function createStream(
  run: ReturnType<typeof createRun>,
  firstShards: readonly Shard[],
  before: Checkpoints | undefined,
) {
  const { source, clock, bell, isStopping, settings } = run;
  const pollers = new Map<string, ShardPoller>();
  const finished = new Set(before?.finished);
  const followed = new Set<string>();
  const work: Promise<void>[] = [];
  let shards = firstShards;
  /** The ticket that the last description of the stream is newer than. */
  let describedTicket = 0;
  let isOutdated = false;

  const startOf = ({ shardId }: Shard): Position =>
    before?.positions.get(shardId) ?? { type: 'TRIM_HORIZON' };

  function add({ shardId }: Shard, position: Position): ShardPoller {
    const poller = createShardPoller(shardId, position, run);
    pollers.set(shardId, poller);
    return poller;
  }

  async function follow(shardId: string, poller: ShardPoller): Promise<void> {
    followed.add(shardId);
    run.report({ type: 'shard-started', shardId });
    await poller.run();
    if (!poller.isFinished()) return;
    finished.add(shardId);
    pollers.delete(shardId);
    run.report({ type: 'shard-finished', shardId });
    takeUpReady();
    // Its children may be newer than what we know of the stream.
    isOutdated = true;
    bell.ring();
  }

  function takeUpReady(): void {
    for (const shard of readyShards(shards, followed, finished)) {
      work.push(follow(shard.shardId, pollers.get(shard.shardId) ?? add(shard, startOf(shard))));
    }
  }

  return {
    /**
     * Opens the shards that come first. With `LATEST`, those that are closed already are over and the others are pinned to this
     * moment. Whatever shard appears later only has records from after it.
     */
    async open() {
      const isPinned = settings.startingPosition === 'LATEST' && !before;
      if (isPinned) for (const { shardId, open } of shards) if (!open) finished.add(shardId);
      const first = isPinned ? shards.filter(({ open }) => open) : readyShards(shards, followed, finished);
      await Promise.all(
        first.map((shard) => add(shard, isPinned ? { type: 'LATEST' } : startOf(shard)).open()),
      );
    },
    takeUpReady,
    async discover() {
      while (!isStopping()) {
        const isDue = () => isStopping() || isOutdated || run.ticket() > describedTicket;
        await bell.until(isDue, clock.now() + DISCOVERY_MS);
        if (isStopping()) return;
        try {
          const ticket = run.ticket();
          isOutdated = false;
          ({ shards } = await source.describe());
          describedTicket = ticket;
          takeUpReady();
          bell.ring();
        } catch (thrown) {
          if (isStopping()) return;
          isOutdated = true;
          run.sourceFailed(toError(thrown));
          await bell.until(isStopping, clock.now() + RETRY_MS);
        }
      }
    },
    isDrained: (ticket: number) =>
      describedTicket >= ticket &&
      shards.every(({ shardId }) => finished.has(shardId) || pollers.has(shardId)) &&
      [...pollers.values()].every((poller) => poller.isDrained(ticket)),
    async ended() {
      // More may be taken up while these end.
      for (let count = -1; count !== work.length; ) {
        count = work.length;
        await Promise.all(work);
      }
    },
    checkpoints: (): Checkpoints => ({
      finished,
      positions: new Map([...pollers].map(([shardId, poller]) => [shardId, poller.checkpoint()])),
    }),
  };
}

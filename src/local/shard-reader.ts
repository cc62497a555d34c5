import type { DynamoDBRecord } from 'aws-lambda';
import { toError } from '../errors.js';
import { createdAt, sequenceNumberOf } from './records.js';
import type { Run } from './run.js';
import type { Position } from './source.js';

/** Reads one shard to its end, whatever becomes of its iterators. */
export interface ShardReader {
  /** Where the next read begins, in a way that still holds later: never `LATEST`. */
  position(): Position;
  /** Pins the position, so that `LATEST` means this moment; from elsewhere it takes what there is, so that what comes later is known to be so. */
  open(): Promise<void>;
  /** The next records; undefined when the run is stopping. Waits and tries again for as long as the stream fails. */
  read(limit: number): Promise<ReadResult | undefined>;
}

export interface ReadResult {
  readonly records: readonly DynamoDBRecord[];
  /** There was nothing more to read. */
  readonly isCaughtUp: boolean;
  /** ... and there never will be. */
  readonly isClosed: boolean;
}

/** GetRecords gives at most so many. */
export const MAX_PAGE = 1_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** DynamoDB Local rounds the time of a record down to the minute. */
const COARSEST_TIME_MS = 60_000;

export function createShardReader(shardId: string, start: Position, run: Run): ShardReader {
  const { source, clock, bell, isStopping } = run;
  let position = start;
  let iterator: string | undefined;
  /** When there was last nothing more to read: what is read next was made after that. */
  let caughtUpAt = 0;
  /** What there was when the shard was opened. */
  let atOpening: Promise<ReadResult> | undefined;

  async function readOnce(limit: number): Promise<ReadResult> {
    iterator ??= await source.iterator(shardId, position);
    const began = clock.now();
    const { records, nextIterator } = await source.read(iterator, limit, caughtUpAt);
    iterator = nextIterator;
    const last = records.at(-1);
    if (last === undefined) caughtUpAt = began;
    const { since = 0 } = position;
    if (last) {
      position = { type: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: sequenceNumberOf(last), since };
    }
    return {
      records: records.filter((record) => (createdAt(record) ?? since) >= since),
      isCaughtUp: records.length === 0,
      isClosed: nextIterator === undefined,
    };
  }

  /** A second `LATEST` would skip what was written since the first: rather read everything and leave out the old. */
  function lasting(): Position {
    if (position.type !== 'LATEST') return position;
    return { type: 'TRIM_HORIZON', since: run.startedAt - COARSEST_TIME_MS };
  }

  /** Makes the next attempt one that can succeed. Returns whether it should wait first. */
  function recover(error: Error): boolean {
    switch (error.name) {
      case 'LimitExceededException':
      case 'ThrottlingException':
      case 'ProvisionedThroughputExceededException':
        return true;
      // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
      case 'ExpiredIteratorException':
        renew(lasting());
        run.report({ type: 'iterator-renewed', shardId, reason: 'expired' });
        return false;
      case 'TrimmedDataAccessException':
        renew({ type: 'TRIM_HORIZON', since: position.since });
        run.report({ type: 'iterator-renewed', shardId, reason: 'trimmed' });
        return false;
      default:
        renew(lasting());
        run.sourceFailed(error, shardId);
        return true;
    }
  }

  function renew(from: Position): void {
    iterator = undefined;
    position = from;
    if (from.type === 'TRIM_HORIZON') caughtUpAt = 0;
  }

  /** A shard that the stream no longer lists is gone with all its records. */
  async function isGone(error: Error): Promise<boolean> {
    if (error.name !== 'ResourceNotFoundException') return false;
    try {
      const { shards } = await source.describe();
      return shards.every((shard) => shard.shardId !== shardId);
    } catch {
      return false;
    }
  }

  return {
    position: lasting,
    async open() {
      if (position.type === 'LATEST') {
        caughtUpAt = clock.now();
        iterator = await source.iterator(shardId, position);
        return;
      }
      // More may have come by the time that this is asked for; what fails is tried again then.
      atOpening = readOnce(MAX_PAGE).then((result) => ({ ...result, isCaughtUp: false }));
      await atOpening.catch(() => {});
    },
    async read(limit) {
      for (let attempt = 1; !isStopping(); attempt += 1) {
        try {
          const first = atOpening;
          atOpening = undefined;
          return await (first ?? readOnce(limit));
        } catch (thrown) {
          if (isStopping()) return undefined;
          const error = toError(thrown);
          if (await isGone(error)) return { records: [], isCaughtUp: true, isClosed: true };
          const mustWait = recover(error);
          // The first renewal is free; an iterator that is refused again and again must not become a busy loop.
          if (!mustWait && attempt === 1) continue;
          const pause = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);
          await bell.until(isStopping, clock.now() + pause);
        }
      }
      return undefined;
    },
  };
}

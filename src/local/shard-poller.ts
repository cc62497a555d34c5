import { createHash } from 'node:crypto';
import type { DynamoDBRecord } from 'aws-lambda';
import { hold } from './gather.js';
import { createLane } from './lane.js';
import { isBefore, sequenceNumberOf } from './records.js';
import type { Run } from './run.js';
import { createShardReader, MAX_PAGE } from './shard-reader.js';
import type { Position } from './source.js';

/** Reads one shard and has its records processed. */
export interface ShardPoller {
  /** Pins the position, so that `LATEST` means this moment. */
  open(): Promise<void>;
  /** Resolves when the shard is closed and processed to its end, or when the run is stopping. */
  run(): Promise<void>;
  isFinished(): boolean;
  /** Whether everything written before the ticket was handed out has been dealt with. */
  isDrained(ticket: number): boolean;
  /** Where to go on: everything before it has been dealt with. */
  checkpoint(): Position;
}

/**
 * "Lambda polls shards in your DynamoDB stream for records at a base rate of 4 times per second":
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 */
const POLL_MS = 250;
/** So many records are read ahead at most, that one item's lane being stuck does not starve the others. */
const MAX_HELD = 10_000;

export function createShardPoller(shardId: string, start: Position, run: Run): ShardPoller {
  const { settings, clock, bell, isStopping } = run;
  const { batchSize, parallelizationFactor } = settings;
  const reader = createShardReader(shardId, start, run);
  const lanes = Array.from({ length: parallelizationFactor }, () => createLane(shardId, run));
  /** A read that began with this ticket found nothing more, and this had been read by then. */
  let seen: { ticket: number; upTo: string | undefined } = { ticket: -1, upTo: undefined };
  let upTo: string | undefined;
  let isClosed = false;

  const room = () => {
    const total = lanes.reduce((sum, lane) => sum + lane.held(), 0);
    const most = Math.max(MAX_HELD, batchSize * parallelizationFactor);
    return lanes.some((lane) => lane.held() < batchSize) ? most - total : 0;
  };

  async function poll(): Promise<void> {
    while (!isStopping() && !isClosed) {
      await bell.until(() => isStopping() || room() > 0);
      const ticket = run.ticket();
      const result = await reader.read(Math.min(MAX_PAGE, room()));
      if (!result) return;

      for (const record of result.records) {
        upTo = sequenceNumberOf(record);
        if (settings.passes(record)) lanes[laneOf(record, lanes.length)]?.push(hold(record));
      }
      isClosed = result.isClosed;
      if (isClosed) for (const lane of lanes) lane.end();
      // The first such read decides: what comes later is none of that ticket's business.
      if ((isClosed || result.isCaughtUp) && ticket > seen.ticket) seen = { ticket, upTo };
      bell.ring();
      if (result.isCaughtUp && !isClosed) {
        await bell.until(() => isStopping() || run.ticket() > seen.ticket, clock.now() + POLL_MS);
      }
    }
  }

  const firstPending = () =>
    lanes
      .flatMap((lane) => lane.firstPending() ?? [])
      .map(sequenceNumberOf)
      .reduce<string | undefined>(
        (first, next) => (first && isBefore(first, next) ? first : next),
        undefined,
      );

  return {
    open: reader.open,
    async run() {
      await Promise.all([poll(), ...lanes.map((lane) => lane.run())]);
    },
    isFinished: () => isClosed && firstPending() === undefined,
    isDrained(ticket) {
      if (seen.ticket < ticket) return false;
      const first = firstPending();
      return first === undefined || seen.upTo === undefined || isBefore(seen.upTo, first);
    },
    checkpoint() {
      const first = firstPending();
      return first === undefined ? reader.position() : { type: 'AT_SEQUENCE_NUMBER', sequenceNumber: first };
    },
  };
}

/**
 * Changes of one item always go to the same lane: "When you increase the number of concurrent batches per shard, Lambda
 * still ensures in-order processing at the item (partition and sort key) level":
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 */
function laneOf(record: DynamoDBRecord, count: number): number {
  if (count === 1) return 0;
  const key = Object.entries(record.dynamodb?.Keys ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha1').update(JSON.stringify(key)).digest().readUInt32BE() % count;
}

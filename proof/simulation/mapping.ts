import type { Context, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { type Change, keyOf, nameOf, type Table } from './table.js';
import type { World } from './world.js';

/**
 * A model of an event source mapping on the table's stream: batches in order, from the lowest failure on again, halved
 * after an error or a timeout. An invocation that has timed out goes on in the background. Batches are also
 * delivered once more later, and in the end the whole past in any order.
 */
export interface Mapping {
  /** Everything has been delivered, as often as it will be for now. */
  readonly isIdle: boolean;
  /** Delivers past changes again, in any order and size of batches. */
  repeatAll(): Promise<void>;
}

export type Handler = (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse>;

const POLL_MS = 250;

export function newMapping(world: World, table: Table, handler: Handler): Mapping {
  const { time, weather } = world;
  const { stream } = weather;
  const random = world.random('mapping');
  let position = 0;
  let repeats = 0;

  async function poll(): Promise<void> {
    while (true) {
      if (isDown()) {
        await time.sleep(POLL_MS);
        continue;
      }
      const rest = table.changes.slice(position, position + stream.batchSize);
      const batch = rest.filter(({ committedAt }) => committedAt + stream.delayMs <= time.now());
      if (batch.length === 0) {
        await time.sleep(POLL_MS);
        continue;
      }
      await deliverAll(batch);
      position += batch.length;
      if (!world.isHealed && random.chance(stream.repeated.share)) void repeat(batch);
    }
  }

  function isDown(): boolean {
    if (stream.outage === undefined) return false;
    const into = time.now() - world.start - stream.outage.at;
    return into >= 0 && into < stream.outage.ms;
  }

  /** Until every record has been taken, as Lambda does without a limit on attempts. */
  async function deliverAll(batch: readonly Change[]): Promise<void> {
    let rest = batch;
    while (rest.length > 0) {
      const response = await invoke(rest);
      if (response === undefined) {
        if (rest.length > 1) {
          const half = Math.ceil(rest.length / 2);
          await deliverAll(rest.slice(0, half));
          rest = rest.slice(half);
        }
      } else {
        const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        const checkpoint = rest.findIndex(({ sequenceNumber }) => failed.has(sequenceNumber));
        if (checkpoint < 0) return;
        rest = rest.slice(checkpoint);
      }
      await time.sleep(random.between(200, 1_000));
    }
  }

  /** One invocation; `undefined` when it failed as a whole or took too long. */
  async function invoke(batch: readonly Change[]): Promise<DynamoDBBatchResponse | undefined> {
    const end = time.now() + stream.timeoutMs;
    const context = { getRemainingTimeInMillis: () => end - time.now() } as Context;
    world.tell(
      () => `stream delivers ${batch.map(({ sk, newImage }) => `${sk} ${nameOf(newImage)}`).join(', ')}`,
    );
    const Records = batch.map((change) => recordOf(change, weather.skew.table));
    const timeout = time.sleep(stream.timeoutMs).then(() => undefined);
    return Promise.race([handler({ Records }, context).catch(() => undefined), timeout]);
  }

  /** Not when the cache has lost its guards meanwhile: that it then takes old for new is a limit that the docs name. */
  async function repeat(batch: readonly Change[]): Promise<void> {
    const { restarts } = world;
    repeats += 1;
    await time.sleep(random.between(0, stream.repeated.laterMs));
    if (world.restarts === restarts) await invoke(batch);
    repeats -= 1;
  }

  void poll();
  return {
    get isIdle() {
      return position === table.changes.length && repeats === 0;
    },
    async repeatAll() {
      const past = random.shuffle(table.changes);
      while (past.length > 0) {
        await invoke(past.splice(0, random.integer(1, 5)));
        await time.sleep(random.between(0, 500));
      }
    },
  };
}

const ARN = 'arn:aws:dynamodb:eu-west-1:123456789012:table/items/stream/2026-01-15T09:30:00.000';

/** A change as the stream delivers it. */
export function recordOf(change: Change, skewMs: number): DynamoDBRecord {
  const { sk, oldImage, newImage, committedAt, sequenceNumber, expired } = change;
  return {
    eventSource: 'aws:dynamodb',
    eventSourceARN: ARN,
    eventName: oldImage === undefined ? 'INSERT' : newImage === undefined ? 'REMOVE' : 'MODIFY',
    ...(expired && { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } }),
    dynamodb: {
      Keys: keyOf(sk) as never,
      ...(oldImage && { OldImage: oldImage as never }),
      ...(newImage && { NewImage: newImage as never }),
      SequenceNumber: sequenceNumber,
      ApproximateCreationDateTime: Math.floor((committedAt + skewMs) / 1000),
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
  };
}

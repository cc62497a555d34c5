import type { Shard } from './source.js';

/**
 * The shards whose turn has come: not taken up yet, and without a parent whose records are still to be processed.
 * A parent that is no longer listed has been trimmed and holds nobody up.
 *
 * "Applications must always process a parent shard before they process a child shard":
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing
 */
export function readyShards(
  listed: readonly Shard[],
  taken: { has(shardId: string): boolean },
  finished: { has(shardId: string): boolean },
): Shard[] {
  const isListed = new Set(listed.map(({ shardId }) => shardId));
  return listed.filter(({ shardId, parentShardId }) => {
    if (taken.has(shardId) || finished.has(shardId)) return false;
    return parentShardId === undefined || !isListed.has(parentShardId) || finished.has(parentShardId);
  });
}

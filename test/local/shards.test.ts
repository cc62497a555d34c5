import { expect, test } from 'vitest';
import { readyShards } from '../../src/local/shards.js';

const shard = (shardId: string, parentShardId?: string) => ({ shardId, parentShardId, open: true });
const ready = (listed: ReturnType<typeof shard>[], taken: string[] = [], finished: string[] = []) =>
  readyShards(listed, new Set(taken), new Set(finished)).map(({ shardId }) => shardId);

test('shards without a parent are ready', () => {
  expect(ready([shard('a'), shard('b')])).toEqual(['a', 'b']);
});

test('a shard is taken up once', () => {
  expect(ready([shard('a'), shard('b'), shard('c')], ['a'], ['b'])).toEqual(['c']);
});

test('children wait until their parent is finished', () => {
  const family = [
    shard('parent'),
    shard('left', 'parent'),
    shard('right', 'parent'),
    shard('grandchild', 'left'),
  ];
  expect(ready(family, ['parent'])).toEqual([]);
  expect(ready(family, [], ['parent'])).toEqual(['left', 'right']);
});

test('a parent that is no longer listed holds nobody up', () => {
  expect(ready([shard('child', 'trimmed')])).toEqual(['child']);
});

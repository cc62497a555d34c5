import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { type Change, newTableStub, type TableStub } from '../support/table.js';
import { batchGetUsers, getUser, nameIn, newPair, user } from './rig.js';

/** What the hazards befall: read-aside, and a SET or DEL for each record of the stream. */
function naivePair() {
  const table = newTableStub();
  const client = table.client();
  const cache = new Map<string, string>();
  return {
    table,
    client,
    async get(id: string) {
      const cached = cache.get(id);
      if (cached !== undefined) return JSON.parse(cached);
      const { Item = null } = await client.send(
        new GetItemCommand({ TableName: 'users', Key: { id: { S: id } } }),
      );
      cache.set(id, JSON.stringify({ Item }));
      return { Item };
    },
    async deliver(...changes: Change[]) {
      for (const { keys, newImage } of changes) {
        const id = (keys.id as { S: string }).S;
        if (newImage === undefined) cache.delete(id);
        else cache.set(id, JSON.stringify({ Item: newImage }));
      }
    },
  };
}

/** What both pairs have. */
interface AnyPair {
  readonly table: TableStub;
  get(id: string): Promise<Parameters<typeof nameIn>[0]>;
  deliver(...changes: Change[]): Promise<unknown>;
}

async function slowFillAfterChange({ table, get, deliver }: AnyPair): Promise<unknown> {
  table.put(user('1', 'old'));
  const held = table.hold('GetItem', 'after');
  const slow = get('1');
  await held.reached;
  await deliver(table.put(user('1', 'new')));
  held.release();
  await slow;
  return nameIn(await get('1'));
}

describe('H3: a reader stores what it read after a newer change was applied', () => {
  test('the naive pair serves the old item from then on', async () => {
    expect(await slowFillAfterChange(naivePair())).toBe('old');
  });

  test('H3: a slow fill after a change is refused, and the newer item is served', async () => {
    const pair = newPair();
    expect(await slowFillAfterChange(pair)).toBe('new');
    expect(pair.outcomes('fill')).toEqual(['occupied']);
  });

  test.each(['invalidate', 'refresh'] as const)(
    'H3: a slow fill after a change in mode %s is refused, and the next reader fetches the newer item',
    async (mode) => {
      const pair = newPair({ mode });
      expect(await slowFillAfterChange(pair)).toBe('new');
      expect(pair.outcomes('fill')).toEqual(['moved', 'filled']);
    },
  );

  test('H3: a slow reader of a removed item does not bring it back', async () => {
    const pair = newPair();
    const { table } = pair;
    table.put(user('1', 'old'));
    const held = table.hold('GetItem', 'after');
    const slow = pair.get('1');
    await held.reached;
    await pair.deliver(table.delete({ id: { S: '1' } }));
    held.release();
    expect(nameIn(await slow)).toBe('old');
    expect(nameIn(await pair.get('1'))).toBeUndefined();
  });

  test('H3: a slower reader is refused also when what a faster one stored has been evicted', async () => {
    const pair = newPair();
    const { table } = pair;
    table.put(user('1', 'old'));
    const held = table.hold('GetItem', 'after');
    const slow = pair.get('1');
    await held.reached;
    table.put(user('1', 'new')); // its record is delayed
    const otherProcess = table.client();
    otherProcess.middlewareStack.use(NewCachingMiddleware(pair.options));
    expect(nameIn(await getUser(otherProcess, '1'))).toBe('new');
    pair.memory.values.delete('users:id=1');
    held.release();
    await slow;
    expect(pair.outcomes('fill')).toEqual(['filled', 'moved']);
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('H3: who asks after a change was applied does not join a read that began before it', async () => {
    const pair = newPair({ mode: 'invalidate' });
    const { table } = pair;
    table.put(user('1', 'old'));
    const held = table.hold('GetItem', 'after');
    const slow = pair.get('1');
    await held.reached;
    await pair.deliver(table.put(user('1', 'new')));
    const later = pair.get('1');
    held.release();
    expect(nameIn(await later)).toBe('new');
    expect(nameIn(await slow)).toBe('old');
  });
});

async function lateReplica({ table, get, deliver }: AnyPair): Promise<unknown> {
  table.put(user('1', 'removed'));
  table.lag();
  await deliver(table.delete({ id: { S: '1' } }));
  await get('1');
  table.catchUp();
  return nameIn(await get('1'));
}

describe('H4: a reader misses just after a change, and a replica answers with the item as it was', () => {
  test('the naive pair serves the removed item from then on', async () => {
    expect(await lateReplica(naivePair())).toBe('removed');
  });

  test('H4: the read for a fill is strongly consistent, and the removed item stays removed', async () => {
    const pair = newPair();
    expect(await lateReplica(pair)).toBeUndefined();
    expect(pair.table.requests('GetItem')).toEqual([expect.objectContaining({ ConsistentRead: true })]);
    expect(pair.count('strong-read')).toBe(1);
  });

  test('H4: in mode invalidate the reader that comes next gets the newer item, and stores it', async () => {
    const pair = newPair({ mode: 'invalidate' });
    const { table } = pair;
    table.put(user('1', 'old'));
    table.lag();
    await pair.deliver(table.put(user('1', 'new')));
    expect(nameIn(await pair.get('1'))).toBe('new');
    table.catchUp();
    expect(nameIn(await pair.get('1'))).toBe('new');
    expect(table.log).toHaveLength(1);
  });

  test('H4: a batch reads the table of an item that just changed with strong consistency', async () => {
    const pair = newPair({ mode: 'invalidate' });
    const { table } = pair;
    table.put(user('1', 'old'));
    table.lag();
    await pair.deliver(table.put(user('1', 'new')));
    const { Responses } = await batchGetUsers(pair.client, '1', '2');
    expect(Responses?.users).toEqual([user('1', 'new')]);
    expect(table.requests('BatchGetItem')[0].RequestItems.users.ConsistentRead).toBe(true);
    table.catchUp();
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('H4: what was just stored and is evicted is not followed by what a replica still has', async () => {
    const pair = newPair({ mode: 'invalidate' });
    const { table } = pair;
    await pair.deliver(table.put(user('1', 'old')));
    table.lag();
    table.put(user('1', 'new')); // its record is delayed
    pair.clock.pass(4_900);
    expect(nameIn(await pair.get('1'))).toBe('new');
    pair.memory.values.delete('users:id=1');
    pair.clock.pass(600);
    expect(nameIn(await pair.get('1'))).toBe('new');
  });

  test('H4: once an item has settled, and where nothing changed, reads are eventually consistent', async () => {
    const pair = newPair({ mode: 'invalidate' });
    await pair.deliver(pair.table.put(user('1', 'new')));
    pair.clock.pass(5_001);
    await pair.get('1');
    await pair.get('2');
    expect(pair.table.requests('GetItem').map(({ ConsistentRead }) => ConsistentRead)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

async function olderRecordAfterFill(pair: AnyPair): Promise<unknown[]> {
  const { table, get, deliver } = pair;
  const older = table.put(user('1', 'older'));
  const newest = table.put(user('1', 'newest'));
  const seen = [nameIn(await get('1'))];
  await deliver(older);
  seen.push(nameIn(await get('1')));
  await deliver(newest);
  return [...seen, nameIn(await get('1'))];
}

describe('H5: a reader stored the newest item, and an older record of it is delivered now', () => {
  test('the naive pair steps back in time', async () => {
    expect(await olderRecordAfterFill(naivePair())).toEqual(['newest', 'older', 'newest']);
  });

  test('H5: the entry is voided, what readers see never steps back, and the record of what they see keeps it', async () => {
    const pair = newPair();
    expect(await olderRecordAfterFill(pair)).toEqual(['newest', 'newest', 'newest']);
    expect(pair.outcomes('record')).toEqual(['overlapping', 'same']);
    expect(pair.table.log).toHaveLength(2);
  });

  test('H5: what a record has confirmed and is evicted is not followed by what a replica still has', async () => {
    const pair = newPair();
    const first = pair.table.put(user('1', 'A'));
    await pair.get('1');
    pair.clock.pass(1_000);
    pair.table.put(user('1', 'B'));
    pair.clock.pass(1_000);
    const last = pair.table.put(user('1', 'A'));
    pair.clock.pass(2_000);
    await pair.deliver(first);
    await pair.deliver(last);
    expect(pair.outcomes('record')).toEqual(['same', 'same']);
    pair.clock.pass(2_000); // what the fill asked for is over
    pair.memory.values.clear();
    await pair.get('1');
    expect(pair.count('strong-read')).toBe(1);
  });

  test('H5: a record that a reader surely saw leaves its entry alone', async () => {
    const pair = newPair();
    const older = pair.table.put(user('1', 'older'));
    pair.table.put(user('1', 'newest'));
    pair.clock.pass(20_000);
    await pair.get('1');
    await pair.deliver(older);
    expect(pair.outcomes('record')).toEqual(['included']);
    expect(nameIn(await pair.get('1'))).toBe('newest');
    expect(pair.table.log).toHaveLength(1);
  });

  test('H5: a record of an item that is known to be absent is applied when it is news', async () => {
    const pair = newPair();
    expect(nameIn(await pair.get('1'))).toBeUndefined();
    pair.clock.pass(10_000);
    await pair.deliver(pair.table.put(user('1', 'born')));
    expect(nameIn(await pair.get('1'))).toBe('born');
    expect(pair.table.log).toHaveLength(1);
  });
});

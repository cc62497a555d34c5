import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type Loop, openLoop } from './loop.js';
import { keyOf } from './orders.js';

let server: DynamoDBServer;
beforeAll(async () => {
  server = await startDynamoDB();
});
afterAll(() => server?.stop());

/** A replica of a global table with the stream, the function and the cache of its Region. */
interface Region {
  readonly name: string;
  readonly loop: Loop;
  readonly reader: DynamoDBClient;
  /** When what the replica has of an order was written, in whichever Region. */
  readonly written: Map<string, number>;
}

/**
 * Replication as it is described, since DynamoDB Local has none: the last writer wins, several changes may arrive as one, and version 2017.11.29 keeps
 * its attributes in the items, with a change of its own.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
 */
describe.each(['2019.11.21', '2017.11.29'])('A global table of version %s', (version) => {
  let here: Region;
  let there: Region;
  let now = 0;
  beforeAll(async () => {
    // One after the other: each function is loaded with an environment of its own.
    here = await openRegion('eu-west-1');
    there = await openRegion('us-east-1');
  });
  afterAll(() => Promise.all([here?.loop.close(), there?.loop.close()]));

  async function openRegion(name: string): Promise<Region> {
    const loop = await openLoop({ server, cacheUrl: inject('redisUrl'), bundle: 'the built bundle' });
    return { name, loop, reader: loop.application(), written: new Map() };
  }

  /** An application's write in a Region, which its cache learns of by the stream alone. */
  async function put({ loop, name, written }: Region, order: string, note: string) {
    const { direct, TableName } = loop;
    const Item = { ...keyOf(order), status: { S: 'open' }, note: { S: note } };
    await direct.send(new PutItemCommand({ TableName, Item }));
    written.set(order, ++now);
    if (version === '2019.11.21') return;
    await direct.send(
      new UpdateItemCommand({
        ...{ TableName, Key: keyOf(order) },
        UpdateExpression: 'SET #deleting = :no, #time = :time, #region = :region',
        ExpressionAttributeNames: {
          '#deleting': 'aws:rep:deleting',
          '#time': 'aws:rep:updatetime',
          '#region': 'aws:rep:updateregion',
        },
        ExpressionAttributeValues: {
          ':no': { BOOL: false },
          ':time': { N: `1768470180.${String(now).padStart(6, '0')}` },
          ':region': { S: name },
        },
      }),
    );
  }

  async function remove({ loop, written }: Region, order: string) {
    await loop.direct.send(new DeleteItemCommand({ TableName: loop.TableName, Key: keyOf(order) }));
    written.set(order, ++now);
  }

  /** Brings to one Region what was written in another, unless it has something that was written later. */
  async function replicate(from: Region, to: Region) {
    for (const [order, at] of from.written) {
      if (at <= (to.written.get(order) ?? 0)) continue;
      const { Item } = await from.loop.direct.send(get(from, order));
      const place = { TableName: to.loop.TableName };
      await (Item
        ? to.loop.direct.send(new PutItemCommand({ ...place, Item }))
        : to.loop.direct.send(new DeleteItemCommand({ ...place, Key: keyOf(order) })));
      to.written.set(order, at);
    }
  }

  async function settled() {
    await replicate(here, there);
    await replicate(there, here);
    await Promise.all([here.loop.drained(), there.loop.drained()]);
  }

  const get = ({ loop }: Region, order: string) =>
    new GetItemCommand({ TableName: loop.TableName, Key: keyOf(order) });
  const inTable = async (region: Region, order: string) =>
    (await region.loop.direct.send(get(region, order))).Item;
  const read = async (region: Region, order: string) => {
    const answer = await region.reader.send(get(region, order));
    return { item: answer.Item, isHit: 'CacheMetadata' in answer };
  };
  /** The second read is a hit even where the function was so late that it only deleted. */
  const readTwice = async (region: Region, order: string) => {
    const { item } = await read(region, order);
    expect(await read(region, order)).toEqual({ item, isHit: true });
    return item;
  };

  test('is in each Region cached as a GetItem there answers, with what replication adds to it', async () => {
    await put(there, 'dan/1', 'of the other Region');
    await settled();
    for (const region of [here, there]) {
      expect(await readTwice(region, 'dan/1')).toEqual(await inTable(region, 'dan/1'));
    }
    const { item } = await read(here, 'dan/1');
    expect(Object.keys(item ?? {}).filter((name) => name.startsWith('aws:rep:'))).toHaveLength(
      version === '2017.11.29' ? 3 : 0,
    );
  });

  test('takes several changes of the other Region that arrive as one', async () => {
    for (const note of ['first', 'second', 'third']) await put(there, 'dan/2', note);
    await settled();
    expect(await readTwice(here, 'dan/2')).toEqual(await inTable(here, 'dan/2'));
    expect((await read(here, 'dan/2')).item?.note).toEqual({ S: 'third' });
  });

  test('has after a conflict in both caches what won', async () => {
    await put(here, 'bob/1', 'lost');
    await put(there, 'bob/1', 'won');
    await Promise.all([here.loop.drained(), there.loop.drained()]);
    expect((await read(here, 'bob/1')).item?.note).toEqual({ S: 'lost' }); // as the table here says, until the other arrives
    await settled();
    for (const region of [here, there]) {
      expect((await read(region, 'bob/1')).item).toEqual(await inTable(region, 'bob/1'));
      expect((await read(region, 'bob/1')).item?.note).toEqual({ S: 'won' });
    }
  });

  test('keeps what is newer than what arrives', async () => {
    await put(there, 'bob/2', 'older');
    await put(here, 'bob/2', 'newer');
    await settled();
    for (const region of [here, there]) {
      expect((await read(region, 'bob/2')).item).toEqual(await inTable(region, 'bob/2'));
      expect((await read(region, 'bob/2')).item?.note).toEqual({ S: 'newer' });
    }
  });

  test('loses an item that the other Region deleted', async () => {
    await put(here, 'cyd/1', 'over');
    await settled();
    expect((await read(here, 'cyd/1')).item?.note).toEqual({ S: 'over' });
    await remove(there, 'cyd/1');
    await settled();
    for (const region of [here, there]) expect((await read(region, 'cyd/1')).item).toBeUndefined();
  });
});

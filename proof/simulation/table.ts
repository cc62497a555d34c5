import type { AttributeMap } from '../../src/attributes.js';
import { type History, newHistory } from './history.js';
import type { World } from './world.js';

/** One change of an item, as the table's stream tells it. */
export interface Change {
  readonly sk: string;
  readonly oldImage: AttributeMap | undefined;
  readonly newImage: AttributeMap | undefined;
  readonly committedAt: number;
  readonly sequenceNumber: string;
  readonly expired: boolean;
}

/**
 * A model of a DynamoDB table: a history per item. A strongly consistent read sees the end of it, any other a replica
 * that lags behind by chance. Requests take their time to arrive and to be answered, and may fail before or after
 * they were carried out.
 */
export interface Table {
  readonly items: ReadonlyMap<string, History>;
  /** All changes so far, in their order. */
  readonly changes: readonly Change[];
  /** How many items were asked for by their keys, for the application or to fill a cache. */
  readonly itemsRead: number;
  /** What an SDK client without a cache does. */
  send(command: string, input: Input): Promise<Output>;
  /** Writes an item as somebody else, at once. */
  write(sk: string, image: AttributeMap | undefined, expired?: boolean): void;
}

export const TABLE = 'items';
export const PARTITION = { S: 'p' };

/** The members of a request that this application uses. */
export interface Input {
  readonly TableName?: string;
  readonly Key?: AttributeMap;
  readonly Item?: AttributeMap;
  readonly ConsistentRead?: boolean;
  readonly ReturnValues?: 'ALL_NEW';
  readonly RequestItems?: { readonly [TABLE]: Batch | readonly WriteRequest[] };
  readonly TransactItems?: readonly WriteRequest[];
}

export interface Batch {
  readonly Keys: readonly AttributeMap[];
  readonly ConsistentRead?: boolean;
}

/** One write of a batch or transaction, by its kind. */
export type WriteRequest = { readonly [kind: string]: Pick<Input, 'Key' | 'Item'> };

export type Output = { $metadata: object; [member: string]: unknown };

export function keyOf(sk: string): AttributeMap {
  return { pk: PARTITION, sk: { S: sk } };
}

/** What a BatchGetItem asks for. */
export function batchIn(requestItems: Input['RequestItems']): Batch {
  return (requestItems as { [TABLE]: Batch })[TABLE];
}

/** The item that a key or an image is of. */
export function skOf(attributes: AttributeMap): string {
  return (attributes.sk as { S: string }).S;
}

/** An image that an item has not had before. */
export function imageOf(history: History, sk: string, expires?: number): AttributeMap {
  return {
    ...keyOf(sk),
    v: { N: String(history.number()) },
    ...(expires !== undefined && { expires: { N: String(expires) } }),
  };
}

/** @param names its items, none of which is there yet */
export function newTable(world: World, names: readonly string[] = itemNames(world.weather.items)): Table {
  const { weather, time } = world;
  const random = world.random('table');
  const answers = world.random('slow answers');
  const items = new Map(names.map((sk) => [sk, newHistory(world.start)]));
  const changes: Change[] = [];
  const numbersRestartAt = world.start + (weather.stream.numbersRestartAt ?? Number.POSITIVE_INFINITY);
  let numbered = 5_000;
  let itemsRead = 0;

  const history = (sk: string) => items.get(sk) as History;

  function write(sk: string, image: AttributeMap | undefined, expired = false): void {
    const oldImage = history(sk).latest.image;
    if (oldImage === undefined && image === undefined) return; // DynamoDB makes no record of nothing
    // Not within seconds of another change: their order would be told by nothing then.
    const sinceLast = time.now() - (changes.at(-1)?.committedAt ?? 0);
    if (time.now() >= numbersRestartAt && numbered > 5_000 && sinceLast > 4_000) numbered = 1;
    numbered += 1;
    history(sk).add(image, time.now());
    const change = {
      sk,
      oldImage,
      newImage: image,
      committedAt: time.now(),
      sequenceNumber: `1${String(numbered).padStart(20, '0')}`,
      expired,
    };
    changes.push(change);
    world.tell(() => `table: ${sk} becomes ${nameOf(image)}${expired ? ' (expired)' : ''}`);
  }

  /** What a read sees: a moment for a replica, the end of history for the leader. */
  function snapshot(isConsistent?: boolean): (sk: string) => AttributeMap | undefined {
    const { share, lagMs } = weather.replica;
    const lag = isConsistent || !random.chance(share) ? 0 : random.between(0, lagMs);
    return (sk) => (lag === 0 ? history(sk).latest.image : history(sk).at(time.now() - lag).image);
  }

  async function travel(isRead: boolean): Promise<void> {
    const { share, ms } = weather.slowRead;
    await time.sleep(isRead && random.chance(share) ? random.between(0, ms) : random.between(0.5, 4));
  }

  /** One write: a put, an update or a delete. Returns what the item then is. */
  function carryOut({ Key, Item }: Pick<Input, 'Key' | 'Item'>, isUpdate: boolean): AttributeMap | undefined {
    const sk = skOf((Key ?? Item) as AttributeMap);
    const image = Item ?? (isUpdate ? imageOf(history(sk), sk) : undefined);
    write(sk, image);
    return image;
  }

  function carryOutAll(requests: readonly WriteRequest[]): void {
    for (const request of requests) {
      for (const [kind, write] of Object.entries(request)) carryOut(write, kind === 'Update');
    }
  }

  const reads: Record<string, (input: Input) => object> = {
    GetItemCommand: ({ Key, ConsistentRead }) => {
      itemsRead += 1;
      const Item = snapshot(ConsistentRead)(skOf(Key as AttributeMap));
      return Item === undefined ? {} : { Item };
    },
    BatchGetItemCommand: ({ RequestItems }) => {
      const { Keys, ConsistentRead } = batchIn(RequestItems);
      itemsRead += Keys.length;
      const see = snapshot(ConsistentRead);
      const found = Keys.map((key) => see(skOf(key))).filter((item) => item !== undefined);
      return { Responses: { [TABLE]: found }, UnprocessedKeys: {} };
    },
    QueryCommand: ({ ConsistentRead }) => {
      const see = snapshot(ConsistentRead);
      const Items = [...items.keys()].map(see).filter((item) => item !== undefined);
      return { Items, Count: Items.length, ScannedCount: Items.length };
    },
  };
  const writes: Record<string, (input: Input) => object | undefined> = {
    PutItemCommand: (input) => void carryOut(input, false),
    UpdateItemCommand: (input) => {
      const Attributes = carryOut(input, true);
      return input.ReturnValues === 'ALL_NEW' ? { Attributes } : {};
    },
    DeleteItemCommand: (input) => void carryOut(input, false),
    BatchWriteItemCommand: ({ RequestItems }) => {
      carryOutAll(RequestItems?.[TABLE] as WriteRequest[]);
      return { UnprocessedItems: {} };
    },
    TransactWriteItemsCommand: ({ TransactItems = [] }) => void carryOutAll(TransactItems),
  };

  return {
    items,
    changes,
    get itemsRead() {
      return itemsRead;
    },
    async send(command, input) {
      const read = reads[command];
      await travel(false);
      if (read !== undefined) {
        const output = read(input);
        await travel(true);
        return { $metadata: {}, ...output };
      }
      const fails = !world.isHealed && random.chance(weather.failedWrites);
      const isLost = fails && random.chance(0.5);
      const written = isLost ? undefined : writes[command]?.(input);
      await travel(false);
      if (answers.chance(weather.slowRead.share / 2))
        await time.sleep(answers.between(0, weather.slowRead.ms));
      if (fails) throw Object.assign(new Error('Connection timed out'), { name: 'TimeoutError' });
      return { $metadata: {}, ...written };
    },
    write,
  };
}

function itemNames(count: number): string[] {
  return ['a', 'b', 'c'].slice(0, count);
}

/** A state in the story. */
export function nameOf(image: AttributeMap | undefined): string {
  return image === undefined ? 'absent' : `v${(image.v as { N: string } | undefined)?.N}`;
}

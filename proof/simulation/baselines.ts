import type { AttributeMap } from '../../src/attributes.js';
import type { Handler } from './mapping.js';
import type { Client, NewSystem, Next, System } from './system.js';
import { batchIn, type Input, type Output, skOf, TABLE, type WriteRequest } from './table.js';
import type { World } from './world.js';

/** What a simple cache is made of: which of the usual parts it has. */
export interface Parts {
  /** A stream handler that sets the new image of every record, and deletes on REMOVE: the published samples. */
  readonly setsFromStream?: boolean;
  /** A reader that misses stores what it read. */
  readonly fills?: boolean;
  /** A client that has written deletes the entry. */
  readonly deletesOwnWrites?: boolean;
  /** A client that has written an item, and knows what it then is, stores it. */
  readonly storesOwnWrites?: boolean;
}

/** The caches that people write today. All of them read an item with a plain GET, and leave queries to DynamoDB. */
export const baselines: Record<string, NewSystem> = {
  'SET and DEL per stream record': simple({ setsFromStream: true }),
  'read-aside': simple({ fills: true }),
  'both together': simple({ setsFromStream: true, fills: true }),
  'read-aside, own writes deleted': simple({ fills: true, deletesOwnWrites: true }),
};

export function simple({ setsFromStream, fills, deletesOwnWrites, storesOwnWrites }: Parts): NewSystem {
  return (world, line) => {
    const cache = newPlainCache(world);
    const fetch = (sk: string) => line.call(() => cache.get(sk));
    const store = (sk: string, item: AttributeMap | null) => line.call(() => cache.set(sk, item));
    const forget = (sk: string) => line.call(() => cache.delete(sk));

    const handler: Handler = async ({ Records }) => {
      for (const { eventName, dynamodb: { Keys, NewImage } = {} } of Records) {
        const sk = skOf(Keys as AttributeMap);
        if (eventName === 'REMOVE') await forget(sk);
        else await store(sk, NewImage as AttributeMap);
      }
      return { batchItemFailures: [] };
    };

    return {
      handler: setsFromStream ? handler : undefined,
      newClient: () =>
        newSimpleClient({
          fetch,
          ...(fills && { fill: store }),
          ...(deletesOwnWrites && { forget }),
          ...(storesOwnWrites && { store }),
        }),
      cached: (sk) => cache.get(sk),
      evict: (sk) => cache.delete(sk),
      clear: () => cache.clear(),
    } satisfies System;
  };
}

interface Access {
  readonly fetch: (sk: string) => Promise<AttributeMap | null | undefined>;
  /** What becomes of an item that was read. */
  readonly fill?: (sk: string, item: AttributeMap | null) => Promise<void>;
  /** What becomes of one that was written. */
  readonly forget?: (sk: string) => Promise<void>;
  readonly store?: (sk: string, item: AttributeMap | null) => Promise<void>;
}

function newSimpleClient({ fetch, fill, forget, store }: Access): Client {
  const ignored = () => undefined;

  async function getItem(input: Input, next: Next): Promise<Output> {
    const sk = skOf(input.Key as AttributeMap);
    const found = await fetch(sk).catch(ignored);
    if (found !== undefined) return { $metadata: {}, ...(found && { Item: found }) };
    const output = await next('GetItemCommand', input);
    await fill?.(sk, (output.Item as AttributeMap | undefined) ?? null).catch(ignored);
    return output;
  }

  async function batchGetItem(input: Input, next: Next): Promise<Output> {
    const { Keys } = batchIn(input.RequestItems);
    const found = await Promise.all(Keys.map((key) => fetch(skOf(key)).catch(ignored)));
    const missing = Keys.filter((_, index) => found[index] === undefined);
    let items = found.filter((item) => item !== undefined && item !== null);
    if (missing.length > 0) {
      const output = await next('BatchGetItemCommand', { RequestItems: { [TABLE]: { Keys: missing } } });
      const read = (output.Responses as { items: AttributeMap[] }).items;
      for (const key of missing) {
        await fill?.(skOf(key), read.find((item) => skOf(item) === skOf(key)) ?? null).catch(ignored);
      }
      items = [...items, ...read];
    }
    return { $metadata: {}, Responses: { [TABLE]: items }, UnprocessedKeys: {} };
  }

  return {
    unconfirmedWrites: 0,
    async send(command, input, next) {
      if (command === 'GetItemCommand') return getItem(input, next);
      if (command === 'BatchGetItemCommand') return batchGetItem(input, next);
      const output = await next(command, input);
      for (const sk of writtenBy(input)) await forget?.(sk).catch(ignored);
      const written = (input.Item ?? output.Attributes) as AttributeMap | undefined;
      if (written !== undefined) await store?.(skOf(written), written).catch(ignored);
      return output;
    },
  };
}

function writtenBy({ Key, Item, TransactItems, RequestItems }: Input): string[] {
  const requests = TransactItems ?? (RequestItems?.[TABLE] as readonly WriteRequest[] | undefined);
  if (requests !== undefined) return requests.flatMap((request) => Object.values(request)).flatMap(writtenBy);
  const attributes = Key ?? Item;
  return attributes === undefined ? [] : [skOf(attributes)];
}

function newPlainCache({ time, weather }: World) {
  const entries = new Map<string, { item: AttributeMap | null; expiresAt: number }>();
  return {
    get(sk: string): AttributeMap | null | undefined {
      const entry = entries.get(sk);
      return entry !== undefined && time.now() < entry.expiresAt ? entry.item : undefined;
    },
    set(sk: string, item: AttributeMap | null): void {
      entries.set(sk, { item, expiresAt: time.now() + 1000 * weather.ttlSeconds });
    },
    delete(sk: string): void {
      entries.delete(sk);
    },
    clear(): void {
      entries.clear();
    },
  };
}

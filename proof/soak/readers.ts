import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import type { CacheMetadata } from '../../src/index.js';
import type { Random } from '../random.js';
import type { Answer } from './ledger.js';
import { type Item, KEYS, keyOf, nameOf, TABLE } from './orders.js';

export const READS = { GetItem: 12, BatchGetItem: 3, Query: 3 };
export type Read = keyof typeof READS;

/** What a read said of each item that it was about. */
export type Answers = Map<string, Answer>;

type Cached<T> = T & { CacheMetadata?: CacheMetadata };

export async function getOrder(client: DynamoDBClient, name: string): Promise<Answers> {
  const answer: Cached<{ Item?: Item | undefined }> = await client.send(
    new GetItemCommand({ TableName: TABLE, Key: keyOf(name) }),
  );
  return new Map([[name, { item: answer.Item, fromCache: answer.CacheMetadata?.CacheHit === true }]]);
}

/** Items count as the cache's only where all of them are: an answer does not say which. */
export async function getOrders(client: DynamoDBClient, names: readonly string[]): Promise<Answers> {
  const answer: Cached<{ Responses?: Record<string, Item[]> | undefined }> = await client.send(
    new BatchGetItemCommand({ RequestItems: { [TABLE]: { Keys: names.map(keyOf) } } }),
  );
  const items = new Map(answer.Responses?.[TABLE]?.map((item) => [nameOf(item), item]));
  const fromCache = answer.CacheMetadata?.CacheHitCount === names.length;
  return new Map(names.map((name) => [name, { item: items.get(name), fromCache }]));
}

/** The orders of a customer. No promise of theirs is about single items, so none counts as the cache's. */
export async function queryOrders(client: DynamoDBClient, customer: string): Promise<Answers> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: TABLE,
      KeyConditionExpression: '#c = :c',
      ExpressionAttributeNames: { '#c': KEYS.partitionKey },
      ExpressionAttributeValues: { ':c': { S: customer } },
    }),
  );
  return new Map(Items.map((item) => [nameOf(item), { item, fromCache: false }]));
}

/** A read chosen by chance: the items that it is about, and how to make it. */
export function someRead(random: Random, names: readonly string[]) {
  const kind = random.weighted(READS);
  const about = random.some(names, kind === 'BatchGetItem' ? random.integer(2, 13) : 1);
  const [name = ''] = about;
  const send = (client: DynamoDBClient): Promise<Answers> => {
    if (kind === 'BatchGetItem') return getOrders(client, about);
    return kind === 'GetItem' ? getOrder(client, name) : queryOrders(client, name.split('/')[0] ?? '');
  };
  return { kind, about, send };
}

import { createHash } from 'node:crypto';
import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { itemKey } from '../../src/key.js';
import { createTable } from '../../test/support/dynamodb.js';

/** The table of the soak. Its items carry the version that their only writer gave them. */
export const TABLE = 'soak-orders';
export const KEYS = { partitionKey: 'customer', sortKey: 'order' };
export const NAMESPACE = 'soak';

export type Item = Record<string, AttributeValue>;

export async function createOrders(client: DynamoDBClient): Promise<void> {
  await createTable(client, TABLE, { customer: 'S', order: 'N' }, 'NEW_AND_OLD_IMAGES');
}

/** Names of orders, `customer/order`, such as `c07/3`. */
export function orderNames(customers: number, orders: number, prefix: string): string[] {
  return Array.from({ length: customers * orders }, (_, index) => {
    const customer = String(Math.floor(index / orders)).padStart(2, '0');
    return `${prefix}${customer}/${index % orders}`;
  });
}

export function keyOf(name: string) {
  const [customer = '', order = ''] = name.split('/');
  return { customer: { S: customer }, order: { N: order } };
}

export function nameOf(item: Item): string {
  return `${item.customer?.S}/${item.order?.N}`;
}

export function cacheKeyOf(name: string): string {
  return itemKey(NAMESPACE, TABLE, keyOf(name));
}

/** An order of some 400 bytes, of which every attribute follows from its name and version. */
export function orderOf(name: string, version: number): Item {
  return { ...keyOf(name), ...contentsOf(name, version) };
}

export function contentsOf(name: string, version: number) {
  const digest = createHash('sha256').update(`${name} ${version}`).digest();
  return {
    version: { N: String(version) },
    proof: { S: digest.toString('hex') },
    bytes: { B: new Uint8Array(digest) },
    basket: { L: [{ M: { sku: { S: digest.toString('base64') }, count: { N: `${version % 7}.5` } } }] },
  };
}

/** The version of an order, or what is wrong with it. */
export function versionIn(name: string, item: Item): number | string {
  const version = Number(item.version?.N);
  if (item.proof?.S !== contentsOf(name, version).proof.S) return `is mixed up: ${JSON.stringify(item)}`;
  return version;
}

/** Every item of the table, by name, read with strong consistency. */
export async function wholeTable(client: DynamoDBClient): Promise<Map<string, Item>> {
  const items = new Map<string, Item>();
  for await (const page of paginateScan({ client }, { TableName: TABLE, ConsistentRead: true })) {
    for (const item of page.Items ?? []) items.set(nameOf(item), item);
  }
  return items;
}

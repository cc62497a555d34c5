import {
  type AttributeValue,
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  PutItemCommand,
  type StreamViewType,
} from '@aws-sdk/client-dynamodb';
import { createTable } from '../../test/support/dynamodb.js';

/** Attributes of every type, with names that expressions have to spell around. */
const ATTRIBUTES: Record<string, AttributeValue> = {
  name: { S: 'Ada' },
  n1: { N: '1.5' },
  bin: { B: new Uint8Array([0, 255]) },
  flag: { BOOL: false },
  none: { NULL: true },
  m: { M: { a: { M: { b: { S: 'deep' } } }, 'a.b': { S: 'dotted' }, name: { S: 'inner' }, n: { N: '0' } } },
  l: { L: [{ S: 'zero' }, { M: { x: { N: '1' } } }, { L: [{ S: 'nested' }] }] },
  ss: { SS: ['b', 'a'] },
  ns: { NS: ['10', '9'] },
  bs: { BS: [new Uint8Array([2]), new Uint8Array([1])] },
  'a.b': { S: 'a dot in a name' },
  $types: { S: 'a name of the stored form' },
};

const ITEMS: Record<string, Record<string, AttributeValue>[]> = {
  users: ['1', '01', '{', 'a{b}c}', ' ', '😀'].map((id) => ({ id: { S: id }, ...ATTRIBUTES })),
  counters: ['1', '0', '-1.5', '10'].map((n) => ({ n: { N: n }, ...ATTRIBUTES })),
  blobs: [[1], [0, 255]].map((bytes) => ({ b: { B: new Uint8Array(bytes) }, ...ATTRIBUTES })),
  orders: ['1', '2', '10'].flatMap((order) =>
    ['1', '2'].map((customer) => ({
      customer: { S: customer },
      order: { N: order },
      status: { S: order === '1' ? 'open' : 'done' },
      day: { S: `2026-01-${order.padStart(2, '0')}` },
      ...ATTRIBUTES,
    })),
  ),
};

/** @param stream what the tables' streams have of items; without it there are none */
export async function createNearTables(client: DynamoDBClient, stream?: StreamViewType): Promise<void> {
  await createTable(client, 'users', { id: 'S' }, stream);
  await createTable(client, 'counters', { n: 'N' }, stream);
  await createTable(client, 'blobs', { b: 'B' }, stream);
  const StreamSpecification = stream && { StreamEnabled: true, StreamViewType: stream };
  await client.send(new CreateTableCommand({ ...ORDERS, StreamSpecification }));
  for (const [TableName, items] of Object.entries(ITEMS)) {
    for (const Item of items) await client.send(new PutItemCommand({ TableName, Item }));
  }
}

const ORDERS: CreateTableCommandInput = {
  TableName: 'orders',
  AttributeDefinitions: [
    { AttributeName: 'customer', AttributeType: 'S' },
    { AttributeName: 'order', AttributeType: 'N' },
    { AttributeName: 'status', AttributeType: 'S' },
    { AttributeName: 'day', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'customer', KeyType: 'HASH' },
    { AttributeName: 'order', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byStatus',
      KeySchema: [
        { AttributeName: 'status', KeyType: 'HASH' },
        { AttributeName: 'order', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
  LocalSecondaryIndexes: [
    {
      IndexName: 'byDay',
      KeySchema: [
        { AttributeName: 'customer', KeyType: 'HASH' },
        { AttributeName: 'day', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ],
  BillingMode: 'PAY_PER_REQUEST',
};

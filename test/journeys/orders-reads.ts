import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { keyOf } from './orders.js';

/** A read of the table, of one kind. */
export interface Read {
  readonly name: string;
  send(client: DynamoDBClient): Promise<Answer>;
}

export interface Answer {
  /** What DynamoDB said, without what differs from request to request. */
  readonly said: Record<string, unknown>;
  /** Whether nothing of it was asked of DynamoDB. */
  readonly isHit: boolean;
}

export interface Output {
  readonly CacheMetadata?: { CacheHit?: boolean; CacheHitCount?: number; CacheMissCount?: number };
  readonly [member: string]: unknown;
}

export function answerOf({ $metadata, CacheMetadata, ...said }: Output): Answer {
  const { CacheHit, CacheHitCount = 0, CacheMissCount } = CacheMetadata ?? {};
  // A BatchGetItem has its items in no particular order, and they their attributes.
  for (const items of Object.values((said.Responses ?? {}) as Record<string, ReturnType<typeof keyOf>[]>)) {
    items.sort((a, b) => (a.orderId.S < b.orderId.S ? -1 : 1));
  }
  return { said, isHit: CacheHit === true || (CacheHitCount > 0 && CacheMissCount === 0) };
}

/** Every kind of read, around one order. */
export function readsAround(TableName: string, order: string): Read[] {
  const { customerId, orderId } = keyOf(order);
  const read = (name: string, send: (client: DynamoDBClient) => Promise<unknown>): Read => ({
    name,
    send: async (client) => answerOf((await send(client)) as Output),
  });
  const statuses = ['open', 'paid'].map((status) =>
    read(`Query of the index for ${status} orders`, (client) => client.send(indexQuery(TableName, status))),
  );
  return [
    read('GetItem', (client) => client.send(new GetItemCommand({ TableName, Key: keyOf(order) }))),
    read('GetItem with a projection', (client) =>
      client.send(
        new GetItemCommand({
          TableName,
          Key: keyOf(order),
          ProjectionExpression: '#s, basket[0].sku',
          ExpressionAttributeNames: { '#s': 'status' },
        }),
      ),
    ),
    read('BatchGetItem', (client) =>
      client.send(
        new BatchGetItemCommand({
          RequestItems: {
            [TableName]: { Keys: [order, 'ada/first', 'nobody/1'].map(keyOf) },
          },
        }),
      ),
    ),
    read('Query', (client) => client.send(partitionQuery(TableName, customerId.S))),
    read('Query of a range, backwards, as a count', (client) =>
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'customerId = :customer AND orderId >= :order',
          ExpressionAttributeValues: { ':customer': customerId, ':order': orderId },
          ScanIndexForward: false,
          Select: 'COUNT',
        }),
      ),
    ),
    ...statuses,
    read('Scan', (client) => client.send(new ScanCommand({ TableName }))),
    read('Scan with a filter', (client) =>
      client.send(
        new ScanCommand({
          TableName,
          FilterExpression: '#s = :paid',
          ExpressionAttributeNames: { '#s': 'status' },
          ExpressionAttributeValues: { ':paid': { S: 'paid' } },
        }),
      ),
    ),
    read('Scan of the index', (client) => client.send(new ScanCommand({ TableName, IndexName: 'byStatus' }))),
  ];
}

export function partitionQuery(TableName: string, customerId: string): QueryCommand {
  return new QueryCommand({
    TableName,
    KeyConditionExpression: 'customerId = :customer',
    ExpressionAttributeValues: { ':customer': { S: customerId } },
  });
}

export function indexQuery(TableName: string, status: string): QueryCommand {
  return new QueryCommand({
    TableName,
    IndexName: 'byStatus',
    KeyConditionExpression: '#s = :status',
    ExpressionAttributeNames: { '#s': 'status' },
    ExpressionAttributeValues: { ':status': { S: status } },
  });
}

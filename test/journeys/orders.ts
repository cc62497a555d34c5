import { CreateTableCommand, type DynamoDBClient, type StreamViewType } from '@aws-sdk/client-dynamodb';
import type { DeclaredTable } from '../../src/options.js';

/** The table of the journeys, as the handler and the middleware are told of it. */
export const ORDERS = {
  partitionKey: 'customerId',
  sortKey: 'orderId',
  indexes: { byStatus: { partitionKey: 'status' } },
} satisfies DeclaredTable;

/** Creates such a table with an index and a stream. */
export async function createOrders(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [
        { AttributeName: 'customerId', AttributeType: 'S' },
        { AttributeName: 'orderId', AttributeType: 'S' },
        { AttributeName: 'status', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'customerId', KeyType: 'HASH' },
        { AttributeName: 'orderId', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byStatus',
          KeySchema: [
            { AttributeName: 'status', KeyType: 'HASH' },
            { AttributeName: 'orderId', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' as StreamViewType },
    }),
  );
}

/** The key of an order named `customer/order`. */
export function keyOf(order: string) {
  const [customerId = '', orderId = ''] = order.split('/');
  return { customerId: { S: customerId }, orderId: { S: orderId } };
}

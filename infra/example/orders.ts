import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { NewCachingMiddleware } from 'dynamodb-stream-cache';
import { iamAuthentication } from 'dynamodb-stream-cache/iam';
import { withMetrics } from 'dynamodb-stream-cache/metrics';

const client = new DynamoDBClient();
client.middlewareStack.use(NewCachingMiddleware({ iam: iamAuthentication() })); // the environment says which cache
const orders = DynamoDBDocumentClient.from(client);
const TableName = process.env.TABLE_NAME;

export const handler = withMetrics(serve);

/** `GET /?status=…`, and `GET`, `PUT` and `DELETE /?customerId=…&orderId=…`. */
async function serve({ queryStringParameters, requestContext, body }: APIGatewayProxyEventV2) {
  const { customerId, orderId, status } = queryStringParameters ?? {};
  const Key = { customerId, orderId: Number(orderId) };
  switch (requestContext.http.method) {
    case 'GET':
      return status === undefined ? await order(Key) : await ordersOf(status);
    case 'PUT':
      await orders.send(new PutCommand({ TableName, Item: { ...JSON.parse(body ?? '{}'), ...Key } }));
      return { statusCode: 204 };
    case 'DELETE':
      await orders.send(new DeleteCommand({ TableName, Key }));
      return { statusCode: 204 };
    default:
      return { statusCode: 405 };
  }
}

async function order(Key: { customerId: string | undefined; orderId: number }) {
  const { Item } = await orders.send(new GetCommand({ TableName, Key }));
  return Item === undefined ? { statusCode: 404 } : answer(Item);
}

async function ordersOf(status: string) {
  const { Items } = await orders.send(
    new QueryCommand({
      TableName,
      IndexName: 'byStatus',
      KeyConditionExpression: '#status = :status',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':status': status },
    }),
  );
  return answer(Items);
}

function answer(content: unknown) {
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(content) };
}

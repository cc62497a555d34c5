// A Lambda function behind an HTTP API, as it is written without this package: it is bundled.
import { DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

const client = new DynamoDBClient();
const TableName = process.env.TABLE;

export async function handler({ rawPath, requestContext }: APIGatewayProxyEventV2): Promise<unknown> {
  const [, team, email, role] = rawPath.split('/');
  if (requestContext.http.method === 'PUT') {
    await client.send(new PutItemCommand({ TableName, Item: marshall({ pk: team, sk: email, role }) }));
    return 'stored';
  }
  if (email !== undefined) {
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key: marshall({ pk: team, sk: email }) }),
    );
    return Item && unmarshall(Item);
  }
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :team',
      ExpressionAttributeValues: marshall({ ':team': team }),
    }),
  );
  return Items.map((item) => unmarshall(item));
}

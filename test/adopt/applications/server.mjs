// An ESM server on a document client, as it is written without this package.
import { createServer } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';

const client = DynamoDBDocumentClient.from(new DynamoDBClient());
const TableName = process.env.TABLE;

async function answer(method, [, team, email, role]) {
  if (method === 'PUT') {
    await client.send(new PutCommand({ TableName, Item: { pk: team, sk: email, role } }));
    return 'stored';
  }
  if (email !== undefined)
    return (await client.send(new GetCommand({ TableName, Key: { pk: team, sk: email } }))).Item;
  const ofTeam = { KeyConditionExpression: 'pk = :team', ExpressionAttributeValues: { ':team': team } };
  return (await client.send(new QueryCommand({ TableName, ...ofTeam }))).Items;
}

createServer((request, response) => {
  answer(request.method, request.url.split('/')).then(
    (body) => response.end(JSON.stringify(body ?? null)),
    (error) => response.writeHead(500).end(JSON.stringify(error.message)),
  );
}).listen(process.env.PORT);

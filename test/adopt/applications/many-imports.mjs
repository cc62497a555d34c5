// Imports the SDK in all the ways that there are, and prints who was answered by the cache: to be bundled.
import { createServer } from 'node:http';
import * as sdk from '@aws-sdk/client-dynamodb';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { documentsOf } from './library.cjs';

const server = createServer((_, response) => response.end('{"Item":{"id":{"S":"1"}}}')).listen(0);
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const config = { endpoint: `http://127.0.0.1:${server.address().port}`, region: 'eu-west-1', credentials };
const [document, item] = [
  { TableName: 'users', Key: { id: '1' } },
  { TableName: 'users', Key: { id: { S: '1' } } },
];

async function read() {
  const { DynamoDBClient, ...others } = await import('@aws-sdk/client-dynamodb');
  const answers = {
    first: await new DynamoDBClient(config).send(new GetItemCommand(item)),
    named: await new DynamoDBClient(config).send(new GetItemCommand(item)),
    namespace: await new sdk.DynamoDB(config).getItem(item),
    required: await documentsOf(config).get(document),
    dynamic: await new others.DynamoDB(config).getItem(item),
  };
  const names = Object.keys(answers).filter((name) => answers[name].CacheMetadata?.CacheHit);
  process.stdout.write(names.join());
  server.close();
  server.closeAllConnections();
}

read();

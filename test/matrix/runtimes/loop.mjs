// What a project that installed the package does with it, as a whole: it runs as this ES module, as CommonJS, and in Jest.
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { NewCachingMiddleware, NewStreamCacheHandler } from 'dynamodb-stream-cache';
import { LocalEventSourceMapping } from 'dynamodb-stream-cache/local';

/**
 * Writes, lets the handler apply the stream, and reads by the middleware.
 *
 * @returns of the item each time what is read twice: the name in both answers, and whether the second was a hit
 */
export async function loop({ endpoint, cache, tableName, namespace }) {
  const config = {
    cache,
    namespace,
    tables: { [tableName]: { partitionKey: 'id', sortKey: null } },
    readTimeoutMs: 5_000,
  };
  const handler = NewStreamCacheHandler(config);
  const mapping = new LocalEventSourceMapping({ endpoint, tableName, handler });
  const caching = NewCachingMiddleware(config);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const [writer, reader] = [1, 2].map(
    () => new DynamoDBClient({ endpoint, region: 'us-east-1', credentials }),
  );
  reader.middlewareStack.use(caching);

  const Key = { id: { S: '42' } };
  const put = (name) => new PutItemCommand({ TableName: tableName, Item: { ...Key, name: { S: name } } });
  const answers = [];
  const get = () => reader.send(new GetItemCommand({ TableName: tableName, Key }));
  const read = async () => {
    const [first, second] = [await get(), await get()];
    answers.push([first.Item?.name.S ?? null, second.Item?.name.S ?? null, second.CacheMetadata?.CacheHit]);
  };
  try {
    await mapping.start();
    await read();
    await writer.send(put('Ada'));
    await mapping.drained();
    await read();
    await reader.send(put('Grace'));
    await mapping.drained();
    await read();
    await writer.send(new DeleteItemCommand({ TableName: tableName, Key }));
    await mapping.drained();
    await read();
    return answers;
  } finally {
    await mapping.stop();
    await Promise.all([handler.close(), caching.close()]);
    for (const client of [writer, reader]) client.destroy();
  }
}

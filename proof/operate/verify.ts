import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { encode } from '../../src/codec.js';
import { itemKey } from '../../src/key.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { createTable, startDynamoDB } from '../../test/support/dynamodb.js';
import { startRedis } from '../../test/support/redis.js';
import { fillTable, itemOf, run, startStream, startWriters, TABLE } from './rig.js';

/** Differences planted in a large cache, beside writers and a stream that lags; killed in the middle, and gone on with. */
export async function proveVerify(items: number): Promise<string[]> {
  const [dynamodb, server] = await Promise.all([startDynamoDB(), startRedis()]);
  const client = dynamodb.client();
  await createTable(client, TABLE, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  await fillTable(client, items);
  const where = ['--cache', server.url, '--endpoint', dynamodb.endpoint];
  const warmed = await run(['warm', TABLE, ...where, '--json']);
  console.log(
    `warmed ${JSON.parse(warmed.stdout).filled} of ${items} items in ${(warmed.ms / 1e3).toFixed(1)} s`,
  );

  const redis = new Redis(server.url);
  const nameOf = (id: number) => itemKey(undefined, TABLE, { id: { S: `i${id}` } });
  const planted = new Set<string>();
  const plant = async (id: number, text: string) => {
    planted.add(nameOf(id));
    await redis.set(nameOf(id), text, 'PX', 3_000_000);
  };
  for (let id = 0; id < 30; id += 1) await plant(id, encode(itemOf(id, -1)));
  for (let id = 30; id < 60; id += 1) {
    await client.send(new DeleteItemCommand({ TableName: TABLE, Key: { id: { S: `i${id}` } } }));
    planted.add(nameOf(id));
  }
  for (let id = 60; id < 80; id += 1) await plant(id, 'null');
  for (let id = items; id < items + 19; id += 1) await plant(id, encode(itemOf(id)));

  const reader = dynamodb.client();
  reader.middlewareStack.use(
    NewCachingMiddleware({ cache: server.url, tables: { [TABLE]: { partitionKey: 'id' } } }),
  );
  await reader.send(
    new QueryCommand({
      TableName: TABLE,
      KeyConditionExpression: 'id = :id',
      ExpressionAttributeValues: { ':id': { S: 'i90' } },
    }),
  );
  await client.send(new PutItemCommand({ TableName: TABLE, Item: itemOf(90, 1) as never }));
  await redis.set(nameOf(90), encode(itemOf(90, 1)), 'PX', 3_000_000); // the item is right, the result is not
  const cached = (await redis.eval("return #redis.call('KEYS', ARGV[1])", 0, `${TABLE}:*`)) as number;

  const stream = await startStream(dynamodb, server.url, 2_000);
  const writers = startWriters(client, 200, (n) => 1_000 + ((n * 7_919) % (items - 1_000)));
  const report = join(mkdtempSync(join(tmpdir(), 'operate-')), 'verify.json');
  const verify = ['verify', TABLE, ...where, '--report', report, '--json'];
  let reached = 0;
  const killed = await run(verify, (kill) => {
    try {
      reached = JSON.parse(readFileSync(report, 'utf8')).state.items;
    } catch {}
    if (reached > items * 0.4) kill();
  });
  console.log(`killed when ${reached} were compared (exit ${killed.code}); ${mb(killed)}`);
  const ended = await run([...verify, '--resume', report]);
  const { perSecond } = await writers.stop();
  await stream.stop();
  const found = JSON.parse(ended.stdout || '{}');
  const keys = new Set<string>((found.different ?? []).map(({ key }: { key: string }) => key));
  const results = [...keys].filter((key) => key.includes(':result:'));
  const missed = [...planted].filter((key) => !keys.has(key));
  const wrong = [...keys].filter((key) => !planted.has(key) && !key.includes(':result:'));
  console.log(
    `compared ${found.items} items of ${cached} cached and ${found.results} results beside ${perSecond.toFixed()} writes/s (${stream.records()} records, 2 s late); ` +
      `found ${planted.size - missed.length + results.length} of 100 planted, ${wrong.length} false, ${found.inFlight} in flight; ${(ended.ms / 1e3).toFixed(1)} s; ${mb(ended)}`,
  );
  redis.disconnect();
  await Promise.all([dynamodb.stop(), server.stop()]);
  return [
    ...(missed.length > 0 ? [`missed ${missed.slice(0, 5)}`] : []),
    ...(wrong.length > 0 ? [`false differences ${wrong.slice(0, 5)}`] : []),
    ...(results.length === 1 ? [] : [`stale results found: ${results.length}`]),
    // At any moment some are not there: those that a writer has just changed.
    ...(found.items <= cached && found.items > cached - 1_000
      ? []
      : [`compared ${found.items} of ${cached}`]),
    ...(ended.code === 1 ? [] : [`exit code ${ended.code}: ${ended.stderr}`]),
  ];
}

function mb({ rss }: { rss: { first: number; most: number } }): string {
  return `memory ${(rss.first / 1e6).toFixed()} MB after 2 s, at most ${(rss.most / 1e6).toFixed()} MB`;
}

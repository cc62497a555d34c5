import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { encode } from '../../src/codec.js';
import { itemKey } from '../../src/key.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import { createTable, startDynamoDB } from '../../test/support/dynamodb.js';
import { startRedis } from '../../test/support/redis.js';
import { fillTable, itemOf, run, TABLE } from './rig.js';

/** So many of the table's items exist, and are read all the time. */
const READ = 2_000;

/** A table of many keys taken out beside readers: none gets what was there once it has ended, and no step holds the server up. */
export async function provePurge(keys: number): Promise<string[]> {
  const [dynamodb, server] = await Promise.all([startDynamoDB(), startRedis()]);
  const client = dynamodb.client();
  await createTable(client, TABLE, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  await fillTable(client, READ);
  const redis = new Redis(server.url);
  for (let from = 0; from < keys; from += 1_000) {
    const pipeline = redis.pipeline();
    for (let id = from; id < from + 1_000; id += 1) {
      pipeline.set(
        itemKey(undefined, TABLE, { id: { S: `i${id}` } }),
        encode(itemOf(id, -1)),
        'PX',
        3_000_000,
      );
    }
    await pipeline.exec();
  }
  await redis.config('SET', 'slowlog-log-slower-than', '1000', 'slowlog-max-len', '1000');
  await redis.slowlog('RESET');

  let [isOver, ended] = [false, false];
  let [reads, old, oldAfter, hits] = [0, 0, 0, 0];
  const read = async () => {
    const reader = dynamodb.client();
    reader.middlewareStack.use(NewCachingMiddleware({ cache: server.url, readTimeoutMs: 1_000 }));
    for (let n = 0; !isOver; n += 1) {
      const isAfter = ended;
      const Key = { id: { S: `i${(n * 31) % READ}` } };
      const answer = await reader.send(new GetItemCommand({ TableName: TABLE, Key }));
      reads += 1;
      if ((answer as { CacheMetadata?: { CacheHit?: boolean } }).CacheMetadata?.CacheHit) hits += 1;
      if (answer.Item?.version?.N !== '-1') continue;
      if (isAfter) oldAfter += 1;
      else old += 1;
    }
  };
  const reading = Promise.all([read(), read(), read(), read()]);
  const purged = await run(['purge', TABLE, '--cache', server.url, '--yes', '--json']);
  ended = true;
  const begunAt = performance.now();
  while (performance.now() - begunAt < 3_000) await new Promise((resolve) => setTimeout(resolve, 100));
  isOver = true;
  await reading;
  const slow = (await redis.slowlog('GET', 1_000)) as [number, number, number, string[]][];
  const [longest] = slow.sort((a, b) => b[2] - a[2]);
  const ms = (longest?.[2] ?? 0) / 1e3;
  console.log(
    `purged ${purged.stdout.trim()} of ${keys} keys in ${(purged.ms / 1e3).toFixed(1)} s beside ${reads} reads (${hits} hits); purged values read: ${old} before its end, ${oldAfter} after; ` +
      `longest command ${ms.toFixed(1)} ms (${longest?.[3]?.[0] ?? 'none over 1 ms'}), memory at most ${(purged.rss.most / 1e6).toFixed()} MB`,
  );
  redis.disconnect();
  await Promise.all([dynamodb.stop(), server.stop()]);
  return [
    ...(purged.code === 0 ? [] : [`exit code ${purged.code}: ${purged.stderr}`]),
    ...(oldAfter === 0 ? [] : [`${oldAfter} reads got a purged value`]),
    ...(old > 0 ? [] : ['nobody read anything before: this showed nothing']),
    ...(ms < 10 ? [] : [`the server was held up for ${ms} ms`]),
  ];
}

import { setTimeout as delay } from 'node:timers/promises';
import { ScanCommand, type ScanCommandInput, type ScanCommandOutput } from '@aws-sdk/client-dynamodb';
import { createTable, startDynamoDB } from '../../test/support/dynamodb.js';
import { startRedis } from '../../test/support/redis.js';
import { fillTable, run, startStream, startWriters, TABLE } from './rig.js';

/** A cache filled beside writers and the handler, and compared afterwards; the speed beside that of a bare Scan. */
export async function proveWarm(items: number): Promise<string[]> {
  const [dynamodb, server] = await Promise.all([startDynamoDB(), startRedis()]);
  const client = dynamodb.client();
  await createTable(client, TABLE, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  await fillTable(client, items);
  const where = ['--cache', server.url, '--endpoint', dynamodb.endpoint];
  const stream = await startStream(dynamodb, server.url, 0);
  const writers = startWriters(client, 200, (n) => (n * 7_919) % items);

  const scanOnce = async () => {
    const begunAt = performance.now();
    const segment = async (Segment: number) => {
      for (let from: object | undefined = {}; from !== undefined; ) {
        const input: ScanCommandInput = {
          TableName: TABLE,
          ConsistentRead: true,
          Segment,
          TotalSegments: 4,
          ...from,
        };
        const { LastEvaluatedKey }: ScanCommandOutput = await client.send(new ScanCommand(input));
        from = LastEvaluatedKey && { ExclusiveStartKey: LastEvaluatedKey };
      }
    };
    await Promise.all([0, 1, 2, 3].map(segment));
    return items / ((performance.now() - begunAt) / 1e3);
  };
  await scanOnce(); // the first one warms DynamoDB Local
  const scans = [await scanOnce()];
  const warmed = await run(['warm', TABLE, ...where, '--json']);
  const result = JSON.parse(warmed.stdout || '{}');
  scans.push(await scanOnce());
  const { count, perSecond } = await writers.stop();
  for (let n = 0; n < 600 && stream.records() < count; n += 1) await delay(100);
  const verified = await run(['verify', TABLE, ...where, '--json', '--again', '1,5']);
  await stream.stop();
  const { items: compared, different = [] } = JSON.parse(verified.stdout || '{}');
  const bare = scans.reduce((sum, each) => sum + each, 0) / scans.length;
  // The program's own start is no part of the scan's time either.
  const rate = items / (warmed.ms / 1e3);
  console.log(
    `warmed ${JSON.stringify(result)} in ${(warmed.ms / 1e3).toFixed(1)} s beside ${perSecond.toFixed()} writes/s: ${rate.toFixed()} items/s, ` +
      `${(rate / bare).toFixed(2)} of a bare Scan (${bare.toFixed()}/s); memory at most ${(warmed.rss.most / 1e6).toFixed()} MB; ` +
      `verify: ${compared} compared, ${different.length} differ`,
  );
  await Promise.all([dynamodb.stop(), server.stop()]);
  return [
    ...(different.length > 0 ? [`${different.length} differ`] : []),
    ...(compared >= items * 0.99 ? [] : [`only ${compared} are cached: ${warmed.stderr}${verified.stderr}`]),
    ...(rate / bare >= 0.7 ? [] : [`${(rate / bare).toFixed(2)} of a bare Scan is below 0.7`]),
  ];
}

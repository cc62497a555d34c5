import { setTimeout as delay } from 'node:timers/promises';
import { createTable, startDynamoDB } from '../../test/support/dynamodb.js';
import { startRedis } from '../../test/support/redis.js';
import { fillTable, run, runProgram, startStream, startWriters, TABLE } from './rig.js';

/** A cache filled beside writers and the handler, and compared afterwards; the speed beside that of a bare Scan. */
export async function proveWarm(items: number): Promise<string[]> {
  const [dynamodb, server] = await Promise.all([startDynamoDB(), startRedis()]);
  const client = dynamodb.client();
  await createTable(client, TABLE, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  await fillTable(client, items);
  const where = ['--cache', server.url, '--endpoint', dynamodb.endpoint];
  const stream = await startStream(dynamodb, server.url, 0);
  const writers = startWriters(client, 200, (n) => (n * 7_919) % items);

  const scan = async (segments: number) => {
    const program = ['scripts/run.mjs', 'proof/operate/scan.ts', dynamodb.endpoint, String(segments)];
    const { stdout, ms } = await runProgram(program);
    if (Number(stdout) !== items) throw new Error(`A Scan saw ${stdout} of ${items} items.`);
    return ms;
  };
  await scan(4); // the first one warms DynamoDB Local
  const [loop, segmented] = [[await scan(1)], [await scan(4)]];
  const warmed = await run(['warm', TABLE, ...where, '--json']);
  const result = JSON.parse(warmed.stdout || '{}');
  loop.push(await scan(1));
  segmented.push(await scan(4));
  const { count, perSecond } = await writers.stop();
  for (let n = 0; n < 600 && stream.records() < count; n += 1) await delay(100);
  const verified = await run(['verify', TABLE, ...where, '--json', '--again', '1,5']);
  await stream.stop();
  const { items: compared, different = [] } = JSON.parse(verified.stdout || '{}');
  const ratioTo = (scans: number[]) => scans.reduce((sum, ms) => sum + ms, 0) / scans.length / warmed.ms;
  const rate = items / (warmed.ms / 1e3);
  console.log(
    `warmed ${JSON.stringify(result)} in ${(warmed.ms / 1e3).toFixed(1)} s beside ${perSecond.toFixed()} writes/s: ${rate.toFixed()} items/s, ` +
      `${ratioTo(loop).toFixed(2)} of the speed of a loop over the pages of a Scan, ${ratioTo(segmented).toFixed(2)} of four such loops side by side; ` +
      `memory at most ${(warmed.rss.most / 1e6).toFixed()} MB; verify: ${compared} compared, ${different.length} differ`,
  );
  await Promise.all([dynamodb.stop(), server.stop()]);
  return [
    ...(different.length > 0 ? [`${different.length} differ`] : []),
    ...(compared >= items * 0.98 ? [] : [`only ${compared} are cached: ${warmed.stderr}${verified.stderr}`]),
    ...(ratioTo(loop) >= 0.7 ? [] : [`${ratioTo(loop).toFixed(2)} of a bare Scan is below 0.7`]),
  ];
}

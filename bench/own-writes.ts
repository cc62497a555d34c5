import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { NewCachingMiddleware } from '../src/read/middleware.js';
import { startRedis } from '../test/support/redis.js';
import type { Bench } from './bench.js';
import { startDelay } from './delay.js';
import { CONTEXT, type Figure, twoDigits } from './figure.js';
import { itemOf } from './load.js';
import { each, interleave, quantile, typical } from './rounds.js';

const BYTES = 600;
/** Of the network between the writer and the cache. */
const ROUND_TRIP_MS = 0.5;
/** What stands in for DynamoDB answers a write after so long: it itself takes 3 to 10. */
const WRITE_MS = 5;

const ALONE = 'no cache';
const VOIDS = 'voids';
const THROUGH = 'writes through';

/** S12: what a PutItem through the middleware takes longer than one without. */
export async function ownWrites({ rounds, scale }: Bench): Promise<Figure[]> {
  const server = await startRedis();
  const delay = await startDelay(Number(new URL(server.url).port), ROUND_TRIP_MS);
  const calls = Math.ceil(200 * scale);
  const contender = (name: string, writeThrough?: boolean) => {
    const client = newClient(delay.url, writeThrough);
    return {
      name,
      async run() {
        const millis: number[] = [];
        for (let index = 0; index < calls; index += 1) {
          const start = performance.now();
          await client.send(new PutItemCommand({ TableName: 'users', Item: itemOf(index, BYTES) as never }));
          millis.push(performance.now() - start);
        }
        return millis;
      },
    };
  };
  try {
    const samples = await interleave([contender(ALONE), contender(VOIDS, false), contender(THROUGH, true)], {
      rounds,
      warmUps: 2,
    });
    const p50 = each(samples, (millis) => quantile(millis, 0.5));
    const p99 = each(samples, (millis) => quantile(millis, 0.99));
    const figure = (what: string, of: typeof p50, name: string, to: string): Figure => ({
      id: 'S12',
      what: `PutItem of ${WRITE_MS} ms that ${name}, ${ROUND_TRIP_MS} ms from the cache, ${what}`,
      ours: `${twoDigits(typical(of, name))} ms`,
      baseline: `${to}: ${twoDigits(typical(of, to))} ms`,
      aim: CONTEXT,
    });
    return [
      figure('p50', p50, VOIDS, ALONE),
      figure('p50', p50, THROUGH, VOIDS),
      figure('p99', p99, THROUGH, VOIDS),
    ];
  } finally {
    await delay.close();
    await server.stop();
  }
}

function newClient(cache: string, writeThrough: boolean | undefined): DynamoDBClient {
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  const handle = async () => {
    await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
    return { response: { statusCode: 200, headers, body: new TextEncoder().encode('{}') } };
  };
  const client = new DynamoDBClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    requestHandler: { handle } as never, // all that the SDK needs of one
  });
  if (writeThrough === undefined) return client;
  const tables = { users: { partitionKey: 'id', sortKey: null, writeThrough } };
  client.middlewareStack.use(NewCachingMiddleware({ cache, tables, readTimeoutMs: 10_000 }));
  return client;
}

import type { DynamoDBStreamEvent } from 'aws-lambda';
import { Redis } from 'ioredis';
import { plainPipeline } from './baselines.js';

/** *Bare bundle*: ioredis and a SET. What any function that writes to Redis has to load. */
const redis = new Redis(process.env.STREAM_CACHE_URL ?? '', { lazyConnect: true });

export async function handler(event: DynamoDBStreamEvent) {
  await plainPipeline(redis, event);
  return { batchItemFailures: [] };
}

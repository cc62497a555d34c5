import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { BatchWriteItemCommand, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { AttributeMap } from '../../src/attributes.js';
import { LocalEventSourceMapping } from '../../src/local/index.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import type { DynamoDBServer } from '../../test/support/dynamodb.js';

export const TABLE = 'items';
export const CREDENTIALS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
};

/** Some 300 bytes, like a profile or an order. */
export function itemOf(id: number, version = 0): AttributeMap {
  return {
    id: { S: `i${id}` },
    version: { N: String(version) },
    name: { S: `Item ${id}` },
    tags: { SS: [`tag-${id % 7}`, `tag-${id % 11}x`] },
    text: { S: 'x'.repeat(200) },
  };
}

export async function fillTable(client: DynamoDBClient, count: number): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const from = next;
      next += 25;
      const requests = Array.from({ length: Math.min(25, count - from) }, (_, n) => ({
        PutRequest: { Item: itemOf(from + n) as never },
      }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: requests } }));
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** Writers that change so many items a second, each time another one, until they are stopped. */
export function startWriters(client: DynamoDBClient, perSecond: number, idOf: (n: number) => number) {
  let count = 0;
  let isOver = false;
  const begunAt = performance.now();
  const run = async () => {
    while (!isOver) {
      const due = ((performance.now() - begunAt) / 1_000) * perSecond;
      if (count >= due) await delay(5);
      else {
        count += 1;
        const Item = itemOf(idOf(count), count) as never;
        await client.send(new PutItemCommand({ TableName: TABLE, Item }));
      }
    }
  };
  const running = Promise.all(Array.from({ length: 48 }, run));
  return {
    async stop() {
      isOver = true;
      await running;
      return { count, perSecond: count / ((performance.now() - begunAt) / 1_000) };
    },
  };
}

/** The stream into the cache, each batch so many milliseconds after it was read. */
export async function startStream(dynamodb: DynamoDBServer, cache: string, lagMs: number) {
  const handler = NewStreamCacheHandler({ cache, logger: { debug() {}, info() {}, warn() {}, error() {} } });
  let records = 0;
  const mapping = new LocalEventSourceMapping({
    async handler(event, context) {
      await delay(lagMs);
      records += event.Records.length;
      return handler(event, context);
    },
    tableName: TABLE,
    client: dynamodb.streams(),
    batchSize: 1_000,
    startingPosition: 'LATEST',
    timeoutInSeconds: 60,
  });
  await mapping.start();
  return { records: () => records, stop: () => mapping.stop() };
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  /** The most memory that the process held, and the least once it had begun to work, in bytes. */
  readonly rss: { readonly first: number; readonly most: number };
}

/** A command of the built package. */
export function run(args: readonly string[], watch?: (kill: () => void) => void): Promise<Ran> {
  return runProgram(['dist/cli.js', ...args], watch);
}

/** A program under Node. `watch` is called every 50 ms, and may kill it. */
export async function runProgram(
  args: readonly string[],
  watch: (kill: () => void) => void = () => {},
): Promise<Ran> {
  const begunAt = performance.now();
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...CREDENTIALS },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const samples: number[] = [];
  const timer = setInterval(() => {
    const bytes = rssOf(child.pid);
    if (bytes > 0) samples.push(bytes);
    watch(() => child.kill('SIGKILL'));
  }, 50);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(timer);
  // After the first two seconds: what loading the program takes is no growth.
  const first = samples[Math.min(40, samples.length - 1)] ?? 0;
  return {
    code,
    stdout,
    stderr,
    ms: performance.now() - begunAt,
    rss: { first, most: Math.max(0, ...samples) },
  };
}

function rssOf(pid: number | undefined): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
  } catch {
    return 0;
  }
}

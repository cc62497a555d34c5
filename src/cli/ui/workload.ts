import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttributeDefinition,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import type { AttributeMap, AttributeValue } from '../../attributes.js';
import { decode } from '../../codec.js';
import { itemKey } from '../../key.js';
import { NewCachingMiddleware } from '../../read/middleware.js';
import type { CacheStore } from '../../store/store.js';
import { type PlainCache, plainCache } from './plain-cache.js';

/** Readers and writers of a few items, on two caches beside each other. */
export interface Workload {
  /** Ours is under the middleware; the other is written by hand. */
  readonly plain: PlainCache;
  start(): void;
  stop(): Promise<void>;
  /** What happened so far, and how both caches are beside the table now. */
  state(): Promise<WorkloadState>;
  close(): Promise<void>;
}

export interface WorkloadState {
  readonly isRunning: boolean;
  readonly writes: number;
  readonly ours: CacheState;
  readonly plain: CacheState;
}

export interface CacheState {
  readonly hits: number;
  readonly misses: number;
  /** Answers that were older than one before. */
  readonly stepsBack: number;
  /** Entries that are not what the table has. */
  readonly different: number;
  /** For how long the one that is wrong longest has been, in milliseconds. */
  readonly longestMs: number;
}

const ITEMS = 12;
const READERS = 6;
const READ_EVERY_MS = 25;
const WRITE_EVERY_MS = 120;
/** Now and then an answer of the table is slow to arrive, as on any network: it is old when it is stored. */
const SLOW_SHARE = 0.05;
const SLOW_MS = 400;

interface WorkloadOptions {
  readonly endpoint: string;
  readonly tableName: string;
  readonly namespace: string | undefined;
  readonly store: CacheStore;
}

/** Items of its own, whose names begin with `demo-` or, where keys are numbers, at 900,000,000. */
export async function openWorkload(options: WorkloadOptions): Promise<Workload> {
  const { endpoint, tableName: TableName, namespace, store } = options;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const region = process.env.AWS_REGION ?? 'us-east-1';
  const config = {
    endpoint,
    region,
    ...(!process.env.AWS_ACCESS_KEY_ID && !process.env.AWS_PROFILE && { credentials }),
  };
  const [writer, reader, bare] = [
    new DynamoDBClient(config),
    new DynamoDBClient(config),
    new DynamoDBClient(config),
  ];
  for (const client of [reader, bare]) makeSlow(client);
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  reader.middlewareStack.use(NewCachingMiddleware({ cache: store, namespace, logger: silent }));

  const { Table } = await writer.send(new DescribeTableCommand({ TableName }));
  const keyNames = (Table?.KeySchema ?? []).map(({ AttributeName = '' }) => AttributeName);
  const types = Table?.AttributeDefinitions ?? [];
  const keyOf = (n: number) =>
    Object.fromEntries(keyNames.map((name) => [name, keyValue(types, name, n)])) as AttributeMap;
  const ids = new Map(
    Array.from({ length: ITEMS }, (_, n) => [itemKey(namespace, TableName, keyOf(n)), n] as const),
  );
  const idOf = (key: AttributeMap) => itemKey(namespace, TableName, key);

  const plain = plainCache((record) => {
    const keys = record.dynamodb?.Keys as AttributeMap | undefined;
    const id = keys && idOf(keys);
    if (id === undefined || !ids.has(id)) return undefined;
    return { id, version: versionIn(record) };
  });
  const written = new Map<string, number>();
  const counts = {
    ours: {
      hits: 0,
      misses: 0,
      stepsBack: 0,
      seen: new Map<string, number>(),
      wrongSince: new Map<string, number>(),
    },
    plain: {
      hits: 0,
      misses: 0,
      stepsBack: 0,
      seen: new Map<string, number>(),
      wrongSince: new Map<string, number>(),
    },
  };
  let [isRunning, writes] = [false, 0];
  let running: Promise<unknown> = Promise.resolve();

  function served(cache: keyof typeof counts, id: string, version: number | undefined, isHit: boolean): void {
    const count = counts[cache];
    count[isHit ? 'hits' : 'misses'] += 1;
    if (version === undefined) return;
    const before = count.seen.get(id) ?? 0;
    if (version < before) count.stepsBack += 1;
    count.seen.set(id, Math.max(before, version));
  }

  async function readOurs(id: string, n: number): Promise<void> {
    const answer = await reader.send(new GetItemCommand({ TableName, Key: keyOf(n) as never }));
    const isHit = (answer as { CacheMetadata?: { CacheHit?: boolean } }).CacheMetadata?.CacheHit === true;
    served('ours', id, versionOf(answer.Item as AttributeMap | undefined), isHit);
  }

  async function readPlain(id: string, n: number): Promise<void> {
    const cached = plain.get(id);
    if (cached !== undefined) return served('plain', id, cached, true);
    const { Item } = await bare.send(new GetItemCommand({ TableName, Key: keyOf(n) as never }));
    const version = versionOf(Item as AttributeMap | undefined);
    if (version !== undefined) plain.set(id, version);
    served('plain', id, version, false);
  }

  async function read(): Promise<void> {
    const all = [...ids];
    while (isRunning) {
      const [id, n] = all[Math.floor(Math.random() * all.length)] as [string, number];
      await Promise.all([readOurs(id, n), readPlain(id, n)]).catch(() => {}); // the table may be away for a moment
      await delay(READ_EVERY_MS);
    }
  }

  async function write(): Promise<void> {
    const all = [...ids];
    while (isRunning) {
      const [id, n] = all[Math.floor(Math.random() * all.length)] as [string, number];
      const version = (written.get(id) ?? (await newest(n))) + 1;
      const Item = {
        ...keyOf(n),
        version: { N: String(version) },
        text: { S: `Version ${version}` },
      } as never;
      await writer
        .send(new PutItemCommand({ TableName, Item }))
        .then(() => {
          writes += 1;
          written.set(id, version);
        })
        .catch(() => {});
      // Now and then two changes come at once.
      await delay(Math.random() < 0.2 ? 0 : WRITE_EVERY_MS);
    }
  }

  /** An earlier run may have written. */
  async function newest(n: number): Promise<number> {
    const { Item } = await writer.send(
      new GetItemCommand({ TableName, Key: keyOf(n) as never, ConsistentRead: true }),
    );
    return versionOf(Item as AttributeMap | undefined) ?? 0;
  }

  function stateOf(cache: keyof typeof counts, cached: ReadonlyMap<string, number | undefined>): CacheState {
    const { hits, misses, stepsBack, wrongSince } = counts[cache];
    const now = Date.now();
    for (const id of ids.keys()) {
      const version = cached.get(id);
      const isWrong = version !== undefined && written.has(id) && version !== written.get(id);
      if (!isWrong) wrongSince.delete(id);
      else if (!wrongSince.has(id)) wrongSince.set(id, now);
    }
    const longestMs = Math.max(0, ...[...wrongSince.values()].map((since) => now - since));
    return { hits, misses, stepsBack, different: wrongSince.size, longestMs };
  }

  return {
    plain,
    start() {
      if (isRunning) return;
      isRunning = true;
      running = Promise.all([write(), ...Array.from({ length: READERS }, read)]);
    },
    async stop() {
      isRunning = false;
      await running;
    },
    async state() {
      const names = [...ids.keys()];
      const texts = await store.get(names);
      const ours = new Map(
        names.map((id, index) => {
          const text = texts[index];
          const item = typeof text === 'string' ? decode(text) : undefined;
          return [id, item ? versionOf(item) : undefined] as const;
        }),
      );
      const other = new Map(names.map((id) => [id, plain.get(id)] as const));
      return { isRunning, writes, ours: stateOf('ours', ours), plain: stateOf('plain', other) };
    },
    async close() {
      isRunning = false;
      await running;
      for (const client of [writer, reader, bare]) client.destroy();
    },
  };
}

/** By what sends its requests: beside a middleware that might change answers, ours would leave the cache alone. */
function makeSlow({ config: { requestHandler } }: DynamoDBClient): void {
  const handle = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = async (...args: Parameters<typeof handle>) => {
    const answer = await handle(...args);
    if (Math.random() < SLOW_SHARE) await delay(SLOW_MS);
    return answer;
  };
}

function keyValue(types: readonly AttributeDefinition[], name: string, n: number): AttributeValue {
  const type = types.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
  if (type === 'N') return { N: String(900_000_000 + n) };
  return type === 'B' ? { B: Buffer.from(`demo-${n}`) } : { S: `demo-${n}` };
}

function versionIn({ eventName, dynamodb }: DynamoDBRecord): number | undefined {
  return eventName === 'REMOVE' ? undefined : versionOf(dynamodb?.NewImage as AttributeMap | undefined);
}

function versionOf(item: AttributeMap | null | undefined): number | undefined {
  const { N } = (item?.version ?? {}) as { N?: string };
  return N === undefined ? undefined : Number(N);
}

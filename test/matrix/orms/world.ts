import { randomBytes } from 'node:crypto';
import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { vi } from 'vitest';
import { memoryStore, NewCachingMiddleware, NewStreamCacheHandler, type Report } from '../../../src/index.js';
import { LocalEventSourceMapping } from '../../../src/local/index.js';
import type { DeclaredTable } from '../../../src/options.js';
import type { DynamoDBServer } from '../../support/dynamodb.js';

/** A single table as the libraries like it, with an index of each kind. */
const TABLE = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: {
    gs1: { partitionKey: 'gs1pk' },
    gs2: { partitionKey: 'gs2pk' },
    ls1: { partitionKey: 'pk' },
  },
} satisfies DeclaredTable;

/** What happens to records, reads and writes when all goes well. */
const ORDINARY: ReadonlySet<Report['type']> = new Set([
  'record',
  'batch',
  'hit',
  'miss',
  'declined',
  'fill',
  'strong-read',
  'void',
]);

/** Longer than anything takes to settle: index results are stored again. */
const TICK_MS = 6_000;

export type RecordReport = Extract<Report, { type: 'record' }>;

/** Two tables for one script, one of them with a cache and its stream. Dates stand still but for {@link tick}. */
export interface World {
  /** An application that knows nothing of a cache, on a table that has none. */
  readonly plain: Application;
  /** One that knows nothing of the cache, on the table that has one. */
  readonly other: Application;
  /** One with the middleware: each call makes another application, all with one cache. */
  application(): Application;
  /** From now on the handler waits, as if the stream were slow, until what is returned is called. */
  hold(): () => void;
  /** Resolves when the handler has handled every change made so far, with what became of each since it was asked last. */
  delivered(): Promise<readonly RecordReport[]>;
  /** Time passes, for everybody. */
  tick(): void;
  /** What was reported that should not happen here. */
  readonly troubles: readonly Report[];
  close(): Promise<void>;
}

export interface Application {
  readonly client: DynamoDBClient;
  readonly TableName: string;
  /** What the middleware has reported since it was asked last. */
  reports(): Report[];
}

export async function openWorld(server: DynamoDBServer, ttlAttribute?: string): Promise<World> {
  const name = `orm-${randomBytes(6).toString('hex')}`;
  const tables = { plain: `${name}-plain`, cached: `${name}-cached` };
  const clients: DynamoDBClient[] = [];
  const client = () => {
    const made = server.client();
    clients.push(made);
    return made;
  };
  const direct = client();
  for (const TableName of Object.values(tables)) await createTable(direct, TableName);

  const cache = memoryStore();
  const troubles: Report[] = [];
  const note = (report: Report) => {
    const isFailure = 'outcome' in report && report.outcome === 'failed';
    if (isFailure || !ORDINARY.has(report.type)) troubles.push(report);
  };
  const config = { cache, tables: { [tables.cached]: { ...TABLE, ttlAttribute } }, logger: SILENT };
  let records: RecordReport[] = [];
  const handler = NewStreamCacheHandler({
    ...config,
    onReport(report) {
      note(report);
      if (report.type === 'record') records.push(report);
    },
  });
  let gate = Promise.resolve();
  const mapping = new LocalEventSourceMapping({
    endpoint: server.endpoint,
    tableName: tables.cached,
    retryDelayInMilliseconds: 1,
    async handler(event, context) {
      await gate;
      // DynamoDB Local's clock goes on, but the world's stands still.
      const ApproximateCreationDateTime = Math.floor(Date.now() / 1000);
      const Records = event.Records.map((record) => ({
        ...record,
        dynamodb: { ...record.dynamodb, ApproximateCreationDateTime },
      }));
      return handler({ Records }, context);
    },
  });
  await mapping.start();

  return {
    plain: { client: direct, TableName: tables.plain, reports: () => [] },
    other: { client: direct, TableName: tables.cached, reports: () => [] },
    application() {
      let reports: Report[] = [];
      const made = client();
      made.middlewareStack.use(
        NewCachingMiddleware({
          ...config,
          onReport(report) {
            note(report);
            reports.push(report);
          },
          readTimeoutMs: 5_000, // these tests are about what is answered, not about how soon
        }),
      );
      return {
        client: made,
        TableName: tables.cached,
        reports() {
          const taken = reports;
          reports = [];
          return taken;
        },
      };
    },
    hold() {
      let release = () => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    async delivered() {
      await mapping.drained();
      const taken = records;
      records = [];
      return taken;
    },
    tick() {
      vi.setSystemTime(Date.now() + TICK_MS);
    },
    troubles,
    async close() {
      await mapping.stop();
      for (const made of clients) made.destroy();
    },
  };
}

/** What it would say is in the reports. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

async function createTable(client: DynamoDBClient, TableName: string): Promise<void> {
  const names = ['pk', 'sk', 'gs1pk', 'gs1sk', 'gs2pk', 'gs2sk', 'ls1sk'];
  const keys = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
  await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: keys('pk', 'sk'),
      GlobalSecondaryIndexes: [
        { IndexName: 'gs1', KeySchema: keys('gs1pk', 'gs1sk'), Projection: { ProjectionType: 'ALL' } },
        { IndexName: 'gs2', KeySchema: keys('gs2pk', 'gs2sk'), Projection: { ProjectionType: 'KEYS_ONLY' } },
      ],
      LocalSecondaryIndexes: [
        { IndexName: 'ls1', KeySchema: keys('pk', 'ls1sk'), Projection: { ProjectionType: 'ALL' } },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  );
}

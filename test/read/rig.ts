import {
  type AttributeValue,
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { StreamCacheConfig } from '../../src/options.js';
import { NewCachingMiddleware } from '../../src/read/middleware.js';
import type { Report } from '../../src/report.js';
import { openMemory } from '../../src/store/memory.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import { event } from '../support/records.js';
import { unreliable } from '../support/stores.js';
import { type Change, newTableStub, recordOf } from '../support/table.js';
import type { Schemas } from '../support/table-data.js';

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export const TABLES = {
  users: ['id'],
  orders: ['customerId', 'orderId'],
};

/** A clock that moves only when told, from a time past: a record from the future is believed by nobody. */
export function newClock(start = Date.UTC(2026, 0, 15, 9, 30)) {
  let now = start;
  return {
    now: () => now,
    pass(ms: number) {
      now += ms;
    },
  };
}

/** A client with the middleware, the handler beside it, one cache for both in memory, and the table behind them. */
export function newPair(config: StreamCacheConfig = {}, maxAttempts = 1, schemas: Schemas = TABLES) {
  const clock = newClock();
  const table = newTableStub(schemas, clock.now);
  const memory = openMemory(clock.now);
  const cache = unreliable(memory.store);
  const reports: Report[] = [];
  const options: StreamCacheConfig = {
    cache,
    logger: silent,
    readTimeoutMs: 2_000, // a busy machine is no reason to give up on a cache in memory
    onReport: (report) => reports.push(report),
    ...config,
  };
  const client = table.client(maxAttempts);
  client.middlewareStack.use(NewCachingMiddleware(options));
  const handler = NewStreamCacheHandler(options);
  return {
    clock,
    table,
    memory,
    cache,
    client,
    reports,
    options,
    /** The stream delivers changes, whenever they were made. */
    deliver: (...changes: readonly Change[]) => handler(event(...changes.map(recordOf))),
    get: (id: string) => getUser(client, id),
    /** How the reports of one type ended. */
    outcomes: (type: Report['type']) =>
      reports.flatMap((report) => (report.type === type && 'outcome' in report ? [report.outcome] : [])),
    count: (type: Report['type']) => reports.filter((report) => report.type === type).length,
  };
}

export type Pair = ReturnType<typeof newPair>;

export function getUser(
  client: DynamoDBClient,
  id: string,
  options: { abortSignal?: AbortSignal } = {},
): Promise<GetItemCommandOutput> {
  return client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: id } } }), options);
}

export function batchGetUsers(
  client: DynamoDBClient,
  ...ids: readonly string[]
): Promise<BatchGetItemCommandOutput> {
  const Keys = ids.map((id) => ({ id: { S: id } }));
  return client.send(new BatchGetItemCommand({ RequestItems: { users: { Keys } } }));
}

export function user(id: string, name: string): Record<'id' | 'name', AttributeValue.SMember> {
  return { id: { S: id }, name: { S: name } };
}

/** The name in an answer, which tells versions of an item apart; `undefined` when there is no item. */
export function nameIn({ Item }: { Item?: Record<string, unknown> | undefined }): unknown {
  return (Item?.name as { S?: string } | undefined)?.S;
}

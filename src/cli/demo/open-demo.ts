import { NewCachingMiddleware } from '../../read/middleware.js';
import type { CacheStore } from '../../store/store.js';
import { openDynamoDB } from '../operated-table.js';
import { tellStory } from './story.js';
import { type DemoTable, openDemoTable } from './table.js';

/** What `stream-cache dev --demo` brings along, so that nothing has to be there. */
export interface Demo extends Pick<DemoTable, 'tableName' | 'endpoint' | 'source'> {
  /** Begins to write to the table, and to read it by way of a cache. */
  start(cache: CacheStore, namespace: string | undefined): void;
  close(): Promise<void>;
}

/** @throws CommandError when `@aws-sdk/client-dynamodb` is not installed */
export async function openDemo(): Promise<Demo> {
  const table = await openDemoTable();
  const [writer, reader] = [
    await openDynamoDB('dev', table.endpoint),
    await openDynamoDB('dev', table.endpoint),
  ];
  const ended = new AbortController();
  let telling: Promise<void> | undefined;
  return {
    ...table,
    start(cache, namespace) {
      const logger = { debug() {}, info() {}, warn() {}, error() {} };
      reader.middlewareStack.use(NewCachingMiddleware({ cache, namespace, logger }));
      telling = tellStory(writer, reader, ended.signal);
      telling.catch(() => {}); // it ends with the signal
    },
    async close() {
      ended.abort();
      await telling?.catch(() => {});
      for (const client of [writer, reader]) client.destroy();
      await table.close();
    },
  };
}

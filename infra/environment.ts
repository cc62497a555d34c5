import { Lazy } from 'aws-cdk-lib';
import { resolveConfig } from '../src/config.js';
import type { StreamCacheConfig } from '../src/options.js';
import type { Cache } from './cache.js';
import type { DeclaredStream } from './declared-stream.js';

/** Options of the package that concern all tables. What concerns one is said with the table. */
export type CommonSettings = Pick<StreamCacheConfig, 'namespace' | 'readTimeoutMs' | 'writeTimeoutMs'>;

/** The one environment of the function and of its readers, so that they cannot disagree. */
export function environmentOf(
  { url, environment }: Cache,
  { namespace, readTimeoutMs, writeTimeoutMs }: CommonSettings,
  streams: readonly DeclaredStream[],
): Record<string, string> {
  return {
    STREAM_CACHE_URL: url,
    ...environment,
    // Asked for at synthesis: tables and indexes may be added until then.
    STREAM_CACHE_TABLES: Lazy.string({ produce: () => tablesJson(streams) }),
    ...(namespace !== undefined && { STREAM_CACHE_NAMESPACE: namespace }),
    ...(readTimeoutMs !== undefined && { STREAM_CACHE_READ_TIMEOUT_MS: String(readTimeoutMs) }),
    ...(writeTimeoutMs !== undefined && { STREAM_CACHE_WRITE_TIMEOUT_MS: String(writeTimeoutMs) }),
  };
}

/** A table's name is known at deployment only, and cannot be a key of an object until then; JSON need not escape it. */
function tablesJson(streams: readonly DeclaredStream[]): string {
  return `{${streams.map(({ table, declaration }) => `"${table.tableName}":${declaration()}`).join(',')}}`;
}

/** Refuses now what the function would refuse when it starts. */
export function checkOptions(options: StreamCacheConfig): void {
  resolveConfig({ cache: 'memory:', ...options }, {});
}

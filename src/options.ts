import type { ItemRule } from './item-rules.js';
import type { ReaderMode } from './reader-switch.js';
import type { Report } from './report.js';
import type { Authentication } from './store/redis/connection.js';
import type { RedisClient } from './store/redis/redis-client.js';
import type { CacheStore } from './store/store.js';
import type { StreamRecord } from './stream-record.js';

/**
 * Options of {@link NewStreamCacheHandler} and {@link NewCachingMiddleware}: one object can configure both. Each that is a
 * plain value can be set in the environment too.
 */
export interface StreamCacheConfig extends TableConfig {
  /**
   * Where the cache is: `redis://[user:password@]host[:port][/db]`, `rediss://…` for TLS, `?cluster` behind either for
   * cluster mode (`valkey://` and `valkeys://` are the same), `memory:` for one inside the process; or an ioredis client of yours, which is never closed or
   * reconfigured; or a {@link CacheStore}. Default: `STREAM_CACHE_URL`; one of the two is required.
   */
  readonly cache?: string | RedisClient | CacheStore | undefined;
  /**
   * Lets the connections to the URL in `cache` authenticate with IAM: what `iamAuthentication()` of
   * `dynamodb-stream-cache/iam` gives. Default: none.
   */
  readonly iam?: Authentication | undefined;
  /** First part of every key. Default: none. `STREAM_CACHE_NAMESPACE`. */
  readonly namespace?: string | undefined;
  /** Overrides the table named by the records' `eventSourceARN`. `STREAM_CACHE_TABLE_NAME`. */
  readonly tableName?: string | undefined;
  /**
   * Options for single tables, by table name; or only their names. The middleware caches these tables only; the
   * handler applies whatever its stream delivers. Default: all tables. `STREAM_CACHE_TABLES`, as JSON.
   */
  readonly tables?: readonly string[] | Readonly<Record<string, DeclaredTable>> | undefined;
  /**
   * How long an invocation waits while the cache confirms nothing at all, in milliseconds. Default 4,000.
   * `STREAM_CACHE_WRITE_TIMEOUT_MS`.
   */
  readonly writeTimeoutMs?: number | undefined;
  /**
   * How long one SDK call may wait for the cache in all, in milliseconds, before DynamoDB answers it alone. Default 50.
   * `STREAM_CACHE_READ_TIMEOUT_MS`.
   */
  readonly readTimeoutMs?: number | undefined;
  /**
   * How the middleware answers reads: `on` from the cache; `shadow` from the table, and it reports what the cache would have
   * answered otherwise; `off` from the table alone. Writes are the same in all. The switch in the cache (`stream-cache switch`)
   * can say less than this, for all readers of the namespace. Default `on`. `STREAM_CACHE_READER`.
   */
  readonly reader?: ReaderMode | undefined;
  /**
   * The share of reads that is compared where the mode is `shadow`, from above 0 to 1. The others are the table's alone.
   * Default 1. `STREAM_CACHE_SHADOW_SHARE`.
   */
  readonly shadowShare?: number | undefined;
  /**
   * Default: a Powertools `Logger`. It gets one INFO line per invocation; keys at DEBUG only, item contents never. What it throws is
   * ignored.
   */
  readonly logger?: StreamCacheLogger | undefined;
  /** Called with everything that happens. What it throws is ignored. */
  readonly onReport?: ((report: Report) => void) | undefined;
}

/** Options that a single table can override. */
export interface TableConfig {
  /**
   * What a change does to its key: `write` stores the new image, `refresh` stores it only where the key is cached now,
   * `invalidate` deletes it. A REMOVE always deletes. Default `write`. `STREAM_CACHE_MODE`.
   */
  readonly mode?: Mode | undefined;
  /**
   * How long entries live, in seconds. A number stands for `item`. Default 86,400 for items, 300 for
   * items that do not exist (`itemNegative`; 0 keeps them out of the cache), 60 for query and scan results, which may live as long as a guard.
   * `STREAM_CACHE_TTL_SECONDS`.
   */
  readonly ttlSeconds?: number | TtlSeconds | undefined;
  /** Shortens each time to live by up to this share, so that entries do not end together. Default 0.1. `STREAM_CACHE_TTL_JITTER`. */
  readonly ttlJitter?: number | undefined;
  /**
   * Makes the cache key of a record, for teams that read Redis themselves. It should depend on `record.keys` alone.
   * `undefined` caches nothing for this record. A text that cannot be a key makes the record poison: make what others
   * choose a part of it with `keyPart`. When it throws, or gives no text, the record fails and is delivered again.
   */
  readonly key?: ((record: StreamRecord) => string | undefined) | undefined;
  /**
   * Makes the stored text of a record's new image. `undefined` deletes the key. When it throws, the key is deleted and
   * the record reported as poison.
   */
  readonly value?: ((record: StreamRecord) => string | undefined) | undefined;
  /**
   * Names further keys to delete with every record: caches derived from the item. What cannot be a key is reported as
   * poison and left out. When it throws, or names no texts, the record fails.
   */
  readonly alsoDelete?: ((record: StreamRecord) => readonly string[]) | undefined;
  /** The table's TTL attribute: an entry never outlives its item. `STREAM_CACHE_TTL_ATTRIBUTE`. */
  readonly ttlAttribute?: string | undefined;
  /** A change older than this is not written, only invalidates. Seconds, default 60. `STREAM_CACHE_LATE_AFTER_SECONDS`. */
  readonly lateAfterSeconds?: number | undefined;
  /** How long a guard outlives the last activity on its item. Seconds, default 300. `STREAM_CACHE_GUARD_SECONDS`. */
  readonly guardSeconds?: number | undefined;
  /** For how long after a change readers fill from strongly consistent reads only. Seconds, default 5. `STREAM_CACHE_SETTLE_SECONDS`. */
  readonly settleSeconds?: number | undefined;
  /**
   * For how long a reader that misses may keep others waiting for what it reads, within their `readTimeoutMs`. Milliseconds,
   * default 25; 0: nobody waits, each reads the table. `STREAM_CACHE_LEASE_MS`.
   */
  readonly leaseMs?: number | undefined;
  /**
   * Whether a write through the middleware also stores the item, where its answer makes the whole item known: a put, and an
   * UpdateItem that asks for `ALL_NEW`. It costs each such write one more round trip to the cache, before it is sent.
   * Default `false`. `STREAM_CACHE_WRITE_THROUGH`.
   */
  readonly writeThrough?: boolean | undefined;
}

/** What can be said of one table. */
export interface DeclaredTable extends TableConfig {
  /** Name of the table's partition key: query results are then invalidated by partition, not by table. */
  readonly partitionKey?: string | undefined;
  /** Name of the table's sort key, `null` when it has none: a PutItem then says which item it writes. */
  readonly sortKey?: string | null | undefined;
  /** The partition keys of its indexes, by index name. */
  readonly indexes?: Readonly<Record<string, DeclaredIndex>> | undefined;
  /** Which of its items are cached, and for how long: the first rule that fits an item's key decides. Default: all, as the table says. */
  readonly items?: readonly ItemRule[] | undefined;
  /**
   * Whether the event source mapping has the filter that `filterCriteriaOf(items)` makes: results that may hold what it leaves out are
   * then not cached. Default `false`.
   */
  readonly filtered?: boolean | undefined;
}

/** What can be said of one index. */
export interface DeclaredIndex {
  /** Name of the index's partition key; the names of all of them, up to four, where it has several. */
  readonly partitionKey: string | readonly string[];
}

/** As it is declared: one name stays a name, which earlier versions of the package know too. */
export function declaredPartitionKey(names: readonly string[]): DeclaredIndex['partitionKey'] {
  const [first = '', ...others] = names;
  return others.length === 0 ? first : names;
}

export type Mode = 'write' | 'refresh' | 'invalidate';

export interface TtlSeconds {
  readonly item?: number | undefined;
  readonly itemNegative?: number | undefined;
  readonly query?: number | undefined;
  readonly scan?: number | undefined;
}

/** What is needed of a logger: Powertools' fits, and so does `console`. */
export interface StreamCacheLogger {
  debug(message: string, details: Record<string, unknown>): void;
  info(message: string, details: Record<string, unknown>): void;
  warn(message: string, details: Record<string, unknown>): void;
  error(message: string, details: Record<string, unknown>): void;
}

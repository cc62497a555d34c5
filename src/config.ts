import { Logger } from '@aws-lambda-powertools/logger';
import { heard, undisturbed } from './callbacks.js';
import { type Rules, SLACK_MS } from './coherence.js';
import { ConfigError } from './errors.js';
import type { ItemRule, ItemRules } from './item-rules.js';
import { isReaderMode, type ReaderMode } from './reader-switch.js';
import { type Report, type Reporter, reporter } from './report.js';
import { cacheIdentity, openStore } from './store/open.js';
import type { Authentication } from './store/redis/connection.js';
import type { RedisClient } from './store/redis/redis-client.js';
import type { CacheStore } from './store/store.js';
import type { StreamRecord } from './stream/records.js';

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

/** The options, checked and complete. */
export interface Settings {
  readonly store: CacheStore;
  /** The same for all stores of one cache. */
  readonly cache: string | object;
  readonly namespace: string | undefined;
  readonly tableName: string | undefined;
  readonly logger: StreamCacheLogger;
  readonly report: Reporter;
  readonly readTimeoutMs: number;
  readonly reader: ReaderMode;
  readonly shadowShare: number;
  /** The tables that readers cache; `undefined` for all. */
  readonly tableNames: ReadonlySet<string> | undefined;
  table(name: string): TableSettings;
}

export interface TableSettings extends ItemRules {
  readonly mode: Mode;
  readonly ttlMs: Readonly<Record<keyof TtlSeconds, number>>;
  readonly ttlJitter: number;
  readonly rules: Rules;
  readonly writeThrough: boolean;
  readonly ttlAttribute: string | undefined;
  readonly key: TableConfig['key'];
  readonly value: TableConfig['value'];
  readonly alsoDelete: TableConfig['alsoDelete'];
  readonly partitionKey: string | undefined;
  readonly sortKey: string | null | undefined;
  /** The names of their partition keys. */
  readonly indexes: ReadonlyMap<string, readonly string[]>;
}

const TTL_NAMES: readonly string[] = ['item', 'itemNegative', 'query', 'scan'] satisfies (keyof TtlSeconds)[];
const MAX_TTL_SECONDS = 10 * 365 * 86_400;

const MODES: readonly string[] = ['write', 'refresh', 'invalidate'] satisfies Mode[];

/** The environment's name of an option, and how its text becomes the option's value. */
const ENVIRONMENT = {
  STREAM_CACHE_URL: ['cache', String],
  STREAM_CACHE_NAMESPACE: ['namespace', String],
  STREAM_CACHE_TABLE_NAME: ['tableName', String],
  STREAM_CACHE_TABLES: ['tables', parseTables],
  STREAM_CACHE_WRITE_TIMEOUT_MS: ['writeTimeoutMs', parseNumber],
  STREAM_CACHE_READ_TIMEOUT_MS: ['readTimeoutMs', parseNumber],
  STREAM_CACHE_READER: ['reader', String],
  STREAM_CACHE_SHADOW_SHARE: ['shadowShare', parseNumber],
  STREAM_CACHE_MODE: ['mode', String],
  STREAM_CACHE_TTL_SECONDS: ['ttlSeconds', parseNumber],
  STREAM_CACHE_TTL_JITTER: ['ttlJitter', parseNumber],
  STREAM_CACHE_TTL_ATTRIBUTE: ['ttlAttribute', String],
  STREAM_CACHE_LATE_AFTER_SECONDS: ['lateAfterSeconds', parseNumber],
  STREAM_CACHE_GUARD_SECONDS: ['guardSeconds', parseNumber],
  STREAM_CACHE_SETTLE_SECONDS: ['settleSeconds', parseNumber],
  STREAM_CACHE_LEASE_MS: ['leaseMs', parseNumber],
  STREAM_CACHE_WRITE_THROUGH: ['writeThrough', parseBoolean],
} as const;

/** No options: they are looked at before there are any. */
const OTHER_VARIABLES: readonly string[] = ['STREAM_CACHE_METRICS', 'STREAM_CACHE_AUTO'];

/** What is no number is left as it is, and refused like any other wrong value. */
function parseNumber(text: string): unknown {
  return Number.isNaN(Number(text)) ? text : Number(text);
}

/** What is neither, in the same way. */
function parseBoolean(text: string): unknown {
  return text === 'true' || (text === 'false' ? false : text);
}

/** What is no JSON, in the same way. */
function parseTables(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether a value is right; the name of its first member that is not, where it is an object of such. */
type Check = (value: unknown) => boolean | string;

const isText = (value: unknown) => typeof value === 'string' && value !== '';
/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
const isTableName = (value: unknown) => isText(value) && /^[\w.-]{1,255}$/.test(String(value));
/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html */
const isPartitionKey = (value: unknown) =>
  isText(value) ||
  (Array.isArray(value) &&
    isWithin(value.length, 1, 4) &&
    [...value].every(isText) &&
    new Set(value).size === value.length);
const isIndex = (value: unknown, name: string) =>
  name !== '' &&
  isObject(value) &&
  Object.keys(value).join() === 'partitionKey' &&
  isPartitionKey(value.partitionKey);
const isItemRule = (value: unknown) =>
  isObject(value) &&
  Object.keys(value).every((name) => ['key', 'cached', 'ttlSeconds'].includes(name)) &&
  isObjectOf(value.key, isKeyCondition) === true &&
  ['boolean', 'undefined'].includes(typeof value.cached) &&
  (value.ttlSeconds === undefined || isSeconds(value.ttlSeconds));
const isKeyCondition = (value: unknown, name: string) =>
  name !== '' &&
  (isText(value) || (isObject(value) && Object.keys(value).join() === 'prefix' && isText(value.prefix)));
const isFunction = (value: unknown) => typeof value === 'function';
const isSeconds = (value: unknown) => isWithin(value, 1, MAX_TTL_SECONDS);

/** Per option: what its value must be, in words and as a check. */
const TABLE_OPTIONS: Record<keyof TableConfig, [expected: string, check: Check]> = {
  mode: ['write, refresh or invalidate', (value) => MODES.includes(value as string)],
  ttlSeconds: [
    'seconds from 1 to ten years, or an object of such with item, itemNegative (or 0), query, scan',
    (value) =>
      isSeconds(value) ||
      isObjectOf(
        value,
        (seconds, name) =>
          TTL_NAMES.includes(name) &&
          (seconds === undefined || isSeconds(seconds) || (name === 'itemNegative' && seconds === 0)),
      ),
  ],
  ttlJitter: ['a share from 0 to below 1', (value) => isWithin(value, 0, 0.999)],
  key: ['a function of the record', isFunction],
  value: ['a function of the record', isFunction],
  alsoDelete: ['a function of the record', isFunction],
  ttlAttribute: ["an attribute's name", isText],
  lateAfterSeconds: ['seconds from 5 to an hour', (value) => isWithin(value, 5, 3600)],
  guardSeconds: ['seconds from 10 to a day', (value) => isWithin(value, 10, 86_400)],
  settleSeconds: ['seconds from 1 to 300', (value) => isWithin(value, 1, 300)],
  leaseMs: ['milliseconds from 0 to 10,000', (value) => isWithin(value, 0, 10_000)],
  writeThrough: ['true or false', (value) => typeof value === 'boolean'],
};

const DECLARED_TABLE_OPTIONS: Record<keyof DeclaredTable, [expected: string, check: Check]> = {
  ...TABLE_OPTIONS,
  partitionKey: ["an attribute's name", isText],
  sortKey: ["an attribute's name, or null", (value) => value === null || isText(value)],
  indexes: [
    'an object like { byStatus: { partitionKey: "status" } }, with an array of up to four names where the index has several partition keys',
    (value) => isObjectOf(value, isIndex),
  ],
  items: [
    'an array of rules like { key: { pk: { prefix: "USER#" } }, ttlSeconds: 60 } or { key: { pk: "LOG" }, cached: false }',
    (value) => Array.isArray(value) && [...value].every(isItemRule),
  ],
};

const OPTIONS: Record<keyof StreamCacheConfig, [expected: string, check: Check]> = {
  ...TABLE_OPTIONS,
  cache: ['a URL, an ioredis client or a CacheStore', (value) => isText(value) || isObject(value)],
  iam: ['what iamAuthentication() gives', isFunction],
  namespace: ['a text of 1 to 256 characters', (value) => isText(value) && String(value).length <= 256],
  tableName: ["a table's name", isTableName],
  tables: ["an object of options by table name (no ARN), or an array of tables' names", isTables],
  writeTimeoutMs: ['milliseconds from 100 to 60,000', (value) => isWithin(value, 100, 60_000)],
  readTimeoutMs: ['milliseconds from 1 to 10,000', (value) => isWithin(value, 1, 10_000)],
  reader: ['on, shadow or off', isReaderMode],
  shadowShare: ['a share from above 0 to 1', (value) => isWithin(value, Number.MIN_VALUE, 1)],
  logger: [
    'an object with debug, info, warn and error',
    (value) =>
      isObject(value) && ['debug', 'info', 'warn', 'error'].every((level) => isFunction(value[level])),
  ],
  onReport: ['a function of the report', isFunction],
};

/**
 * Checks a handler's options, completes them from the environment and the defaults, and opens the store, which does
 * not connect before it is used.
 *
 * @throws ConfigError that names the option, what is wrong with it and what would be right
 */
export function resolveConfig(
  config: StreamCacheConfig,
  environment: NodeJS.ProcessEnv = process.env,
): Settings {
  if (!isObject(config) || Array.isArray(config)) {
    throw new ConfigError(
      `The options are ${formOf(config)}: expected an object like { cache: 'redis://localhost:6379' }.`,
    );
  }
  const options: StreamCacheConfig = { ...fromEnvironment(environment), ...withoutUndefined(config) };
  check(options, OPTIONS, '');
  if (options.cache === undefined) {
    throw new ConfigError(
      'Option cache is missing: give the URL of your cache in it or in STREAM_CACHE_URL.',
    );
  }

  const declared = declaredTables(options.tables);
  const defaults = tableSettings(options, {}, '');
  const tables = new Map(
    [...declared].map(([name, table]) => [name, tableSettings(options, table, `tables.${name}.`)]),
  );
  const store = openStore(options.cache, options.writeTimeoutMs ?? 4_000, options.iam);
  return {
    store,
    cache: cacheIdentity(options.cache, store),
    namespace: options.namespace,
    tableName: options.tableName,
    logger: options.logger === undefined ? defaultLogger(environment) : undisturbing(options.logger),
    report: reporter(options.onReport),
    readTimeoutMs: options.readTimeoutMs ?? 50,
    reader: options.reader ?? 'on',
    shadowShare: options.shadowShare ?? 1,
    tableNames: options.tables === undefined ? undefined : new Set(declared.keys()),
    table: (name) => tables.get(name) ?? defaults,
  };
}

export function defaultLogger(
  { POWERTOOLS_SERVICE_NAME }: NodeJS.ProcessEnv = process.env,
): StreamCacheLogger {
  return new Logger({ serviceName: POWERTOOLS_SERVICE_NAME ?? 'dynamodb-stream-cache' });
}

/** A logger that may fail. */
function undisturbing(logger: StreamCacheLogger): StreamCacheLogger {
  const level =
    (name: keyof StreamCacheLogger) =>
    (message: string, details: Record<string, unknown>): void =>
      undisturbed(() => logger[name](message, details));
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') };
}

function fromEnvironment(environment: NodeJS.ProcessEnv): StreamCacheConfig {
  const options: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('STREAM_CACHE_') || OTHER_VARIABLES.includes(name)) continue;
    const [option, parse] = ENVIRONMENT[name as keyof typeof ENVIRONMENT] ?? [];
    if (option === undefined) {
      throw new ConfigError(
        `Unknown environment variable ${name}. Known are: ${[...Object.keys(ENVIRONMENT), ...OTHER_VARIABLES].join(', ')}.`,
      );
    }
    if (text !== undefined && text !== '') options[option] = parse(text);
  }
  return options;
}

function check(options: object, known: Record<string, [expected: string, check: Check]>, path: string): void {
  for (const [name, value] of Object.entries(options)) {
    const [expected, isRight] = Object.hasOwn(known, name) ? (known[name] ?? []) : [];
    if (isRight === undefined) {
      throw new ConfigError(`Unknown option ${path}${name}. Known are: ${Object.keys(known).join(', ')}.`);
    }
    const verdict = value === undefined || isRight(value);
    if (verdict === true) continue;
    const [member, wrong] = typeof verdict === 'string' ? [`.${verdict}`, value[verdict]] : ['', value];
    throw new ConfigError(
      `Option ${path}${name}${member}${environmentName(path, name)} is wrong: expected ${expected}, not ${isSecret(name) ? formOf(wrong) : shown(wrong)}.`,
    );
  }
}

/** What may hold a password. */
function isSecret(option: string): boolean {
  return option === 'cache' || option === 'iam';
}

/** A wrong value, as far as it is short and certainly no secret: what stands behind // may be one wherever it is. */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.length <= 40 && !value.includes('//')
    ? JSON.stringify(value)
    : formOf(value);
}

function formOf(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function environmentName(path: string, option: string): string {
  const name = Object.entries(ENVIRONMENT).find(([, [known]]) => path === '' && known === option)?.[0];
  return name === undefined ? '' : ` (${name})`;
}

function declaredTables(tables: StreamCacheConfig['tables']): Map<string, DeclaredTable> {
  if (tables === undefined) return new Map();
  if (Array.isArray(tables)) return new Map(tables.map((name: string) => [name, {}]));
  const declared = new Map(Object.entries(tables as Record<string, DeclaredTable>));
  for (const [name, table] of declared) {
    check(table, DECLARED_TABLE_OPTIONS, `tables.${name}.`);
    if (table.sortKey !== undefined && table.sortKey === table.partitionKey) {
      throw new ConfigError(
        `Option tables.${name}.sortKey (${JSON.stringify(table.sortKey)}) is the partitionKey: give the name of the other attribute of the key, or null for a table that has none.`,
      );
    }
    const stranger = table.items
      ?.flatMap(({ key }) => Object.keys(key))
      .find((each) => !mayBeKey(table, each));
    if (stranger !== undefined) {
      throw new ConfigError(
        `Option tables.${name}.items names ${JSON.stringify(stranger)}, which is no attribute of the key that partitionKey and sortKey declare: what the handler and all readers are to agree on has to be in the key.`,
      );
    }
  }
  return declared;
}

function mayBeKey({ partitionKey, sortKey }: DeclaredTable, name: string): boolean {
  return partitionKey === undefined || sortKey === undefined || name === partitionKey || name === sortKey;
}

function tableSettings(common: TableConfig, table: DeclaredTable, path: string): TableSettings {
  const options: DeclaredTable = { ...common, ...withoutUndefined(table) };
  const tableRules = rules(options, path);
  const tableTtlMs = ttlMs(defaultTtlSeconds(tableRules), common.ttlSeconds, table.ttlSeconds);
  const longest = Math.max(tableTtlMs.query, tableTtlMs.scan);
  if (longest > tableRules.guardMs) {
    throw new ConfigError(
      `Option ${path}ttlSeconds (query and scan, up to ${longest / 1000}) is above guardSeconds (${tableRules.guardMs / 1000}): a result is served only while its tag's guard lives. Use at most guardSeconds, or raise it.`,
    );
  }
  return {
    mode: options.mode ?? 'write',
    ttlMs: tableTtlMs,
    ttlJitter: options.ttlJitter ?? 0.1,
    rules: tableRules,
    writeThrough: options.writeThrough ?? false,
    ttlAttribute: options.ttlAttribute,
    key: heard(options.key),
    value: heard(options.value),
    alsoDelete: heard(options.alsoDelete),
    partitionKey: options.partitionKey,
    sortKey: options.sortKey,
    items: (options.items ?? []).map(({ key, cached = true, ttlSeconds }) => ({
      ...{ key, isCached: cached },
      ttlMs: ttlSeconds === undefined ? tableTtlMs.item : milliseconds(ttlSeconds),
    })),
    indexes: new Map(
      Object.entries(options.indexes ?? {}).map(([name, { partitionKey }]) => [name, [partitionKey].flat()]),
    ),
  };
}

function ttlMs(
  defaults: Required<TtlSeconds>,
  ...layers: TableConfig['ttlSeconds'][]
): TableSettings['ttlMs'] {
  const seconds = { ...defaults } as Record<string, number>;
  for (const layer of layers) {
    Object.assign(seconds, typeof layer === 'number' ? { item: layer } : withoutUndefined(layer ?? {}));
  }
  const inMs = Object.entries(seconds).map(([name, value]) => [name, milliseconds(value)]);
  return Object.fromEntries(inMs) as TableSettings['ttlMs'];
}

/** Results live no longer than the guard of their tag. */
function defaultTtlSeconds({ guardMs }: Rules): Required<TtlSeconds> {
  const result = Math.min(60, guardMs / 1000);
  return { item: 86_400, itemNegative: 300, query: result, scan: result };
}

/** A guard has to outlive every record that could still be written, or a replay finds nothing that stops it. */
function rules(
  { lateAfterSeconds = 60, guardSeconds = 300, settleSeconds = 5, leaseMs = 25 }: TableConfig,
  path: string,
): Rules {
  const least = lateAfterSeconds + (2 * SLACK_MS) / 1000 + 1;
  if (guardSeconds < least) {
    throw new ConfigError(
      `Option ${path}guardSeconds (${guardSeconds}) is too short for lateAfterSeconds (${lateAfterSeconds}): a guard must outlive the records it stops. Use at least ${least}.`,
    );
  }
  if (guardSeconds <= settleSeconds) {
    throw new ConfigError(
      `Option ${path}guardSeconds (${guardSeconds}) must be above settleSeconds (${settleSeconds}): the guard remembers when an item has settled.`,
    );
  }
  return {
    lateAfterMs: milliseconds(lateAfterSeconds),
    guardMs: milliseconds(guardSeconds),
    settleMs: milliseconds(settleSeconds),
    leaseMs: Math.round(leaseMs),
  };
}

/** Whole milliseconds: Redis takes no fractions. */
function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

function withoutUndefined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

function isTables(value: unknown): boolean | string {
  return Array.isArray(value)
    ? value.every(isTableName)
    : isObjectOf(value, (table, name) => isTableName(name) && isObject(table) && !Array.isArray(table));
}

function isObjectOf(value: unknown, isMember: (member: unknown, name: string) => boolean): boolean | string {
  if (!isObject(value) || Array.isArray(value)) return false;
  return Object.keys(value).find((name) => !isMember(value[name], name)) ?? true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

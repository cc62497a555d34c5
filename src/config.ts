import { Logger } from '@aws-lambda-powertools/logger';
import { undisturbed } from './callbacks.js';
import { ConfigError } from './errors.js';
import { checkForm, checkOptions, checkTable } from './option-checks.js';
import { optionsOfEnvironment } from './option-variables.js';
import type { DeclaredTable, StreamCacheConfig, StreamCacheLogger } from './options.js';
import type { ReaderMode } from './reader-switch.js';
import { type Reporter, reporter } from './report.js';
import { cacheIdentity, openStore } from './store/open.js';
import type { CacheStore } from './store/store.js';
import { type TableSettings, tableSettings } from './table-settings.js';
import { withoutUndefined } from './without-undefined.js';

/** What the entrances work with: the options, checked and complete. */
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
  checkForm(config);
  const options: StreamCacheConfig = { ...optionsOfEnvironment(environment), ...withoutUndefined(config) };
  checkOptions(options);
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

function declaredTables(tables: StreamCacheConfig['tables']): Map<string, DeclaredTable> {
  if (tables === undefined) return new Map();
  if (Array.isArray(tables)) return new Map(tables.map((name: string) => [name, {}]));
  const declared = new Map(Object.entries(tables as Record<string, DeclaredTable>));
  for (const [name, table] of declared) checkTable(name, table);
  return declared;
}

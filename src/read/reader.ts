import type { Settings } from '../config.js';
import { ConfigError } from '../errors.js';
import type { Report, UncertainReport } from '../report.js';
import type { TableSettings } from '../table-settings.js';
import { newBreaker } from './breaker.js';
import { tableNameOf } from './call.js';
import { openSession, type Session } from './session.js';
import { type Unvoided, unvoidedIn } from './unvoided.js';

/** What the calls of one process share: the cache, and what is known of it and of the tables. */
export interface Reader {
  readonly namespace: string | undefined;
  readonly unvoided: Unvoided;
  readonly report: (report: Report) => void;
  /** Says once per table and reason why the cache does not answer as it could, and what would help. */
  sayUncertain(
    table: Pick<Table, 'name' | 'said'>,
    reason: UncertainReport['reason'],
    remedy: string,
    details?: object,
  ): void;
  /** Opens the store for one SDK call. */
  session(): Session;
  /** The table that a request names, by name or ARN; `undefined` when it is not cached. */
  table(nameOrArn: unknown): Table | undefined;
}

export interface Table {
  readonly name: string;
  readonly settings: TableSettings;
  /** The names of its key attributes, once they are known. */
  keyNames: readonly string[] | undefined;
  /** DynamoDB has taken a key of these names. */
  areKeyNamesConfirmed: boolean;
  /** What was known of its key is not what the table has: its items are not cached any more. */
  isContradicted: boolean;
  /** The note of its key names has been looked for in the cache. */
  isNoteRead: boolean;
  /** The note of its key names that was put into the cache last. */
  publishedNote: string | undefined;
  /** What has been said of it. */
  readonly said: Set<UncertainReport['reason']>;
  /** Attributes that are no keys: DynamoDB has taken paths into them. */
  readonly openAttributes: Set<string>;
}

/** So many tables that no option names are remembered: what is known of others is found out again. */
const MOST_TABLES = 1_000;

const UNCERTAIN = {
  'key-names-contradicted': { level: 'error', message: 'Items of a table are no longer cached' },
  'key-names-unknown': { level: 'warn', message: 'Which items are written is not known' },
  'unclear-write': { level: 'warn', message: 'A write cannot be made out' },
} as const satisfies Record<UncertainReport['reason'], object>;

/** @throws ConfigError when a table's entries have keys or texts that only the caller's functions understand */
export function newReader(settings: Settings): Reader {
  const tables = new Map<string, Table>();
  for (const name of settings.tableNames ?? []) tables.set(name, newTable(name, settings));
  refuseFunctions('', settings.table(''));

  const { report, logger } = settings;
  const breaker = newBreaker((state) => {
    report({ type: 'breaker', state });
    if (state === 'open') logger.warn('The cache does not answer; DynamoDB answers alone for a while', {});
    else logger.info('The cache answers again', {});
  });
  return {
    namespace: settings.namespace,
    unvoided: unvoidedIn(settings.cache, settings.namespace, longestLifeMs(settings)),
    report,
    sayUncertain({ name: tableName, said }, reason, remedy, details) {
      if (said.has(reason)) return;
      said.add(reason);
      report({ type: 'uncertain', reason, tableName });
      const { level, message } = UNCERTAIN[reason];
      logger[level](message, { tableName, remedy, ...details });
    },
    session: () => openSession(settings.store, breaker, settings.readTimeoutMs, report),
    table(nameOrArn) {
      if (typeof nameOrArn !== 'string') return undefined;
      const name = tableNameOf(nameOrArn);
      const known = tables.get(name);
      if (known !== undefined || settings.tableNames !== undefined) return known;
      const table = newTable(name, settings);
      if (tables.size >= MOST_TABLES) tables.delete(tables.keys().next().value as string);
      tables.set(name, table);
      return table;
    },
  };
}

/** For how long after a write there may be entries of before it: who began before it stores them within the guard's time. */
function longestLifeMs(settings: Settings): number {
  const lives = ['', ...(settings.tableNames ?? [])].map((name) => {
    const { ttlMs, rules, items } = settings.table(name);
    return rules.guardMs + Math.max(...Object.values(ttlMs), ...items.map((rule) => rule.ttlMs));
  });
  return Math.max(...lives);
}

function newTable(name: string, settings: Settings): Table {
  const table = settings.table(name);
  refuseFunctions(`tables.${name}.`, table);
  const { partitionKey, sortKey } = table;
  const keyNames =
    partitionKey === undefined || sortKey === undefined
      ? undefined
      : [partitionKey, ...(sortKey === null ? [] : [sortKey])];
  return {
    name,
    settings: table,
    keyNames,
    areKeyNamesConfirmed: false,
    isContradicted: false,
    isNoteRead: false,
    publishedNote: undefined,
    said: new Set(),
    openAttributes: new Set(),
  };
}

function refuseFunctions(path: string, { key, value }: TableSettings): void {
  if (key === undefined && value === undefined) return;
  throw new ConfigError(
    `Option ${path}${key === undefined ? 'value' : 'key'} makes entries that the middleware cannot read. Leave it out, or keep the table out of the option tables.`,
  );
}

import { ConfigError } from './errors.js';
import { ALLOW_LIST, isAllowList } from './item-rules.js';
import { variableOf } from './option-variables.js';
import type { DeclaredTable, Mode, StreamCacheConfig, TableConfig, TtlSeconds } from './options.js';
import { isReaderMode } from './reader-switch.js';

/** @throws ConfigError when the options are not an object of such */
export function checkForm(options: unknown): void {
  if (!isObject(options) || Array.isArray(options)) {
    throw new ConfigError(
      `The options are ${formOf(options)}: expected an object like { cache: 'redis://localhost:6379' }.`,
    );
  }
}

/** @throws ConfigError for the first option that is unknown or wrong, those of single tables apart */
export function checkOptions(options: StreamCacheConfig): void {
  check(options, OPTIONS, '');
}

/** @throws ConfigError for the first option of a table that is unknown or wrong, or contradicts another */
export function checkTable(name: string, table: DeclaredTable): void {
  check(table, DECLARED_TABLE_OPTIONS, `tables.${name}.`);
  if (table.sortKey !== undefined && table.sortKey === table.partitionKey) {
    throw new ConfigError(
      `Option tables.${name}.sortKey (${JSON.stringify(table.sortKey)}) is the partitionKey: give the name of the other attribute of the key, or null for a table that has none.`,
    );
  }
  if (table.filtered && !isAllowList(table.items ?? [])) {
    throw new ConfigError(`Option tables.${name}.filtered needs rules in items: ${ALLOW_LIST}.`);
  }
  if (table.items !== undefined && (table.partitionKey === undefined || table.sortKey === undefined)) {
    throw new ConfigError(
      `Option tables.${name}.items needs partitionKey and sortKey (null for none) beside it, so that what it names is known to be the key.`,
    );
  }
  const stranger = table.items
    ?.flatMap(({ key }) => Object.keys(key))
    .find((each) => each !== table.partitionKey && each !== table.sortKey);
  if (stranger !== undefined) {
    throw new ConfigError(
      `Option tables.${name}.items names ${JSON.stringify(stranger)}, which is no attribute of the key that partitionKey and sortKey declare: what the handler and all readers are to agree on has to be in the key.`,
    );
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
  (value.ttlSeconds === undefined || (value.cached !== false && isSeconds(value.ttlSeconds)));
const isKeyCondition = (value: unknown, name: string) =>
  name !== '' &&
  (isText(value) || (isObject(value) && Object.keys(value).join() === 'prefix' && isText(value.prefix)));
const isFunction = (value: unknown) => typeof value === 'function';
const isSeconds = (value: unknown) => isWithin(value, 1, MAX_TTL_SECONDS);

const TTL_NAMES: readonly string[] = ['item', 'itemNegative', 'query', 'scan'] satisfies (keyof TtlSeconds)[];
const MAX_TTL_SECONDS = 10 * 365 * 86_400;

const MODES: readonly string[] = ['write', 'refresh', 'invalidate'] satisfies Mode[];

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
    (value) => Array.isArray(value) && firstWrong([...value], isItemRule),
  ],
  filtered: ['true or false', (value) => typeof value === 'boolean'],
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

/** @throws ConfigError for the first option that is unknown or wrong */
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
      `Option ${path}${name}${member}${variableOf(path, name)} is wrong: expected ${expected}, not ${isSecret(name) ? formOf(wrong) : shown(wrong)}.`,
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

function isTables(value: unknown): boolean | string {
  return Array.isArray(value)
    ? value.every(isTableName)
    : isObjectOf(value, (table, name) => isTableName(name) && isObject(table) && !Array.isArray(table));
}

/** The place of the first member that is not right. */
function firstWrong(values: readonly unknown[], isMember: (member: unknown) => boolean): boolean | string {
  const index = values.findIndex((value) => !isMember(value));
  return index < 0 || String(index);
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

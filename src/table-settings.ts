import { heard } from './callbacks.js';
import { type Rules, SLACK_MS } from './coherence.js';
import { ConfigError } from './errors.js';
import type { ItemRules } from './item-rules.js';
import type { DeclaredTable, Mode, TableConfig, TtlSeconds } from './options.js';
import { withoutUndefined } from './without-undefined.js';

export interface TableSettings extends ItemRules {
  /** Changes of items that are not cached do not reach the handler. */
  readonly isFiltered: boolean;
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

/**
 * What holds for a table: its own options, those of all, and the defaults.
 *
 * @param path what its options begin with in a message
 * @throws ConfigError when an option contradicts another
 */
export function tableSettings(common: TableConfig, table: DeclaredTable, path: string): TableSettings {
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
    isFiltered: options.filtered ?? false,
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

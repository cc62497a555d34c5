import type { AttributeMap } from './attributes.js';
import { ConfigError } from './errors.js';

/** What is said of some items of a table, by their key. */
export interface ItemRule {
  /**
   * Which items: by the names of key attributes, what their text is or begins with. All of them have to fit, so none fits every item.
   */
  readonly key: Readonly<Record<string, string | { readonly prefix: string }>>;
  /** Whether they are cached. Default `true`. Results of queries and scans may hold them, unless the table is `filtered`. */
  readonly cached?: boolean | undefined;
  /** How long they live, in seconds. Default: as the table's. */
  readonly ttlSeconds?: number | undefined;
}

/** How an item is cached. */
export interface ItemSettings {
  readonly isCached: boolean;
  readonly ttlMs: number;
}

/** Rules of a table, complete: the first that fits an item's key decides. */
export interface ItemRules {
  readonly items: readonly (ItemSettings & Pick<ItemRule, 'key'>)[];
  readonly ttlMs: { readonly item: number };
}

/** @param attributes the item, or its key */
export function itemSettings({ items, ttlMs }: ItemRules, attributes: AttributeMap): ItemSettings {
  return items.find(({ key }) => fits(key, attributes)) ?? { isCached: true, ttlMs: ttlMs.item };
}

function fits(key: ItemRule['key'], attributes: AttributeMap): boolean {
  return Object.entries(key).every(([name, wanted]) => {
    const text = (attributes[name] as { readonly S?: string } | undefined)?.S;
    if (text === undefined) return false;
    return typeof wanted === 'string' ? text === wanted : text.startsWith(wanted.prefix);
  });
}

/** Whether all items of a partition are cached, whatever their sort key is. Where the partition is not known nobody can tell. */
export function isPartitionCached(
  { items }: ItemRules,
  partitionKey: string,
  partition: AttributeMap | undefined,
): boolean {
  if (partition === undefined) return false;
  for (const { key, isCached } of items) {
    const { [partitionKey]: ofPartition, ...ofSortKey } = key;
    if (ofPartition !== undefined && !fits({ [partitionKey]: ofPartition }, partition)) continue;
    if (!isCached) return false;
    if (Object.keys(ofSortKey).length === 0) return true;
  }
  return true;
}

/** Whether rules name what is cached and leave out all else: that alone a filter can say, since Lambda has no "does not begin with". */
export function isAllowList(items: readonly ItemRule[]): boolean {
  const last = items.at(-1);
  return last?.cached === false && Object.keys(last.key).length === 0;
}

/**
 * The filter of an event source mapping that leaves out what the rules do, so that its changes invoke nothing: for a table that is
 * declared `filtered`, whose readers then cache no results that may hold such items. It may let more through than is cached.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
 *
 * @returns as `LocalEventSourceMapping` takes it, and the CDK in `filters`; a mapping takes 5 patterns, or 10 on request
 * @throws ConfigError when the last rule is not `{ key: {}, cached: false }`
 */
export function filterCriteriaOf(items: readonly ItemRule[]): {
  readonly filters: { readonly pattern: string }[];
} {
  if (!isAllowList(items))
    throw new ConfigError(`filterCriteriaOf cannot filter by these rules: ${ALLOW_LIST}.`);
  const cached = items.filter((rule) => rule.cached !== false);
  return {
    filters: cached.map(({ key }) => ({ pattern: JSON.stringify({ dynamodb: { Keys: patternOf(key) } }) })),
  };
}

export const ALLOW_LIST =
  'the last has to be { key: {}, cached: false }, since a filter can name what passes, and not what does not';

function patternOf(key: ItemRule['key']): object {
  return Object.fromEntries(Object.entries(key).map(([name, wanted]) => [name, { S: [wanted] }]));
}

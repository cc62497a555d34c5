import type { AttributeMap } from './attributes.js';

/** What is said of some items of a table, by their key. */
export interface ItemRule {
  /**
   * Which items: by the names of key attributes, what their text is or begins with. All of them have to fit, so none fits every item.
   */
  readonly key: Readonly<Record<string, string | { readonly prefix: string }>>;
  /** Whether they are cached. Default `true`. Results of queries and scans may hold them in any case. */
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

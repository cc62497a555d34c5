import type { AttributeMap } from '../attributes.js';
import { encode } from '../codec.js';

/** An attribute that the cache has otherwise than the table, as JSON; absent where it is not there at all. */
export interface Difference {
  readonly attribute: string;
  readonly cache: string | undefined;
  readonly table: string | undefined;
}

/** What differs between two states of an item, by the names of its attributes; `null` is an item that does not exist. */
export function differencesBetween(cache: AttributeMap | null, table: AttributeMap | null): Difference[] {
  const names = new Set([...Object.keys(cache ?? {}), ...Object.keys(table ?? {})]);
  return [...names].sort().flatMap((attribute) => {
    const difference = { attribute, cache: textOf(cache, attribute), table: textOf(table, attribute) };
    return difference.cache === difference.table ? [] : [difference];
  });
}

/** Equal values are equal texts, in whatever order DynamoDB gave their members. What JSON cannot tell stands behind it. */
function textOf(item: AttributeMap | null, name: string): string | undefined {
  const value = item?.[name];
  if (value === undefined) return undefined;
  const { $types, ...document } = JSON.parse(encode({ value }));
  return `${JSON.stringify(document.value)}${$types === undefined ? '' : ` ${JSON.stringify($types)}`}`;
}

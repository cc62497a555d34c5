import type { AttributeMap } from '../attributes.js';
import { type Projection, parents } from './projection.js';
import type { Table } from './reader.js';

/** So many attributes of one table are remembered: more than any code has paths into. */
const MOST = 1_000;

/**
 * Whether a projection may have a path into a key of the table or of one of its indexes, which DynamoDB refuses. Nobody
 * here knows the keys of all indexes, but no map or list is one, nor what DynamoDB has taken a path into before.
 */
export function mayEnterKeys(
  { openAttributes }: Table,
  projection: Projection,
  item: AttributeMap | null | undefined,
): boolean {
  return parents(projection).some((name) => {
    if (openAttributes.has(name)) return false;
    const value = item && Object.hasOwn(item, name) ? item[name] : undefined;
    return value === undefined || !('M' in value || 'L' in value);
  });
}

/** Remembers the attributes into which DynamoDB has taken paths. */
export function learnKeyPaths({ openAttributes }: Table, projection: Projection): void {
  for (const name of parents(projection)) {
    if (openAttributes.size < MOST) openAttributes.add(name);
  }
}

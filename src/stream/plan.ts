import { contradict } from '../coherence.js';
import type { TableSettings } from '../config.js';
import { toError } from '../errors.js';
import { checkCustomKey, guardKey, indexTag, isKeyValue, itemKey, partitionTag, tableTag } from '../key.js';
import type { StreamRecord } from './records.js';

/** Records that stand or fall together: those of one item, of which only the last is applied. */
export interface Group {
  readonly tableName: string;
  readonly table: TableSettings;
  /** The item's key; absent for a record that the `key` function skips. */
  readonly key?: string | undefined;
  /** Positions of its records in the event. */
  readonly positions: number[];
  /** The record with the highest version: what the item is now, as far as this batch knows. */
  last: StreamRecord;
  /** Versions and times of its records disagree on which is the last. */
  isDisordered: boolean;
  /** Tags of everything that its records touched, perhaps more than once. */
  readonly tags: string[];
  /** Keys derived from the item that its records delete, perhaps more than once. */
  readonly alsoDelete: string[];
}

export interface Plan {
  readonly groups: readonly Group[];
  /** Records for which no key could be made, by position: they fail, and Lambda delivers them again. */
  readonly failures: ReadonlyMap<number, Error>;
}

/** Groups a batch's records by the item they change. What the earlier records of an item touched is kept. */
export function planBatch(
  records: readonly StreamRecord[],
  settings: { readonly namespace: string | undefined; table(name: string): TableSettings },
): Plan {
  const groups: Group[] = [];
  const byKey = new Map<string, Group>();
  const failures = new Map<number, Error>();

  records.forEach((record, position) => {
    const table = settings.table(record.tableName);
    try {
      const key = keyOf(record, table, settings.namespace);
      const alsoDelete = table.alsoDelete?.(record).map(checkCustomKey) ?? [];
      const tags = tagsOf(record, table, settings.namespace); // before it joins a group, which could pass for it
      const group = key === undefined ? undefined : byKey.get(key);
      if (group === undefined) {
        const added = newGroup(record, position, { table, key, tags, alsoDelete });
        groups.push(added);
        if (key !== undefined) byKey.set(key, added);
      } else {
        join(group, record, position, { tags, alsoDelete });
      }
    } catch (thrown) {
      failures.set(position, toError(thrown));
    }
  });
  return { groups, failures };
}

type Touched = Pick<Group, 'tags' | 'alsoDelete'>;

function newGroup(
  record: StreamRecord,
  position: number,
  known: Pick<Group, 'table' | 'key'> & Touched,
): Group {
  return { tableName: record.tableName, positions: [position], last: record, isDisordered: false, ...known };
}

function join(group: Group, record: StreamRecord, position: number, { tags, alsoDelete }: Touched): void {
  group.positions.push(position);
  group.isDisordered ||= contradict(record, group.last);
  if (record.version >= group.last.version) group.last = record;
  group.tags.push(...tags);
  group.alsoDelete.push(...alsoDelete);
}

function keyOf(
  record: StreamRecord,
  table: TableSettings,
  namespace: string | undefined,
): string | undefined {
  if (table.key === undefined) return itemKey(namespace, record.tableName, record.keys);
  const key = table.key(record);
  if (key === undefined) return undefined;
  guardKey(checkCustomKey(key)); // throws now what would otherwise be found when the key is used
  return key;
}

/** The tags of all query and scan results that a record may have changed. */
function tagsOf(record: StreamRecord, table: TableSettings, namespace: string | undefined): string[] {
  const { tableName, keys } = record;
  const tags = [tableTag(namespace, tableName)];

  const partition = table.partitionKey === undefined ? undefined : keys[table.partitionKey];
  if (table.partitionKey !== undefined && isKeyValue(partition)) {
    tags.push(partitionTag(namespace, tableName, undefined, table.partitionKey, partition));
  }
  for (const [indexName, attributeName] of table.indexes) {
    if (!knowsBothImages(record)) tags.push(indexTag(namespace, tableName, indexName));
    for (const image of [record.oldImage, record.newImage]) {
      const value = image?.[attributeName];
      // An item without this attribute, or with one that no index key can be, is not in the index.
      if (isKeyValue(value)) tags.push(partitionTag(namespace, tableName, indexName, attributeName, value));
    }
  }
  return tags;
}

/** False when the stream's view type hides where in its indexes the item was or is now. */
function knowsBothImages({ eventName, oldImage, newImage }: StreamRecord): boolean {
  const hadBefore = eventName !== 'INSERT';
  const hasAfter = eventName !== 'REMOVE';
  return (!hadBefore || oldImage !== undefined) && (!hasAfter || newImage !== undefined);
}

import type { AttributeMap } from '../attributes.js';
import { contradict } from '../coherence.js';
import { KeyError, toError } from '../errors.js';
import { itemSettings } from '../item-rules.js';
import {
  checkCustomKey,
  checkDerivedKey,
  indexTag,
  isKeyValue,
  itemKey,
  partitionTag,
  tableTag,
} from '../key.js';
import type { StreamRecord } from '../stream-record.js';
import type { TableSettings } from '../table-settings.js';
import { restoredKeyValue } from './restored.js';

/** Records that stand or fall together: those of one item, of which only the last is applied. */
export interface Group {
  readonly tableName: string;
  readonly table: TableSettings;
  /** The item's key; absent for a record that the `key` function or a rule of `items` skips, or of which no key can be made. */
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
  /** Records at which a function of the caller's threw, by position: they fail, and Lambda delivers them again. */
  readonly failures: ReadonlyMap<number, Error>;
  /** Records of which a key, a tag or a derived key cannot be, however often they are delivered, by position. */
  readonly poison: ReadonlyMap<number, Error>;
}

/** Groups a batch's records by the item they change. What the earlier records of an item touched is kept. */
export function planBatch(
  records: readonly StreamRecord[],
  settings: { readonly namespace: string | undefined; table(name: string): TableSettings },
): Plan {
  const groups: Group[] = [];
  const byKey = new Map<string, Group>();
  const failures = new Map<number, Error>();
  const poison = new Map<number, Error>();

  records.forEach((record, position) => {
    const table = settings.table(record.tableName);
    const attempt: Attempt = (make) => {
      try {
        return make();
      } catch (thrown) {
        if (!(thrown instanceof KeyError)) throw thrown;
        if (!poison.has(position)) poison.set(position, thrown);
        return undefined;
      }
    };
    try {
      const key = attempt(() => keyOf(record, table, settings.namespace));
      const derived = attempt(() => table.alsoDelete?.(record)) ?? [];
      const alsoDelete = derived.filter((name) => attempt(() => checkDerivedKey(name)));
      const tags = tagsOf(record, table, settings.namespace, attempt); // before it joins a group, which could pass for it
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
  return { groups, failures, poison };
}

/** Makes a name, or notes that it cannot be made of what the record has. */
type Attempt = <T>(make: () => T) => T | undefined;

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
  if (!itemSettings(table, record.keys).isCached) return undefined;
  if (table.key === undefined) return itemKey(namespace, record.tableName, record.keys);
  const key = table.key(record);
  return key === undefined ? undefined : checkCustomKey(key);
}

/** The tags of all query and scan results that a record may have changed. */
function tagsOf(
  record: StreamRecord,
  table: TableSettings,
  namespace: string | undefined,
  attempt: Attempt,
): string[] {
  const { tableName, keys } = record;
  const tags = [tableTag(namespace, tableName)];
  const addPartition = (
    indexName: string | undefined,
    names: readonly string[],
    image: AttributeMap = {},
  ) => {
    const partition = names.map((name) => [name, restoredKeyValue(image[name])] as const);
    // An item that lacks one of these attributes, or has one that no index key can be, is not in the index.
    if (!partition.every(([, value]) => isKeyValue(value))) return;
    const attributes = Object.fromEntries(partition) as AttributeMap;
    const tag = attempt(() => partitionTag(namespace, tableName, indexName, attributes));
    if (tag !== undefined) tags.push(tag);
  };

  if (table.partitionKey !== undefined) {
    addPartition(undefined, [table.partitionKey], keys);
  }
  for (const [indexName, names] of table.indexes) {
    if (!knowsBothImages(record)) tags.push(indexTag(namespace, tableName, indexName));
    for (const image of [record.oldImage, record.newImage]) {
      addPartition(indexName, names, image);
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

import type { AttributeMap } from '../attributes.js';
import { keyNamesKey } from '../key.js';
import { keyNamesNote, parseKeyNames } from '../key-names.js';
import type { Settled } from '../store/store.js';
import type { Response } from './call.js';
import type { Reader, Table } from './reader.js';
import type { Session } from './session.js';

/** Whether the cache may answer for some keys of a table: all have the names that are known, or the same at least. */
export function mayBeKeysOf(
  table: Table,
  keys: readonly { readonly keyNames: readonly string[] }[],
): boolean {
  const names = table.keyNames ?? keys[0]?.keyNames ?? [];
  return !table.isContradicted && keys.every(({ keyNames }) => areSame(names, keyNames));
}

/**
 * Learns the names of a table's key attributes: from `DynamoDB`, which has accepted a key of them, or from the `cache`,
 * whose word counts only as long as nothing else is known.
 */
export function learnKeyNames(
  reader: Reader,
  table: Table,
  names: readonly string[],
  from: 'DynamoDB' | 'cache',
): void {
  const { keyNames, isContradicted, areKeyNamesConfirmed, settings } = table;
  if (isContradicted) return;
  const { partitionKey } = settings;
  if (
    keyNames === undefined
      ? partitionKey === undefined || names.includes(partitionKey)
      : areSame(keyNames, names)
  ) {
    table.keyNames ??= names;
    table.areKeyNamesConfirmed ||= from === 'DynamoDB';
  } else if (from === 'DynamoDB' || !areKeyNamesConfirmed) {
    contradict(reader, table, names);
  }
}

/**
 * Ends the caching of a table's items: what was known of its key is wrong, so that what was written may be in the cache
 * as it was before.
 *
 * @param names those of its key, if the contradiction tells them
 */
export function contradict(reader: Reader, table: Table, names?: readonly string[]): void {
  if (table.isContradicted) return;
  const known = table.keyNames ?? [table.settings.partitionKey];
  table.isContradicted = true;
  table.keyNames = names;
  reader.unvoided.addAll('keys', table.name);
  reader.sayUncertain(
    table,
    'key-names-contradicted',
    'The key names that are declared or known are not those of the table. Correct partitionKey and sortKey in the option tables; if the table was made anew, restart its readers.',
    { known, found: names },
  );
}

/** Learns from a page of a Query or Scan: where it ended in the table, and whether its items can have the key that is known. */
export function learnFromPage(
  reader: Reader,
  table: Table,
  input: object,
  { LastEvaluatedKey, Items }: Response,
): void {
  const isOfTable = (input as { IndexName?: unknown }).IndexName === undefined;
  if (isOfTable && LastEvaluatedKey)
    learnKeyNames(reader, table, Object.keys(LastEvaluatedKey as object), 'DynamoDB');
  const [item] = (Items as AttributeMap[] | undefined) ?? [];
  if (item && !isPartial(input) && table.keyNames?.some((name) => !Object.hasOwn(item, name)))
    contradict(reader, table);
}

/** Whether a Query or Scan may leave attributes out of the items of its page. */
export function isPartial(input: object): boolean {
  return PARTIAL.some((member) => (input as Record<string, unknown>)[member] !== undefined);
}

const PARTIAL = ['IndexName', 'ProjectionExpression', 'AttributesToGet', 'Select'];

/** Asks the cache for the key names of tables that are not known, or not confirmed, in one round trip. */
export async function readKeyNames(
  reader: Reader,
  session: Session,
  tables: readonly Table[],
): Promise<void> {
  const unsure = [...new Set(tables)].filter(
    ({ keyNames, areKeyNamesConfirmed, isNoteRead, isContradicted }) =>
      !isContradicted && (keyNames === undefined || (!areKeyNamesConfirmed && !isNoteRead)),
  );
  const texts = await session.get(unsure.map(({ name }) => keyNamesKey(reader.namespace, name)));
  unsure.forEach((table, index) => {
    const text = texts[index] as Settled<string | undefined>;
    if (text instanceof Error) return;
    table.isNoteRead = true;
    const names = text === undefined ? undefined : parseKeyNames(text);
    if (names !== undefined) learnKeyNames(reader, table, names, 'cache');
  });
}

/** Puts what DynamoDB confirmed of tables into the cache, once a day, for writers that know nothing of them. */
export async function publishKeyNames(
  { namespace }: Reader,
  session: Session,
  tables: readonly Table[],
): Promise<void> {
  const due = [...new Set(tables)].flatMap((table) => {
    const { name, keyNames, areKeyNamesConfirmed, publishedNote } = table;
    if (keyNames === undefined || !areKeyNamesConfirmed) return [];
    const note = keyNamesNote(namespace, name, keyNames);
    return note === undefined || note.value === publishedNote ? [] : [{ table, note }];
  });
  const outcomes = await session.put(due.map(({ note }) => note));
  due.forEach(({ table, note }, index) => {
    const outcome = outcomes[index];
    if (!(outcome instanceof Error) || outcome.answered) table.publishedNote = note.value;
  });
}

function areSame(some: readonly string[], others: readonly string[]): boolean {
  const are = new Set(some);
  return are.size === new Set(others).size && others.every((name) => are.has(name));
}

import { type AttributeMap, hasTextBinary } from '../attributes.js';
import { ABSENT, decode, encode } from '../codec.js';
import { groupBy } from '../group-by.js';
import { itemSettings } from '../item-rules.js';
import { itemKey } from '../key.js';
import { expiryOf, jittered } from '../lifetime.js';
import type { FillOutcome, Lease, Settled } from '../store/store.js';
import { publishKeyNames } from './key-names.js';
import type { Reader, Table } from './reader.js';
import type { Session } from './session.js';
import type { Note } from './unvoided.js';
import { giveBack } from './wait.js';

/** One item that a call asks for. */
export interface Wanted {
  readonly table: Table;
  readonly key: string;
  /** The names of the key's attributes. */
  readonly keyNames: readonly string[];
}

/**
 * What the cache knows of an item: the item, `null` when it is known not to exist, `miss` when it is not cached, or
 * `unknown` when the cache could not say, or may hold something older than a write of this process.
 */
export type Finding = { readonly item: AttributeMap | null } | 'miss' | 'unknown';

/** The cache key of an item that a request names, or `undefined` when DynamoDB has to say what is wrong with it. */
export function wantedItem(reader: Reader, table: Table, key: unknown): Wanted | undefined {
  try {
    if (hasTextBinary(key as AttributeMap)) return undefined;
    if (!Object.values(key as AttributeMap).every(hasOneType)) return undefined;
    return {
      table,
      key: itemKey(reader.namespace, table.name, key as AttributeMap),
      keyNames: Object.keys(key as AttributeMap),
    };
  } catch {
    return undefined;
  }
}

/** The cache key of an item of a table, or `undefined` when it has not the attributes of one. */
export function keyOfItem(
  reader: Reader,
  table: Table,
  keyNames: readonly string[],
  item: AttributeMap,
): string | undefined {
  const key = Object.fromEntries(keyNames.map((name) => [name, item[name]]));
  return wantedItem(reader, table, key)?.key;
}

/** Of a value with two types a key could be made, but DynamoDB refuses it. */
function hasOneType(value: object): boolean {
  return Object.keys(value).length === 1;
}

/** Looks items up, in one round trip. */
export async function findItems(
  reader: Reader,
  session: Session,
  wanted: readonly Wanted[],
): Promise<Finding[]> {
  if (!reader.unvoided.isEmpty) await voidAgain(reader, session, wanted);
  const texts = await session.get(wanted.map(({ key }) => key));
  const corrupt: Wanted[] = [];
  const findings = wanted.map((item, index): Finding => {
    const text = texts[index];
    if (text instanceof Error || isUnvoided(reader, item)) return 'unknown';
    const found = text === undefined ? undefined : decodeItem(reader, item, text);
    if (text !== undefined && found === undefined) corrupt.push(item);
    return found ?? 'miss';
  });
  if (corrupt.length > 0) await discard(reader, session, corrupt);
  return findings;
}

/** Whether the cache may hold an item as it was before a write of this process. */
export function isUnvoided({ unvoided }: Reader, { table, key }: Pick<Wanted, 'table' | 'key'>): boolean {
  return !unvoided.isEmpty && unvoided.has('keys', table.name, key);
}

/** Gets leases to fill items that are not cached, in one round trip; or the item, when it is cached after all. */
export async function beginItems(
  reader: Reader,
  session: Session,
  missing: readonly Wanted[],
): Promise<({ readonly item: AttributeMap | null } | { readonly lease: Lease } | undefined)[]> {
  const begun: Awaited<ReturnType<typeof beginItems>> = new Array(missing.length).fill(undefined);
  for (const [rules, ofRules] of groupBy([...missing.entries()], ([, { table }]) => table.settings.rules)) {
    const answers = await session.begin(
      ofRules.map(([, { key }]) => key),
      rules,
    );
    ofRules.forEach(([index, wanted], position) => {
      const answer = answers[position];
      if (answer === undefined || answer instanceof Error) return;
      begun[index] = 'value' in answer ? decodeItem(reader, wanted, answer.value) : { lease: answer };
    });
  }
  return begun;
}

/** The stored text of an item read from the table, or `undefined` when it cannot be stored. */
export function textOf(item: AttributeMap | undefined): string | undefined {
  if (item === undefined) return ABSENT;
  try {
    return encode(item);
  } catch {
    return undefined;
  }
}

/** One item as it is in the table, under a lease. */
export interface KnownItem extends Wanted {
  readonly lease: Lease;
  readonly item: AttributeMap | undefined;
  readonly text: string | undefined;
}

/**
 * Offers what was read or written to the cache, in one round trip. Whether it takes it does not matter to the reader. What
 * this process wrote meanwhile is voided first, if it has not been: the read may be of before.
 *
 * @returns the keys of those that it took
 */
export async function fillItems(
  reader: Reader,
  session: Session,
  read: readonly KnownItem[],
): Promise<Set<string>> {
  if (!reader.unvoided.isEmpty) await voidAgain(reader, session, read);
  const storable = read.filter((item) => isStorable(item) && !isUnvoided(reader, item));
  const published = publishKeyNames(
    reader,
    session,
    storable.map(({ table }) => table),
  );
  const filled = new Set<string>();
  const refused = new Set(read);
  for (const item of storable) refused.delete(item);
  for (const [rules, ofRules] of groupBy(storable, ({ table }) => table.settings.rules)) {
    const fills = ofRules.map(({ key, lease, item, text = '', table: { settings } }) => ({
      key,
      lease,
      strong: lease.strong,
      value: text,
      ttlMs: jittered(
        item === undefined ? settings.ttlMs.itemNegative : itemSettings(settings, item).ttlMs,
        settings.ttlJitter,
      ),
      expiresAt: expiryOf(item, settings.ttlAttribute),
    }));
    const outcomes = await session.fill(fills, rules);
    ofRules.forEach((item, index) => {
      const { table, key } = item;
      const outcome = outcomes[index] as Settled<FillOutcome>;
      if (outcome === 'filled') filled.add(key);
      if (outcome === 'expired') refused.add(item);
      reader.report({
        type: 'fill',
        tableName: table.name,
        key,
        outcome: outcome instanceof Error ? 'failed' : outcome,
      });
    });
  }
  await giveBack(session, [...refused], true);
  await published;
  return filled;
}

function isStorable({ text, item, table: { settings, isContradicted } }: KnownItem): boolean {
  const isLeftOut = item === undefined && settings.ttlMs.itemNegative === 0;
  return text !== undefined && !isLeftOut && !isContradicted;
}

/** The item of a stored text; `undefined` when it is not one of ours, or not the item that was asked for. */
export function decodeItem(
  reader: Reader,
  { table, key, keyNames }: Wanted,
  text: string,
): { item: AttributeMap | null } | undefined {
  const item = decode(text);
  if (item === undefined) return undefined;
  return item === null || keyOfItem(reader, table, keyNames, item) === key ? { item } : undefined;
}

/** Deletes entries that are of no use, so that they can be filled again. */
async function discard(reader: Reader, session: Session, corrupt: readonly Wanted[]): Promise<void> {
  for (const { table, key } of corrupt) reader.report({ type: 'undecodable', tableName: table.name, key });
  await voidItems(session, corrupt);
}

/** So many keys that earlier writes left are voided along with those that a call asks for: for other processes. */
const MOST_ALONG = 250;

/** Voids what an earlier write of this process could not: until then its entry may be older than that write. */
async function voidAgain(reader: Reader, session: Session, wanted: readonly Wanted[]): Promise<void> {
  const { unvoided } = reader;
  const noted: { table: Table; key: string; note: Note }[] = [];
  for (const [table, ofTable] of groupBy(wanted, (item) => item.table)) {
    resolveItems(reader, table);
    const notes = new Map<string, Note>();
    for (const { key } of ofTable) {
      const note = unvoided.note('keys', table.name, key);
      if (note !== undefined) notes.set(key, note);
    }
    for (const [key, note] of unvoided.oldest(table.name, MOST_ALONG)) notes.set(key, note);
    for (const [key, note] of notes) noted.push({ table, key, note });
  }
  for (const { table, key, note } of await voidItems(session, noted))
    unvoided.remove('keys', table.name, key, note);
}

/** Makes keys of the items that were written before anybody knew which attributes are that. */
function resolveItems({ unvoided, namespace }: Reader, { name, keyNames, isContradicted }: Table): void {
  if (keyNames === undefined || isContradicted || !unvoided.hasItems(name)) return;
  unvoided.resolve(name, (attributes) => {
    try {
      const key = keyNames.map((attribute) => [attribute, attributes[attribute]]);
      return itemKey(namespace, name, Object.fromEntries(key));
    } catch {
      return undefined;
    }
  });
}

/** Voids items, in one round trip. Returns those that the cache confirmed. */
async function voidItems<T extends Pick<Wanted, 'table' | 'key'>>(
  session: Session,
  items: readonly T[],
): Promise<T[]> {
  const confirmed: T[] = [];
  for (const [rules, ofRules] of groupBy(items, ({ table }) => table.settings.rules)) {
    const answers = await session.void(
      ofRules.map(({ key }) => key),
      rules,
    );
    confirmed.push(...ofRules.filter((_, index) => answers[index] === 'voided'));
  }
  return confirmed;
}

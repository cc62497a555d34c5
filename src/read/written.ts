import type { AttributeMap } from '../attributes.js';
import { itemSettings } from '../item-rules.js';
import { indexTag, itemKey, partitionTag, tableTag } from '../key.js';
import type { Call, Request, Response } from './call.js';
import { contradict, learnKeyNames } from './key-names.js';
import { type Form, keyAttributesOf } from './plain-values.js';
import type { Reader, Table } from './reader.js';

/** One item that a request writes: named by its key, or given whole, its key being a part of it. Unchecked. */
export interface Written {
  readonly tableName: unknown;
  readonly key?: unknown;
  readonly item?: unknown;
}

/** What of a request says which items it writes, and what of a response which of them were left. */
export interface Shape {
  written(request: Request): Written[];
  unprocessed?(response: Response): Written[];
  /**
   * Those of the written items that are known once the request has succeeded: as it gives them, or as the response has
   * them, which is then about one item. By default those that it gives.
   */
  known?(request: Request): Written[];
}

/** What the cache may hold of one written item. */
export interface Target {
  readonly table: Table;
  /** Its key; `undefined` where nobody knows which of the attributes are that, or the table contradicts what is known. */
  readonly key: string | undefined;
  readonly attributes: AttributeMap | undefined;
  readonly tags: readonly string[];
  /** A rule of `items` keeps the item out of the cache. */
  readonly isLeftOut?: boolean;
}

export interface Looked {
  readonly targets: readonly Target[];
  /** Tables to which something was written, or may have been, that nobody could make out. */
  readonly unclear: readonly (Table | 'any')[];
}

/**
 * What a call has written, or may have. Where its input leaves open what the SDK makes of it, the request as it was
 * serialised says so.
 */
export function look(reader: Reader, shape: Shape, call: Call, response: Response | undefined): Looked {
  const given = lookAt(reader, shape, call.input, 'given', response);
  if (given.unclear.length === 0) return given;
  const body = call.serialised?.();
  if (body === undefined) return given;
  return lookAt(reader, shape, body, 'sent', response);
}

function lookAt(
  reader: Reader,
  shape: Shape,
  request: Request,
  form: Form,
  response: Response | undefined,
): Looked {
  const written = listed(shape.written, request);
  // What no list can be made of was hardly sent, unless DynamoDB has taken it.
  if (written === undefined) return { targets: [], unclear: response === undefined ? [] : ['any'] };

  const isAccepted = response !== undefined;
  if (isAccepted) learnFrom(reader, written, form);
  const targets: Target[] = [];
  const unclear = new Set<Table | 'any'>();
  for (const item of written) {
    const isNamed = typeof item.tableName === 'string';
    const table = isNamed ? reader.table(item.tableName) : isAccepted ? 'any' : undefined;
    if (table === undefined) continue; // not cached, or no table's name, which DynamoDB refuses
    const target = table === 'any' ? undefined : targetOf(reader, table, item, form, isAccepted);
    if (target === undefined) unclear.add(table);
    else targets.push(target);
  }
  const left = response && shape.unprocessed ? keysIn(reader, shape.unprocessed, response) : undefined;
  return {
    targets: left === undefined ? targets : targets.filter(({ key }) => key === undefined || !left.has(key)),
    unclear: [...unclear],
  };
}

/** Learns from the keys that DynamoDB has taken. */
function learnFrom(reader: Reader, written: readonly Written[], form: Form): void {
  for (const { tableName, key } of written) {
    const table = isObject(key) ? reader.table(tableName) : undefined;
    const names = isObject(key) ? Object.keys(keyAttributesOf(key, form) ?? {}) : [];
    // All of them: what else is in a key was left out, or DynamoDB would not have taken it.
    if (table && names.length > 0 && names.length === Object.keys(key as object).length)
      learnKeyNames(reader, table, names, 'DynamoDB');
  }
}

/** What the cache may hold of a written item; `undefined` when that cannot be told from this form of the request. */
function targetOf(
  reader: Reader,
  table: Table,
  { key, item }: Written,
  form: Form,
  isAccepted: boolean,
): Target | undefined {
  const given = key ?? item;
  if (!isObject(given)) return undefined;
  const isKey = isObject(key);
  if (!isKey && isAccepted && table.keyNames?.some((name) => !Object.hasOwn(given, name)))
    contradict(reader, table);
  const { keyNames, settings } = table;
  const attributes =
    isKey || keyNames === undefined
      ? keyAttributesOf(given, form)
      : keyAttributesOf(given, form, [...keyNames, settings.partitionKey ?? '']);
  if (attributes === undefined) return undefined;
  const names = isKey ? Object.keys(given) : keyNames;
  try {
    const tags = tagsOf(reader, table, attributes);
    if (names === undefined) return { table, key: undefined, attributes, tags };
    const ofKey = pick(attributes, names);
    const isLeftOut = !itemSettings(settings, ofKey).isCached;
    return { table, key: itemKey(reader.namespace, table.name, ofKey), attributes, tags, isLeftOut };
  } catch {
    return undefined; // nothing that DynamoDB takes for a key
  }
}

function pick(attributes: AttributeMap, names: readonly string[]): AttributeMap {
  const own = names.map((name) => [name, Object.hasOwn(attributes, name) ? attributes[name] : undefined]);
  return Object.fromEntries(own) as AttributeMap;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Where the item was in its indexes before, a write does not say: each index moves as a whole. */
function tagsOf({ namespace }: Reader, { name, settings }: Table, attributes: AttributeMap): string[] {
  const { partitionKey, indexes } = settings;
  const value = partitionKey === undefined ? undefined : attributes[partitionKey];
  return [
    tableTag(namespace, name),
    ...(partitionKey === undefined || value === undefined
      ? []
      : [partitionTag(namespace, name, undefined, { [partitionKey]: value })]),
    ...[...indexes.keys()].map((indexName) => indexTag(namespace, name, indexName)),
  ];
}

function keysIn(
  reader: Reader,
  unprocessed: (response: Response) => Written[],
  response: Response,
): Set<string | undefined> {
  const written = listed(unprocessed, response) ?? [];
  const keys = written.flatMap((item) => {
    const table = reader.table(item.tableName);
    return table === undefined ? [] : [targetOf(reader, table, item, 'given', false)?.key];
  });
  return new Set(keys);
}

/** What a request or a response lists; `undefined` for what has not its shape. */
function listed<T>(list: (from: T) => Written[], from: T): Written[] | undefined {
  try {
    return list(from);
  } catch {
    return undefined;
  }
}

/** Those of the items of a request that are known once it has succeeded, in tables that are written through. */
export function knownItems(
  reader: Reader,
  { written, known = (request) => written(request).filter(({ key }) => key === undefined) }: Shape,
  request: Request,
  form: Form,
): { table: Table; key: string; written: Written }[] {
  return (listed(known, request) ?? []).flatMap((each) => {
    const table = reader.table(each.tableName);
    if (!table?.settings.writeThrough || table.isContradicted) return [];
    const { key, isLeftOut } = targetOf(reader, table, each, form, false) ?? {};
    return key === undefined || isLeftOut ? [] : [{ table, key, written: each }];
  });
}

/** The tables of items that a request gives whole: only their key's names tell which items these are. */
export function tablesOfItems(reader: Reader, shape: Shape, request: Request): Table[] {
  const written = listed(shape.written, request) ?? [];
  return written.flatMap(({ tableName, key }) => {
    const table = key ? undefined : reader.table(tableName);
    return table === undefined ? [] : [table];
  });
}

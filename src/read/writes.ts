import { type AttributeMap, hasTextBinary } from '../attributes.js';
import { groupBy } from '../group-by.js';
import { indexTag, isKeyValue, itemKey, partitionTag, tableTag } from '../key.js';
import type { Operation, Request, Response } from './call.js';
import type { Reader, Table } from './reader.js';

/** One item that a request writes: named by its key, or given whole, its key being a part of it. */
interface Written {
  readonly table: Table;
  readonly key?: AttributeMap | undefined;
  readonly item?: AttributeMap | undefined;
}

type WriteRequest = Request & { Key?: AttributeMap; Item?: AttributeMap };

/** PutItem, UpdateItem and DeleteItem. */
export function writeItem(reader: Reader): Operation {
  return write(reader, (input) => [writtenBy(reader, input as WriteRequest)]);
}

/** BatchWriteItem, except for what DynamoDB did not process. */
export function batchWriteItem(reader: Reader): Operation {
  // The SDK leaves out of a list what is null.
  type Requests = Record<string, ({ PutRequest?: WriteRequest; DeleteRequest?: WriteRequest } | null)[]>;
  const written = (requests: Requests | undefined) =>
    Object.entries(requests ?? {}).flatMap(([TableName, ofTable]) =>
      (ofTable ?? []).map((request) =>
        writtenBy(reader, { TableName, ...request?.PutRequest, ...request?.DeleteRequest }),
      ),
    );
  return write(reader, (input, response) => {
    const unprocessed = new Set(
      namesOf(reader, written(response?.UnprocessedItems as Requests | undefined)).flatMap(
        ({ keys }) => keys,
      ),
    );
    return written(input.RequestItems as Requests).filter(
      (item) => item === undefined || !keysOf(reader, item).every((key) => unprocessed.has(key)),
    );
  });
}

/** TransactWriteItems. */
export function transactWriteItems(reader: Reader): Operation {
  type Actions = ({ Put?: WriteRequest; Update?: WriteRequest; Delete?: WriteRequest } | null)[];
  return write(reader, (input) =>
    ((input.TransactItems ?? []) as Actions).map((item) => {
      const action = item?.Put ?? item?.Update ?? item?.Delete; // a ConditionCheck writes nothing
      return action ? writtenBy(reader, action) : undefined;
    }),
  );
}

/**
 * Passes a write on to DynamoDB, and before it answers voids what the cache holds of its items: the caller's next read
 * finds its own write. What DynamoDB has definitely refused leaves the entries alone.
 */
function write(
  reader: Reader,
  writtenBy: (input: Request, response?: Response) => (Written | undefined)[],
): Operation {
  return async (call) => {
    let response: Response;
    try {
      response = await call.send();
    } catch (error) {
      if (!isRefusal(error)) await voidAttempted(reader, () => writtenBy(call.input));
      throw error;
    }
    await voidAttempted(reader, () => {
      const written = writtenBy(call.input, response);
      for (const item of written) {
        if (item?.key) item.table.keyNames ??= Object.keys(item.key);
      }
      return written;
    });
    return response;
  };
}

/**
 * Voids what a call has written, or may have. What has not the shape of a write has written nothing that we know of: its
 * caller gets what the SDK gave.
 */
async function voidAttempted(reader: Reader, attempted: () => (Written | undefined)[]): Promise<void> {
  let names: Names[];
  try {
    names = namesOf(reader, attempted());
  } catch {
    return;
  }
  await voidNames(reader, names);
}

/**
 * Whether an error says for sure that nothing was written: DynamoDB answered that the request is at fault, and it was
 * sent only once. An earlier attempt may have been carried out, and be the very reason why the last one was refused.
 */
function isRefusal(error: unknown): boolean {
  const { $fault, $metadata, name } = (error ?? {}) as {
    $fault?: string;
    $metadata?: { attempts?: number; httpStatusCode?: number };
    name?: string;
  };
  return (
    $fault === 'client' &&
    $metadata?.httpStatusCode === 400 &&
    $metadata.attempts === 1 &&
    name !== 'TransactionInProgressException'
  );
}

function writtenBy(reader: Reader, { TableName, Key, Item }: WriteRequest): Written | undefined {
  const table = reader.table(TableName);
  return table && { table, key: Key, item: Item };
}

/**
 * Voids items, and moves the tags that they may stand under. What the cache does not confirm is not read until it has.
 */
async function voidNames(reader: Reader, names: readonly Names[]): Promise<void> {
  const session = reader.session();
  const voidTable = async ({ table, keys, tags }: Names) => {
    const { rules } = table.settings;
    const [voided, moved] = await Promise.all([session.void(keys, rules), session.move(tags, rules)]);
    const unconfirmed = [
      ...keys.filter((_, index) => voided[index] !== 'voided'),
      ...tags.filter((_, index) => moved[index] !== 'moved'),
    ];
    reader.unvoided.add(unconfirmed);
    const outcome = unconfirmed.length === 0 ? 'voided' : 'failed';
    reader.report({ type: 'void', outcome, tableName: table.name, keys });
  };
  await Promise.all(names.map(voidTable));
}

interface Names {
  readonly table: Table;
  readonly keys: readonly string[];
  readonly tags: readonly string[];
}

/** The cache keys and tags of written items, by table. */
function namesOf(reader: Reader, written: readonly (Written | undefined)[]): Names[] {
  const cached = written.filter((item) => item !== undefined);
  return [...groupBy(cached, ({ table }) => table)].map(([table, items]) => ({
    table,
    keys: [...new Set(items.flatMap((item) => keysOf(reader, item)))],
    tags: [...new Set(items.flatMap((item) => tagsOf(reader, item)))],
  }));
}

/** The cache keys that an item may have: one, unless it is given whole and nobody knows which attributes are its key. */
function keysOf(reader: Reader, { table, key, item }: Written): string[] {
  const candidates = key
    ? [Object.keys(key)]
    : table.keyNames
      ? [table.keyNames]
      : candidateKeyNames(table, item);
  const attributes = key ?? item ?? {};
  return candidates
    .flatMap((names) => readings(pick(attributes, names)))
    .flatMap((reading) => unlessNoKey(() => itemKey(reader.namespace, table.name, reading)));
}

/** The keys that attributes may be once they have been sent: more than one only where binary is given as text. */
function readings(attributes: AttributeMap): AttributeMap[] {
  if (!hasTextBinary(attributes)) return [attributes];
  const asBytes = Object.entries(attributes).map(([name, value]) =>
    'B' in value ? [name, { B: Buffer.from(value.B as string) }] : [name, value],
  );
  return [attributes, Object.fromEntries(asBytes)];
}

/** A name that is made of a key; none of what DynamoDB does not take for a key. */
function unlessNoKey(name: () => string): string[] {
  try {
    return [name()];
  } catch {
    return [];
  }
}

/** Every one or two attributes of an item that could be its key; those with the partition key, where it is declared. */
function candidateKeyNames({ settings: { partitionKey } }: Table, item: AttributeMap = {}): string[][] {
  const names = Object.keys(item).filter((name) => isKeyValue(item[name]));
  if (partitionKey !== undefined) {
    const others = names.filter((name) => name !== partitionKey);
    return [[partitionKey], ...others.map((name) => [partitionKey, name])];
  }
  return names.flatMap((one, index) => [[one], ...names.slice(index + 1).map((other) => [one, other])]);
}

/** Where the item was in its indexes before, a write does not say: each index moves as a whole. */
function tagsOf({ namespace }: Reader, { table: { name, settings }, key, item }: Written): string[] {
  const { partitionKey, indexes } = settings;
  const partitions = partitionKey === undefined ? [] : readings(pick(key ?? item ?? {}, [partitionKey]));
  return [
    tableTag(namespace, name),
    ...partitions.flatMap((partition) =>
      Object.entries(partition).flatMap(([attribute, value]) =>
        unlessNoKey(() => partitionTag(namespace, name, undefined, attribute, value)),
      ),
    ),
    ...[...indexes.keys()].map((indexName) => indexTag(namespace, name, indexName)),
  ];
}

function pick(attributes: AttributeMap, names: readonly string[]): AttributeMap {
  return Object.fromEntries(names.map((name) => [name, attributes[name]])) as AttributeMap;
}

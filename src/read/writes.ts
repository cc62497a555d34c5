import type { AttributeMap } from '../attributes.js';
import { groupBy } from '../group-by.js';
import { indexTag, itemKey, partitionTag, tableTag } from '../key.js';
import type { UncertainReport } from '../report.js';
import type { Call, Operation, Request, Response } from './call.js';
import { contradict, learnKeyNames, readKeyNames } from './key-names.js';
import { type Form, keyAttributesOf } from './plain-values.js';
import type { Reader, Table } from './reader.js';
import type { Session } from './session.js';

/** One item that a request writes: named by its key, or given whole, its key being a part of it. Unchecked. */
interface Written {
  readonly tableName: unknown;
  readonly key?: unknown;
  readonly item?: unknown;
}

type WriteRequest = Request & { Key?: unknown; Item?: unknown };

/** What of a request says which items it writes, and what of a response which of them were left. */
interface Shape {
  written(request: Request): Written[];
  unprocessed?(response: Response): Written[];
}

export function putItem(reader: Reader): Operation {
  return write(reader, { written: (request) => [put(request)] });
}

export function updateItem(reader: Reader): Operation {
  return write(reader, { written: (request) => [change(request)] });
}

export function deleteItem(reader: Reader): Operation {
  return updateItem(reader); // which item it is, both say in the same way
}

/** BatchWriteItem, except for what DynamoDB did not process. */
export function batchWriteItem(reader: Reader): Operation {
  type Requests = Record<string, ({ PutRequest?: WriteRequest; DeleteRequest?: WriteRequest } | null)[]>;
  const written = (requests: unknown) =>
    Object.entries((requests ?? {}) as Requests).flatMap(([TableName, ofTable]) =>
      (ofTable ?? []).flatMap((request) => {
        if (request?.PutRequest) return [put({ ...request.PutRequest, TableName })];
        if (request?.DeleteRequest) return [change({ ...request.DeleteRequest, TableName })];
        return []; // null, which the SDK leaves out of a list, or nothing that DynamoDB takes
      }),
    );
  return write(reader, {
    written: ({ RequestItems }) => written(RequestItems),
    unprocessed: ({ UnprocessedItems }) => written(UnprocessedItems),
  });
}

/** TransactWriteItems. */
export function transactWriteItems(reader: Reader): Operation {
  type Actions = ({ Put?: WriteRequest; Update?: WriteRequest; Delete?: WriteRequest } | null)[];
  return write(reader, {
    written: ({ TransactItems }) =>
      ((TransactItems ?? []) as Actions).flatMap((action) => {
        if (action?.Put) return [put(action.Put)];
        const changed = action?.Update ?? action?.Delete; // a ConditionCheck writes nothing
        return changed ? [change(changed)] : [];
      }),
  });
}

function put({ TableName, Item }: WriteRequest): Written {
  return { tableName: TableName, item: Item };
}

function change({ TableName, Key }: WriteRequest): Written {
  return { tableName: TableName, key: Key };
}

/**
 * Passes a write on to DynamoDB, and before it answers voids what the cache holds of its items: the caller's next read
 * finds its own write. What DynamoDB has definitely refused leaves the entries alone.
 */
function write(reader: Reader, shape: Shape): Operation {
  return async (call) => {
    const session = reader.session();
    const told = readKeyNames(reader, session, tablesOfItems(reader, shape, call.input));
    let response: Response | undefined;
    let failure: unknown;
    try {
      response = await call.send();
    } catch (error) {
      if (isRefusal(error)) throw error;
      failure = error;
    }
    await told;
    const outcome = look(reader, shape, call, response);
    await voidTargets(reader, session, outcome.targets);
    for (const table of outcome.unclear) noteUnclear(reader, table);
    if (response === undefined) throw failure;
    return response;
  };
}

/** The tables of items that a request gives whole: only their key's names tell which items these are. */
function tablesOfItems(reader: Reader, shape: Shape, request: Request): Table[] {
  const written = listed(shape.written, request) ?? [];
  return written.flatMap(({ tableName, key }) => {
    const table = key ? undefined : reader.table(tableName);
    return table === undefined ? [] : [table];
  });
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

/** What the cache may hold of one written item. */
interface Target {
  readonly table: Table;
  /** Its key; `undefined` where nobody knows which of the attributes are that, or the table contradicts what is known. */
  readonly key: string | undefined;
  readonly attributes: AttributeMap | undefined;
  readonly tags: readonly string[];
}

interface Looked {
  readonly targets: readonly Target[];
  /** Tables to which something was written, or may have been, that nobody could make out. */
  readonly unclear: readonly (Table | 'any')[];
}

/**
 * What a call has written, or may have. Where its input leaves open what the SDK makes of it, the request as it was
 * serialised says so.
 */
function look(reader: Reader, shape: Shape, call: Call, response: Response | undefined): Looked {
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
    return { table, key: itemKey(reader.namespace, table.name, pick(attributes, names)), attributes, tags };
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
      : [partitionTag(namespace, name, undefined, partitionKey, value)]),
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

/**
 * Voids items, and moves the tags that they may stand under. What the cache does not confirm is not read until it has.
 */
async function voidTargets(reader: Reader, session: Session, targets: readonly Target[]): Promise<void> {
  const voidTable = async ([table, ofTable]: [Table, Target[]]) => {
    const { rules } = table.settings;
    const keys = [...new Set(ofTable.flatMap(({ key }) => key ?? []))];
    const tags = [...new Set(ofTable.flatMap((target) => target.tags))];
    const nameless = ofTable.filter(({ key }) => key === undefined);
    noteNameless(reader, table, nameless); // before anything is waited for
    const [voided, moved] = await Promise.all([session.void(keys, rules), session.move(tags, rules)]);
    const unvoided = keys.filter((_, index) => voided[index] !== 'voided');
    const unmoved = tags.filter((_, index) => moved[index] !== 'moved');
    reader.unvoided.add('keys', table.name, unvoided);
    reader.unvoided.add('tags', table.name, unmoved);
    const isDone = unvoided.length + unmoved.length + nameless.length === 0;
    reader.report({ type: 'void', outcome: isDone ? 'voided' : 'failed', tableName: table.name, keys });
  };
  await Promise.all([...groupBy(targets, ({ table }) => table)].map(voidTable));
}

/** Notes items of which nobody knows which attributes are their key. */
function noteNameless(reader: Reader, table: Table, targets: readonly Target[]): void {
  if (targets.length === 0) return;
  if (table.isContradicted) {
    reader.unvoided.addAll('keys', table.name);
    return;
  }
  for (const { attributes } of targets) reader.unvoided.addItem(table.name, attributes as AttributeMap);
  reader.sayUncertain(
    table,
    'key-names-unknown',
    'Nobody knows yet which attributes are the key of the table: other processes see what this one writes when the stream brings it. Declare its partitionKey and sortKey (null for none) in the option tables.',
  );
}

/** Something was written, and nobody could make out what: all that is cached of the table may be older. */
function noteUnclear(reader: Reader, table: Table | 'any'): void {
  if (table === 'any') {
    reader.unvoided.addEverything();
    reader.sayUncertain(ANY, 'unclear-write', UNCLEAR);
    return;
  }
  reader.unvoided.addAll('keys', table.name);
  reader.unvoided.addAll('tags', table.name);
  reader.report({ type: 'void', outcome: 'failed', tableName: table.name, keys: [] });
  reader.sayUncertain(table, 'unclear-write', UNCLEAR);
}

/** In the place of a table where not even that is clear. */
const ANY = { name: '*', said: new Set<UncertainReport['reason']>() };

const UNCLEAR =
  'Until all that is cached now has ended, this process does not answer reads of the table from the cache. Give keys as plain attribute values, without undefined or null members.';

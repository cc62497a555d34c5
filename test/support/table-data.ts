import type { AttributeMap } from '../../src/attributes.js';
import { parseProjection, project } from '../../src/read/projection.js';

/** The tables of a stand-in for DynamoDB: what they hold, and what each operation does with it. */
export interface TableData {
  /** Every change so far, in order, whoever made it. */
  readonly changes: readonly Change[];
  /** Does what a request asks for. @throws Refusal for what DynamoDB would refuse */
  carryOut(operation: string, input: Input): object;
  change(tableName: string, key: AttributeMap, newImage: AttributeMap | undefined): Change;
  /** From now on, eventually consistent reads see what is there now. */
  lag(): void;
  catchUp(): void;
  /** Deletes a table, and makes it again, empty and with another key. */
  remake(tableName: string, keyNames: readonly string[]): void;
  /** The next batch does not process what this is true of: keys to read or delete, items to put. */
  leaveUnprocessed(isLeft: (keyOrItem: AttributeMap, tableName: string) => boolean): void;
}

/** One change of an item, as a stream would tell of it. */
export interface Change {
  readonly tableName: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly keys: AttributeMap;
  readonly newImage: AttributeMap | undefined;
  readonly oldImage: AttributeMap | undefined;
  readonly number: number;
  /** When it was made, in milliseconds since the epoch. */
  readonly at: number;
}

/** The names of the key attributes of each table. */
export type Schemas = Readonly<Record<string, readonly string[]>>;

type Items = Map<string, AttributeMap>;

interface StubTable {
  readonly keyNames: readonly string[];
  primary: Items;
  replica: Items | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: requests are as different as operations, and come from the SDK
export type Input = any;

export function newTableData(schemas: Schemas, now: () => number): TableData {
  const tables = new Map<string, StubTable>(
    Object.entries(schemas).map(([name, keyNames]) => [
      name,
      { keyNames, primary: new Map(), replica: undefined },
    ]),
  );
  const changes: Change[] = [];
  let isLeft: ((keyOrItem: AttributeMap, tableName: string) => boolean) | undefined;

  function tableOf(name: string): StubTable {
    const table = tables.get(/^arn:.*:table\/([^/]+)$/.exec(name)?.[1] ?? name);
    return table ?? refuse('ResourceNotFoundException', 'Requested resource not found');
  }

  /** A key's place in a table; refuses what is no key of it. */
  function placeOf({ keyNames }: StubTable, key: AttributeMap = {}, isWhole = false): string {
    const isKey =
      keyNames.every((name) => key[name]) && (isWhole || Object.keys(key).length === keyNames.length);
    if (!isKey) return refuse('ValidationException', 'The provided key element does not match the schema');
    return JSON.stringify(keyNames.map((name) => comparable(key[name])));
  }

  function change(tableName: string, key: AttributeMap, newImage: AttributeMap | undefined): Change {
    const table = tableOf(tableName);
    const place = placeOf(table, key, true);
    const oldImage = table.primary.get(place);
    if (newImage === undefined) table.primary.delete(place);
    else table.primary.set(place, newImage);
    const made: Change = {
      tableName: /[^/]+$/.exec(tableName)?.[0] ?? tableName,
      eventName: newImage === undefined ? 'REMOVE' : oldImage === undefined ? 'INSERT' : 'MODIFY',
      keys: pick(key, table.keyNames),
      newImage,
      oldImage,
      number: changes.length + 1,
      at: now(),
    };
    if (newImage !== undefined || oldImage !== undefined) changes.push(made);
    return made;
  }

  function write({ Put, Update, Delete }: Record<string, Input | undefined>): void {
    if (Put) change(Put.TableName, Put.Item, Put.Item);
    if (Delete) change(Delete.TableName, Delete.Key, undefined);
    if (Update) {
      const table = tableOf(Update.TableName);
      const before = table.primary.get(placeOf(table, Update.Key)) ?? Update.Key;
      change(Update.TableName, Update.Key, { ...before, ...assignments(Update) });
    }
  }

  function seen(table: StubTable, consistent: boolean | undefined): Items {
    return consistent ? table.primary : (table.replica ?? table.primary);
  }

  function read(input: Input, matches: (item: AttributeMap) => boolean): object {
    const table = tableOf(input.TableName);
    const after = input.ExclusiveStartKey && placeOf(table, input.ExclusiveStartKey);
    const found = [...seen(table, input.ConsistentRead)]
      .filter(([place, item]) => matches(item) && (after === undefined || place > after))
      .sort(([one], [other]) => (one < other ? -1 : 1));
    const page = found.slice(0, input.Limit).map(([, item]) => item);
    const last = page.length < found.length ? page.at(-1) : undefined;
    return {
      ...(input.Select !== 'COUNT' && { Items: page.map((item) => projected(item, input)) }),
      Count: page.length,
      ScannedCount: page.length,
      ...(last && { LastEvaluatedKey: pick(last, table.keyNames) }),
      ...capacity(input, input.TableName),
    };
  }

  function batchGet({ RequestItems, ...input }: Input): object {
    const requests = Object.entries(RequestItems as Record<string, Input>);
    const keys = requests.flatMap(([name, { Keys }]) =>
      Keys.map((key: AttributeMap) => name + placeOf(tableOf(name), key)),
    );
    if (keys.length > 100)
      refuse('ValidationException', 'Too many items requested for the BatchGetItem call');
    if (new Set(keys).size < keys.length)
      refuse('ValidationException', 'Provided list of item keys contains duplicates');
    const left = takeLeft();
    const Responses: Record<string, AttributeMap[]> = {};
    const UnprocessedKeys: Record<string, Input> = {};
    for (const [name, request] of requests) {
      const items = seen(tableOf(name), request.ConsistentRead);
      const [unprocessed, processed] = parted(request.Keys as AttributeMap[], (key) => left(key, name));
      Responses[name] = processed
        .map((key) => items.get(placeOf(tableOf(name), key)))
        .filter((item) => item !== undefined)
        .map((item) => projected(item, request));
      if (unprocessed.length > 0) UnprocessedKeys[name] = { ...request, Keys: unprocessed };
    }
    const consumed = requests.map(([name]) => capacity(input, name).ConsumedCapacity);
    return { Responses, UnprocessedKeys, ...(consumed[0] && { ConsumedCapacity: consumed }) };
  }

  function batchWrite({ RequestItems }: Input): object {
    const left = takeLeft();
    const UnprocessedItems: Record<string, Input[]> = {};
    for (const [TableName, requests] of Object.entries(RequestItems as Record<string, Input[]>)) {
      const [unprocessed, processed] = parted(requests, ({ PutRequest, DeleteRequest }) =>
        left(PutRequest?.Item ?? DeleteRequest?.Key, TableName),
      );
      for (const { PutRequest, DeleteRequest } of processed) {
        write({
          Put: PutRequest && { TableName, ...PutRequest },
          Delete: DeleteRequest && { TableName, ...DeleteRequest },
        });
      }
      if (unprocessed.length > 0) UnprocessedItems[TableName] = unprocessed;
    }
    return { UnprocessedItems };
  }

  function takeLeft() {
    const left = isLeft ?? (() => false);
    isLeft = undefined;
    return left;
  }

  function carryOut(operation: string, input: Input): object {
    switch (operation) {
      case 'GetItem': {
        const table = tableOf(input.TableName);
        const item = seen(table, input.ConsistentRead).get(placeOf(table, input.Key));
        return { ...(item && { Item: projected(item, input) }), ...capacity(input, input.TableName) };
      }
      case 'BatchGetItem':
        return batchGet(input);
      case 'Query': {
        const equalities = equalitiesOf(input);
        return read(input, (item) =>
          equalities.every(([name, value]) => comparable(item[name]) === comparable(value)),
        );
      }
      case 'Scan':
        return read(input, () => true);
      case 'PutItem':
      case 'UpdateItem':
      case 'DeleteItem':
        write({ [operation.slice(0, -'Item'.length)]: input });
        return {
          ...(input.ReturnValues === 'ALL_NEW' && { Attributes: changes.at(-1)?.newImage }),
          ...capacity(input, input.TableName),
        };
      case 'BatchWriteItem':
        return batchWrite(input);
      case 'TransactWriteItems':
        input.TransactItems.forEach(write);
        return {};
      case 'TransactGetItems':
        return {
          Responses: input.TransactItems.map(({ Get }: Input) => {
            const table = tableOf(Get.TableName);
            return { Item: table.primary.get(placeOf(table, Get.Key)) };
          }),
        };
      case 'ExecuteStatement':
        return { Items: [...tableOf('users').primary.values()] };
      default:
        return refuse('UnknownOperationException', operation);
    }
  }

  return {
    changes,
    carryOut,
    change,
    lag() {
      for (const table of tables.values()) table.replica ??= new Map(table.primary);
    },
    catchUp() {
      for (const table of tables.values()) table.replica = undefined;
    },
    remake(tableName, keyNames) {
      tables.set(tableName, { keyNames, primary: new Map(), replica: undefined });
    },
    leaveUnprocessed(when) {
      isLeft = when;
    },
  };
}

/** What DynamoDB refuses, and the name of its error. */
export class Refusal extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

function refuse(name: string, message: string): never {
  throw new Refusal(name, message);
}

/** As JSON carries it: binary as base64 text. */
export function wireForm(item: AttributeMap): AttributeMap {
  return JSON.parse(
    JSON.stringify(item, (_name, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    ),
  );
}

/** The same text for the same key value, however a number is spelled. */
function comparable(value: object | undefined): string {
  return JSON.stringify(value && 'N' in value ? { N: Number(value.N) } : value);
}

function pick(item: AttributeMap, names: readonly string[]): AttributeMap {
  return Object.fromEntries(names.map((name) => [name, item[name]])) as AttributeMap;
}

function projected(item: AttributeMap, request: Input): AttributeMap {
  return project(item, parseProjection(request) ?? 'whole');
}

function capacity({ ReturnConsumedCapacity: asked }: Input, TableName: string) {
  if (asked !== 'TOTAL' && asked !== 'INDEXES') return {};
  const Table = asked === 'INDEXES' ? { Table: { CapacityUnits: 0.5 } } : {};
  return { ConsumedCapacity: { TableName, CapacityUnits: 0.5, ...Table } };
}

/** Each `name = :value`, and nothing else. */
function equalitiesOf(input: Input): [name: string, value: object][] {
  const found = String(input.KeyConditionExpression).matchAll(/(#?\w+)\s*=\s*(:\w+)/g);
  return [...found].map(([, name = '', value = '']) => [
    input.ExpressionAttributeNames?.[name] ?? name,
    input.ExpressionAttributeValues?.[value],
  ]);
}

/** `SET name = :value, name = :value`, and nothing else. */
function assignments(input: Input): AttributeMap {
  const pairs = String(input.UpdateExpression).replace(/^SET /, '').split(',');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value = ''] = pair.split('=').map((part) => part.trim());
      return [input.ExpressionAttributeNames?.[name] ?? name, input.ExpressionAttributeValues[value]];
    }),
  );
}

function parted<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}

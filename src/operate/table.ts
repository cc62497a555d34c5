import { setTimeout as delay } from 'node:timers/promises';
import {
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandInput,
  type ScanCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { AttributeMap } from '../attributes.js';
import { decode, encode } from '../codec.js';
import type { KeySchema } from './key-attributes.js';
import type { Lane } from './lanes.js';

/** A table as its operators read it, at a pace. */
export interface Table {
  /** Its key, and how large it lately was. */
  describe(): Promise<Described>;
  /** One item as it is now, strongly consistent; `null` when there is none. */
  read(key: AttributeMap): Promise<AttributeMap | null>;
  /** Items as they are now, strongly consistent, in the order asked. */
  readAll(keys: readonly AttributeMap[]): Promise<(AttributeMap | null)[]>;
  /** All items, in segments that are scanned side by side. */
  segments(count: number, options?: PageOptions): Lane<Page>[];
  /** The items of one partition. */
  partition(key: AttributeMap, options?: PageOptions): Lane<Page>;
  /** What a Query or Scan answers now, as an application asked it. */
  result(operation: 'Query' | 'Scan', request: object): Promise<ResultPage>;
}

export interface Described extends KeySchema {
  /** As DynamoDB knew it within the last six hours. */
  readonly itemCount: number;
}

export interface PageOptions {
  /** Items to a page, at most. Default: a megabyte of them. */
  readonly limit?: number | undefined;
  /** Whether the pages are strongly consistent, for twice the capacity. Default false. */
  readonly isStrong?: boolean | undefined;
}

export interface Page {
  readonly items: readonly AttributeMap[];
  /** When DynamoDB was asked for it, by `performance.now()`. */
  readonly readAt: number;
}

export interface ResultPage {
  readonly Items?: AttributeMap[] | undefined;
  readonly Count?: number | undefined;
  readonly ScannedCount?: number | undefined;
  readonly LastEvaluatedKey?: AttributeMap | undefined;
}

export interface TableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Read capacity units a second to use at most. Default: as many as there are. */
  readonly rcu?: number | undefined;
}

/** What one BatchGetItem takes. */
const KEYS_AT_ONCE = 100;
/** How many of those are on their way at once. */
const BATCHES_AT_ONCE = 8;
/** The place behind a last page. */
const END = 'end';

export function openTable({ client, tableName, rcu }: TableOptions): Table {
  const TableName = tableName;
  const ReturnConsumedCapacity = 'TOTAL' as const;
  /** When the next read may begin, by `performance.now()`. */
  let freeAt = 0;
  let last: Promise<unknown> = Promise.resolve();
  /** At a pace one read comes after another, since only its answer tells what it cost. */
  const paced = <T extends { ConsumedCapacity?: unknown }>(read: () => Promise<T>): Promise<T> => {
    if (rcu === undefined) return read();
    const one = async () => {
      for (let ms = freeAt - performance.now(); ms > 0; ms = freeAt - performance.now()) await delay(ms);
      const answer = await read();
      const [of] = [answer.ConsumedCapacity ?? []].flat() as { CapacityUnits?: number }[];
      freeAt = Math.max(freeAt, performance.now()) + ((of?.CapacityUnits ?? 0) / rcu) * 1_000;
      return answer;
    };
    const answered = last.then(one);
    last = answered.catch(() => {});
    return answered;
  };

  async function batch(keys: readonly AttributeMap[]): Promise<AttributeMap[]> {
    const found: AttributeMap[] = [];
    let left: object[] | undefined = [...keys];
    for (let pauseMs = 50; left !== undefined && left.length > 0; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      const RequestItems = { [TableName]: { Keys: left as never, ConsistentRead: true } };
      const answer: BatchGetItemCommandOutput = await paced(() =>
        client.send(new BatchGetItemCommand({ RequestItems, ReturnConsumedCapacity })),
      );
      const { Responses, UnprocessedKeys } = answer;
      found.push(...((Responses?.[TableName] ?? []) as AttributeMap[]));
      left = UnprocessedKeys?.[TableName]?.Keys;
      if (left !== undefined && left.length > 0) await delay(pauseMs);
    }
    return found;
  }

  async function send(operation: 'Query' | 'Scan', request: object, onSend = () => {}): Promise<ResultPage> {
    const input = { ...request, TableName, ReturnConsumedCapacity };
    const answer = await paced<QueryCommandOutput | ScanCommandOutput>(() => {
      onSend();
      return operation === 'Query'
        ? client.send(new QueryCommand(input as QueryCommandInput))
        : client.send(new ScanCommand(input as ScanCommandInput));
    });
    return answer as ResultPage;
  }

  function pages(
    name: string,
    operation: 'Query' | 'Scan',
    request: object,
    { limit, isStrong = false }: PageOptions = {},
  ): Lane<Page> {
    const readFrom = async (after: string | undefined) => {
      const from = after === undefined ? {} : { ExclusiveStartKey: decode(after) };
      const input = { ...request, ...from, ConsistentRead: isStrong, ...(limit && { Limit: limit }) };
      let readAt = 0;
      const { Items = [], LastEvaluatedKey } = await send(operation, input, () => {
        readAt = performance.now();
      });
      const place = LastEvaluatedKey === undefined ? END : encode(LastEvaluatedKey);
      return { portion: { items: Items, readAt }, place };
    };
    return {
      name,
      async *portions(after) {
        for (let from = after; from !== END; ) {
          const page = await readFrom(from);
          yield page;
          from = page.place;
        }
      },
    };
  }

  return {
    async describe() {
      const { Table: described } = await client.send(new DescribeTableCommand({ TableName }));
      const keyNames = (described?.KeySchema ?? []).map(({ AttributeName = '' }) => AttributeName);
      const types = new Map(
        described?.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [
          AttributeName,
          AttributeType,
        ]),
      );
      const keyTypes = Object.fromEntries(keyNames.map((name) => [name, types.get(name) ?? '']));
      return { keyNames, keyTypes, itemCount: described?.ItemCount ?? 0 };
    },

    async read(key) {
      const input = { TableName, Key: key as never, ConsistentRead: true, ReturnConsumedCapacity };
      const { Item } = await paced(() => client.send(new GetItemCommand(input)));
      return (Item ?? null) as AttributeMap | null;
    },

    async readAll(keys) {
      const [first] = keys;
      if (first === undefined) return [];
      const names = Object.keys(first);
      const idOf = (item: AttributeMap) => JSON.stringify(names.map((name) => idOfValue(item[name])));
      // DynamoDB refuses a batch that names an item twice.
      const distinct = [...new Map(keys.map((key) => [idOf(key), key])).values()];
      const batches = Array.from({ length: Math.ceil(distinct.length / KEYS_AT_ONCE) }, (_, index) =>
        distinct.slice(index * KEYS_AT_ONCE, (index + 1) * KEYS_AT_ONCE),
      );
      const found = new Map<string, AttributeMap>();
      const worker = async () => {
        for (let some = batches.shift(); some !== undefined; some = batches.shift()) {
          for (const item of await batch(some)) found.set(idOf(item), item);
        }
      };
      await Promise.all(Array.from({ length: Math.min(BATCHES_AT_ONCE, batches.length) }, worker));
      return keys.map((key) => found.get(idOf(key)) ?? null);
    },

    segments: (count, options) =>
      Array.from({ length: count }, (_, Segment) =>
        pages(
          `segment ${Segment + 1} of ${count}`,
          'Scan',
          count === 1 ? {} : { Segment, TotalSegments: count },
          options,
        ),
      ),

    partition(key, options) {
      const [[name = '', value] = []] = Object.entries(key);
      const request = {
        KeyConditionExpression: '#name = :value',
        ExpressionAttributeNames: { '#name': name },
        ExpressionAttributeValues: { ':value': value },
      };
      return pages(`partition ${encode(key)}`, 'Query', request, options);
    },

    result: (operation, request) => send(operation, request),
  };
}

function idOfValue(value: AttributeMap[string] | undefined): unknown {
  const [[type, of] = []] = Object.entries(value ?? {});
  return [type, of instanceof Uint8Array ? Buffer.from(of).toString('base64') : of];
}

import { setTimeout as delay } from 'node:timers/promises';
import {
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import type { AttributeMap } from '../attributes.js';

/** A table as its operators read it, at a pace. */
export interface Table {
  /** The names of its key attributes. */
  keyNames(): Promise<readonly string[]>;
  /** One item as it is now, strongly consistent; `null` when there is none. */
  read(key: AttributeMap): Promise<AttributeMap | null>;
  /** Items as they are now, strongly consistent, in the order asked; at most 100. */
  readAll(keys: readonly AttributeMap[]): Promise<(AttributeMap | null)[]>;
  /** All items, page by page, as they were lately. */
  pages(): AsyncIterable<readonly AttributeMap[]>;
}

export interface TableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Read capacity units a second to use at most. Default: as many as there are. */
  readonly rcu?: number | undefined;
}

export function openTable({ client, tableName, rcu }: TableOptions): Table {
  const TableName = tableName;
  const ReturnConsumedCapacity = 'TOTAL' as const;
  /** When the next read may begin, by `performance.now()`. */
  let freeAt = 0;
  const inPace = async () => {
    const ms = freeAt - performance.now();
    if (ms > 0) await delay(ms);
  };
  const spent = (units = 0) => {
    if (rcu !== undefined) freeAt = Math.max(freeAt, performance.now()) + (units / rcu) * 1_000;
  };

  async function batch(keys: readonly AttributeMap[]): Promise<AttributeMap[]> {
    const found: AttributeMap[] = [];
    let left: object[] | undefined = [...keys];
    for (let pauseMs = 50; left !== undefined && left.length > 0; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      await inPace();
      const answer: BatchGetItemCommandOutput = await client.send(
        new BatchGetItemCommand({
          RequestItems: { [TableName]: { Keys: left as never, ConsistentRead: true } },
          ReturnConsumedCapacity,
        }),
      );
      const { Responses, UnprocessedKeys, ConsumedCapacity } = answer;
      found.push(...((Responses?.[TableName] ?? []) as AttributeMap[]));
      spent(ConsumedCapacity?.[0]?.CapacityUnits);
      left = UnprocessedKeys?.[TableName]?.Keys;
      if (left !== undefined && left.length > 0) await delay(pauseMs);
    }
    return found;
  }

  const keyNames = async () => {
    const { Table: described } = await client.send(new DescribeTableCommand({ TableName }));
    return (described?.KeySchema ?? []).map(({ AttributeName = '' }) => AttributeName);
  };

  return {
    keyNames,

    async read(key) {
      await inPace();
      const input = { TableName, Key: key as never, ConsistentRead: true, ReturnConsumedCapacity };
      const { Item, ConsumedCapacity } = await client.send(new GetItemCommand(input));
      spent(ConsumedCapacity?.CapacityUnits);
      return (Item ?? null) as AttributeMap | null;
    },

    async readAll(keys) {
      const [first] = keys;
      if (first === undefined) return [];
      const names = Object.keys(first);
      const idOf = (item: AttributeMap) => JSON.stringify(names.map((name) => idOfValue(item[name])));
      const found = new Map((await batch(keys)).map((item) => [idOf(item), item]));
      return keys.map((key) => found.get(idOf(key)) ?? null);
    },

    async *pages() {
      let ExclusiveStartKey: Record<string, never> | undefined;
      do {
        await inPace();
        const input = { TableName, ReturnConsumedCapacity, ...(ExclusiveStartKey && { ExclusiveStartKey }) };
        const { Items, LastEvaluatedKey, ConsumedCapacity } = await client.send(new ScanCommand(input));
        spent(ConsumedCapacity?.CapacityUnits);
        ExclusiveStartKey = LastEvaluatedKey as Record<string, never> | undefined;
        yield (Items ?? []) as AttributeMap[];
      } while (ExclusiveStartKey !== undefined);
    },
  };
}

function idOfValue(value: AttributeMap[string] | undefined): unknown {
  const [[type, of] = []] = Object.entries(value ?? {});
  return [type, of instanceof Uint8Array ? Buffer.from(of).toString('base64') : of];
}

import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Sdk } from './sdk.js';

export type Operation =
  | 'get'
  | 'batchGet'
  | 'query'
  | 'put'
  | 'update'
  | 'delete'
  | 'batchWrite'
  | 'transact';

/** One of the SDK's two clients: what it is sent and what it answers are in its own form of items. */
export interface Speaker {
  // biome-ignore lint/suspicious/noExplicitAny: of any operation
  send(operation: Operation, input: any): Promise<any>;
}

// biome-ignore lint/suspicious/noExplicitAny: each takes an input of its own
type Command = new (input: any) => object;

/** A form of items, and the client that speaks it. */
export interface Form {
  readonly name: string;
  /** An item of texts and numbers, in this form. */
  of(plain: Readonly<Record<string, string | number>>): Record<string, unknown>;
  speaker(sdk: Sdk, client: DynamoDBClient): Speaker;
}

export const FORMS: readonly Form[] = [
  {
    name: 'DynamoDBClient',
    of: (plain) =>
      Object.fromEntries(
        Object.entries(plain).map(([name, value]) => [
          name,
          typeof value === 'string' ? { S: value } : { N: String(value) },
        ]),
      ),
    speaker({ client: sdk }, client) {
      const commands = {
        get: sdk.GetItemCommand,
        batchGet: sdk.BatchGetItemCommand,
        query: sdk.QueryCommand,
        put: sdk.PutItemCommand,
        update: sdk.UpdateItemCommand,
        delete: sdk.DeleteItemCommand,
        batchWrite: sdk.BatchWriteItemCommand,
        transact: sdk.TransactWriteItemsCommand,
      };
      return {
        send: (operation, input) => client.send(new (commands[operation] as Command)(input) as never),
      };
    },
  },
  {
    name: 'DynamoDBDocumentClient',
    of: (plain) => ({ ...plain }),
    speaker({ lib: sdk }, client) {
      const documents = sdk.DynamoDBDocumentClient.from(client);
      const commands = {
        get: sdk.GetCommand,
        batchGet: sdk.BatchGetCommand,
        query: sdk.QueryCommand,
        put: sdk.PutCommand,
        update: sdk.UpdateCommand,
        delete: sdk.DeleteCommand,
        batchWrite: sdk.BatchWriteCommand,
        transact: sdk.TransactWriteCommand,
      };
      return {
        send: (operation, input) => documents.send(new (commands[operation] as Command)(input) as never),
      };
    },
  },
];

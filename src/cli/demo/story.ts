import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DEMO_TABLE as TableName } from './table.js';

/** What is written, one after the other; without a name the item is deleted. */
const STORY: readonly { readonly id: string; readonly name?: string }[] = [
  { id: '42', name: 'Ada Byron' },
  { id: '42', name: 'Ada Lovelace' },
  { id: '7', name: 'Grace Hopper' },
  { id: '42' },
];

/** The stream is a quarter of a second behind, so that what is read is there. */
const PAUSE_MS = 1_000;

/** Somebody writes, and somebody else reads it twice, again and again until the signal. */
export async function tellStory(
  writer: DynamoDBClient,
  reader: DynamoDBClient,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { id, name } of STORY) {
      const Key = { id: { S: id } };
      if (name === undefined) await writer.send(new DeleteItemCommand({ TableName, Key }));
      else await writer.send(new PutItemCommand({ TableName, Item: { ...Key, name: { S: name } } }));
      await delay(PAUSE_MS, undefined, { signal });
      for (const _ of ['first', 'second']) await reader.send(new GetItemCommand({ TableName, Key }));
      await delay(PAUSE_MS, undefined, { signal });
    }
  }
}

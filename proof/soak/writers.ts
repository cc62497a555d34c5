import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Random } from '../random.js';
import type { Ledger } from './ledger.js';
import { contentsOf, keyOf, orderOf, TABLE } from './orders.js';

export const WRITES = { put: 5, update: 5, delete: 2, batch: 1, transaction: 1 };
export type Write = keyof typeof WRITES;

/** One write, of one item or several, each of which gets its next version. Returns what each has from then on. */
export async function write(
  client: DynamoDBClient,
  ledger: Ledger,
  random: Random,
  names: readonly string[],
  kind: Write = random.weighted(WRITES),
): Promise<Map<string, number>> {
  const count = kind === 'batch' ? 8 : kind === 'transaction' ? 4 : 1;
  const chosen = random.some(names, count);
  const deletes = new Set(chosen.filter(() => (count === 1 ? kind === 'delete' : random.chance(0.25))));
  const versions = new Map(chosen.map((name) => [name, ledger.begin(name, !deletes.has(name))]));
  await send(
    client,
    kind,
    [...versions].map(([name, version]) => ({ name, version, isDelete: deletes.has(name) })),
  );
  for (const [name, version] of versions) ledger.acknowledge(name, version);
  return versions;
}

interface Change {
  readonly name: string;
  readonly version: number;
  readonly isDelete: boolean;
}

async function send(client: DynamoDBClient, kind: Write, changes: readonly Change[]): Promise<void> {
  if (kind === 'batch') {
    let requests = changes.map(batched);
    while (requests.length > 0) {
      const { UnprocessedItems } = await client.send(
        new BatchWriteItemCommand({ RequestItems: { [TABLE]: requests } }),
      );
      requests = (UnprocessedItems?.[TABLE] ?? []) as typeof requests;
    }
  } else if (kind === 'transaction') {
    await client.send(new TransactWriteItemsCommand({ TransactItems: changes.map(transacted) }));
  } else {
    for (const change of changes) await sendOne(client, kind, change);
  }
}

function sendOne(client: DynamoDBClient, kind: Write, { name, version }: Change): Promise<unknown> {
  if (kind === 'put')
    return client.send(new PutItemCommand({ TableName: TABLE, Item: orderOf(name, version) }));
  if (kind === 'delete') return client.send(new DeleteItemCommand({ TableName: TABLE, Key: keyOf(name) }));
  const returned = version % 2 === 0 ? ({ ReturnValues: 'ALL_NEW' } as const) : {};
  return client.send(new UpdateItemCommand({ TableName: TABLE, ...updateOf(name, version), ...returned }));
}

function batched({ name, version, isDelete }: Change) {
  return isDelete
    ? { DeleteRequest: { Key: keyOf(name) } }
    : { PutRequest: { Item: orderOf(name, version) } };
}

function transacted({ name, version, isDelete }: Change) {
  if (isDelete) return { Delete: { TableName: TABLE, Key: keyOf(name) } };
  if (version % 2 === 0) return { Put: { TableName: TABLE, Item: orderOf(name, version) } };
  return { Update: { TableName: TABLE, ...updateOf(name, version) } };
}

/** Makes an item that is not there, too. */
function updateOf(name: string, version: number) {
  const contents = Object.entries(contentsOf(name, version));
  return {
    Key: keyOf(name),
    UpdateExpression: `SET ${contents.map((_, index) => `#n${index} = :v${index}`).join(', ')}`,
    ExpressionAttributeNames: Object.fromEntries(
      contents.map(([attribute], index) => [`#n${index}`, attribute]),
    ),
    ExpressionAttributeValues: Object.fromEntries(contents.map(([, value], index) => [`:v${index}`, value])),
  };
}

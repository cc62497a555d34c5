import { DeleteItemCommand, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { NewCachingMiddleware } from '../../src/index.js';
import { openMemory } from '../../src/store/memory.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../../test/support/dynamodb.js';
import type { CampaignOptions, CampaignResult } from './campaign.js';
import { fuzzRequests, type Worlds } from './requests.js';
import { newWitness } from './witness.js';

const KEYS = { users: { id: 'S' }, orders: { customer: 'S', order: 'N' } } as const;

/** The same requests to two real DynamoDB Locals, which check them as DynamoDB does. */
export async function fuzzOnDynamoDB(options: CampaignOptions): Promise<CampaignResult> {
  const servers = await Promise.all([startDynamoDB(), startDynamoDB()]);
  try {
    for (const server of servers) await createTables(server.client());
    return await fuzzRequests(options, () => openWorlds(servers), 'SDK requests to DynamoDB Local');
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** So far: every other one is written through. */
let worlds = 0;

async function openWorlds(servers: readonly DynamoDBServer[]): Promise<Worlds> {
  const [bare, cached] = servers.map((server) => server.client()) as [DynamoDBClient, DynamoDBClient];
  await Promise.all([empty(bare), empty(cached)]);
  const witness = newWitness();
  const cache = witness.watch(openMemory(Date.now).store);
  worlds += 1;
  const writeThrough = worlds % 2 === 0;
  cached.middlewareStack.use(
    NewCachingMiddleware({ ...witness.config, cache, writeThrough, readTimeoutMs: 5_000 }),
  );
  return {
    bare,
    cached,
    changes: () => 0,
    deliver: async () => {}, // every write goes through the middleware, so nothing needs the stream
    complaint: () => witness.complaint(),
    close() {
      bare.destroy();
      cached.destroy();
    },
  };
}

async function createTables(client: DynamoDBClient): Promise<void> {
  for (const [TableName, keys] of Object.entries(KEYS)) {
    await createTable(client, TableName, keys);
  }
}

async function empty(client: DynamoDBClient): Promise<void> {
  for (const [TableName, keys] of Object.entries(KEYS)) {
    for await (const { Items = [] } of paginateScan({ client }, { TableName })) {
      for (const item of Items) {
        const Key = Object.fromEntries(Object.keys(keys).map((name) => [name, item[name]]));
        await client.send(new DeleteItemCommand({ TableName, Key: Key as never }));
      }
    }
  }
}

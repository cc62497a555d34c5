import { Logger } from '@aws-lambda-powertools/logger';
import * as clientDynamodb from '@aws-sdk/client-dynamodb';
import { vi } from 'vitest';
import { newAdopt } from '../../src/adopt/adopt.js';
import {
  encode,
  itemKey,
  memoryStore,
  NewCachingMiddleware,
  NewStreamCacheHandler,
} from '../../src/index.js';
import { switchKey } from '../../src/key.js';
import { switchNote } from '../../src/reader-switch.js';
import { cachingClient, recorded, tableOf } from '../support/examples.js';
import { record } from '../support/records.js';
import { type UnreliableStore, unreliable } from '../support/stores.js';

const { DynamoDBClient, GetItemCommand, PutItemCommand } = clientDynamodb;

/** Has a handler and a reader meet all that they have something to say about; returns what they logged. */
export async function everythingThatIsLogged(): Promise<string[]> {
  const said: string[] = [];
  const at = (level: string) => (message: string) => said.push(`${level} ${message}`);
  const store = unreliable(memoryStore());
  const config = {
    cache: store,
    logger: { debug: at('DEBUG'), info: at('INFO'), warn: at('WARN'), error: at('ERROR') },
  };
  await everyHandlerReport(config);
  await everyReaderReport(config);
  await everyReaderMode(config);
  await everyAdoption(at);
  return said;
}

async function everyHandlerReport(config: { cache: UnreliableStore }): Promise<void> {
  const handler = NewStreamCacheHandler(config);
  await handler(recorded('poison-record.json'));
  await handler(recorded('keys-only-view.json'));
  config.cache.failWhen(() => true);
  await handler({ Records: [record()] });
  config.cache.failWhen(() => false);
}

async function everyReaderReport(config: { cache: UnreliableStore }): Promise<void> {
  const item = { id: { S: '7' } };
  const client = cachingClient(tableOf(item), config);
  await client.send(new PutItemCommand({ TableName: 'orders', Item: item })); // of which nobody has named a key
  await client.send(new clientDynamodb.DeleteItemCommand({ TableName: 'carts', Key: {} }));
  for (const id of ['id', 'name']) {
    await client.send(new GetItemCommand({ TableName: 'staff', Key: { [id]: { S: '7' } } }));
  }
  const get = () => client.send(new GetItemCommand({ TableName: 'users', Key: item }));
  await get();
  await get();
  await client.send(new PutItemCommand({ TableName: 'users', Item: item }));
  await get();
  await config.cache.put([{ key: 'users:id=7', value: 'not ours', ttlMs: 60_000 }]);
  await get();
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  config.cache.failWhen(() => true);
  for (let failures = 0; failures < 3; failures += 1) await get();
  config.cache.failWhen(() => false);
  now.mockReturnValue(60_000);
  await get();
  now.mockRestore();
  client.middlewareStack.add((next) => next, { step: 'deserialize', priority: 'low' });
  await get();
  const ofAnOldSdk = (next: () => void) => next;
  const stack = new DynamoDBClient().middlewareStack;
  NewCachingMiddleware(config).applyToStack({
    ...stack,
    add: (first: typeof ofAnOldSdk) =>
      (first as (...args: unknown[]) => void)(() => {}, { commandName: 'GetItemCommand' }),
  });
}

/** The switch is turned to each mode, where an entry is stale. */
async function everyReaderMode(config: { cache: UnreliableStore }): Promise<void> {
  const Key = { id: { S: '8' } };
  const client = cachingClient(tableOf(Key), config);
  const text = encode({ ...Key, name: { S: 'of before' } });
  await config.cache.put([{ key: itemKey(undefined, 'users', Key), value: text, ttlMs: 60_000 }]);
  const now = vi.spyOn(Date, 'now');
  for (const mode of ['off', 'shadow', 'on'] as const) {
    now.mockReturnValue(Date.now() + 5_000);
    if (mode === 'on') await config.cache.delete([switchKey(undefined)]);
    else await config.cache.put([switchNote(undefined, mode)]);
    await client.send(new GetItemCommand({ TableName: 'users', Key }));
  }
  now.mockRestore();
}

/** Clients get the middleware by themselves: without a cache, with one, and where their stack takes none. */
async function everyAdoption(at: (level: string) => (message: string) => void): Promise<void> {
  const spies = (['info', 'warn', 'error'] as const).map((level) =>
    vi.spyOn(Logger.prototype, level).mockImplementation((...said: unknown[]) => {
      at(level.toUpperCase())(String(said[0]));
    }),
  );
  for (const url of ['', 'memory:']) {
    vi.stubEnv('STREAM_CACHE_URL', url);
    vi.stubEnv('STREAM_CACHE_TABLES', '["users"]');
    class Client extends DynamoDBClient {}
    newAdopt({})({ DynamoDBClient: Client });
    const client = new Client({ region: 'eu-west-1' });
    const stubbed = vi.spyOn(DynamoDBClient.prototype, 'send').mockResolvedValue(undefined as never);
    await client.send(new GetItemCommand({ TableName: 'users', Key: {} }));
    const rude = new Client({ region: 'eu-west-1' });
    rude.middlewareStack.add = () => {
      throw new Error('no more');
    };
    await rude.send(new GetItemCommand({ TableName: 'users', Key: {} }));
    stubbed.mockRestore();
  }
  vi.unstubAllEnvs();
  for (const spy of spies) spy.mockRestore();
}

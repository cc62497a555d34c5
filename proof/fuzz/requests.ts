import * as sdk from '@aws-sdk/client-dynamodb';
import * as lib from '@aws-sdk/lib-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { encode } from '../../src/codec.js';
import { NewCachingMiddleware, NewStreamCacheHandler } from '../../src/index.js';
import { openMemory } from '../../src/store/memory.js';
import { event } from '../../test/support/records.js';
import { newTableStub, recordOf, type TableStub } from '../../test/support/table.js';
import { canonical } from './answers.js';
import { attack, type CampaignOptions, type CampaignResult, newTally, violation } from './campaign.js';
import { type Mangling, mangled, manglingArbitrary } from './mangle.js';
import { inputsOf, OPERATIONS, type Operation, type Value } from './request-inputs.js';
import { NAMESPACE, newWitness } from './witness.js';

interface Step {
  readonly operation: Operation;
  readonly variant: number;
  readonly manglings: readonly Mangling[];
  /** Whether the stream brings what has changed before the next step. */
  readonly isDelivered: boolean;
}

interface Client {
  send(command: never): Promise<unknown>;
}

/** Two tables with one history: one behind a bare client, one behind the middleware. */
export interface Worlds {
  readonly bare: sdk.DynamoDBClient;
  readonly cached: sdk.DynamoDBClient;
  /** How many changes the table behind the bare client has had. */
  changes(): number;
  /** Hands what has changed behind the middleware to the handler. */
  deliver(): Promise<void>;
  /** What was seen that must not be. */
  complaint(): string | undefined;
  close(): void;
}

const STEPS = 10;

/** Sequences of requests, mostly mangled: each answer, and each error, has to be what the bare client gets. */
export async function fuzzRequests(
  options: CampaignOptions,
  open: () => Promise<Worlds> = stubWorlds,
  name = 'SDK requests',
): Promise<CampaignResult> {
  const tally = newTally();
  const sequence = fc.record({
    isDocument: fc.boolean(),
    steps: fc.array(stepArbitrary(), { minLength: STEPS, maxLength: STEPS }),
  });
  await attack(sequence, options, Math.ceil(options.runs / STEPS), async ({ isDocument, steps }) => {
    const worlds = await open();
    const [bare, cached] = [worlds.bare, worlds.cached].map((client) =>
      isDocument ? documentClient(client) : client,
    );
    for (const step of steps) {
      const before = worlds.changes();
      const theirs = await outcome(bare as Client, step, isDocument);
      // The stand-in refuses what it has half done; DynamoDB never does, so nothing follows from it.
      if (theirs.startsWith('!') && worlds.changes() > before) break;
      const ours = await outcome(cached as Client, step, isDocument);
      if (ours !== theirs) violation(`${step.operation} gave ${ours}, not ${theirs}`);
      tally.note(`${step.operation} ${theirs.startsWith('!') ? 'refused' : 'answered'}`);
      if (step.isDelivered) await worlds.deliver();
    }
    const complaint = worlds.complaint();
    if (complaint !== undefined) violation(complaint);
    worlds.close();
  });
  return { name, inputs: tally.total, outcomes: tally.outcomes };
}

function stepArbitrary(): fc.Arbitrary<Step> {
  return fc.record({
    operation: fc.constantFrom(...OPERATIONS),
    variant: fc.nat(1_000),
    manglings: fc.oneof(fc.constant([]), fc.array(manglingArbitrary('code'), { minLength: 1, maxLength: 2 })),
    isDelivered: fc.boolean(),
  });
}

/** A call's answer, or after a `!` the name of its error: two stand-ins may fail in different words. */
async function outcome(
  client: Client,
  { operation, variant, manglings }: Step,
  isDocument: boolean,
): Promise<string> {
  const value: Value = isDocument
    ? (plain) => plain
    : (plain) => (typeof plain === 'number' ? { N: String(plain) } : { S: plain });
  const input = mangled(inputsOf(operation, variant, value), manglings);
  try {
    return canonical(await client.send(commandOf(operation, input, isDocument) as never));
  } catch (error) {
    return `! ${(error as Error)?.name}`;
  }
}

function commandOf(operation: Operation, input: object, isDocument: boolean): object {
  const names = {
    GetItem: 'Get',
    BatchGetItem: 'BatchGet',
    PutItem: 'Put',
    UpdateItem: 'Update',
    DeleteItem: 'Delete',
  };
  const others = {
    BatchWriteItem: 'BatchWrite',
    TransactWriteItems: 'TransactWrite',
    TransactGetItems: 'TransactGet',
  };
  const short = { ...names, ...others } as Partial<Record<Operation, string>>;
  const commands = (isDocument ? lib : sdk) as unknown as Record<string, new (input: object) => object>;
  const name = isDocument ? `${short[operation] ?? operation}Command` : `${operation}Command`;
  return new (commands[name] as new (input: object) => object)(input);
}

function documentClient(client: sdk.DynamoDBClient): Client {
  return DynamoDBDocumentClient.from(client, {
    marshallOptions: { removeUndefinedValues: true },
  }) as unknown as Client;
}

async function stubWorlds(): Promise<Worlds> {
  const tables = [newTableStub(SCHEMAS), newTableStub(SCHEMAS)] as const;
  const bare = BARE.of(tables[0]);
  const cached = CACHED.of(tables[1]);
  const witness = newWitness();
  const cache = witness.watch(openMemory(Date.now).store);
  const config = { ...witness.config, namespace: NAMESPACE, cache, writeThrough: true, readTimeoutMs: 5_000 };
  const handler = NewStreamCacheHandler(config);
  cached.middlewareStack.remove('dynamodbStreamCache'); // of the world before
  cached.middlewareStack.use(NewCachingMiddleware(config));
  let delivered = 0;
  return {
    bare,
    cached,
    changes: () => tables[0].changes.length,
    async deliver() {
      const changes = tables[1].changes.slice(delivered);
      delivered += changes.length;
      if (changes.length > 0) await handler(event(...changes.map(recordOf)));
    },
    complaint: () => witness.complaint(),
    close() {},
  };
}

/**
 * The stand-in takes any value, and for a deletion any attributes beside the key; DynamoDB refuses what is no attribute
 * value, and a key of other attributes than the table's.
 */
function isStorable(request: unknown): boolean {
  const { body } = request as { body: Uint8Array };
  try {
    JSON.parse(new TextDecoder().decode(body), (name, value) => {
      if (name === 'Key' && !KEYS.includes(Object.keys(value).sort().join())) throw new RangeError('no key');
      if (name === 'Item' || name === 'Key' || name === 'ExpressionAttributeValues') encode(value);
      return value;
    });
    return true;
  } catch {
    return false;
  }
}

const REFUSED = {
  response: {
    statusCode: 400,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: new TextEncoder().encode('{"__type":"com.amazonaws.dynamodb.v20120810#ValidationException"}'),
  },
};

/** One client for one stand-in after the other: to make a client takes longer than what is asked of it. */
function reusedClient() {
  let handle: (...args: unknown[]) => unknown = () => {};
  const requestHandler = { handle: (...args: unknown[]) => handle(...args) } as never;
  const client = new sdk.DynamoDBClient({ ...newTableStub().clientConfig(), requestHandler });
  return {
    of(table: TableStub): sdk.DynamoDBClient {
      const answering = table.clientConfig().requestHandler as unknown as { handle: typeof handle };
      handle = (request, ...rest) => (isStorable(request) ? answering.handle(request, ...rest) : REFUSED);
      return client;
    },
  };
}

const BARE = reusedClient();
const CACHED = reusedClient();
const KEYS = ['id', 'customer,order'];
const SCHEMAS = { users: ['id'], orders: ['customer', 'order'] };

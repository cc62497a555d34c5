import * as sdk from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import * as lib from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { NewCachingMiddleware, NewStreamCacheHandler, type StreamCacheConfig } from '../../src/index.js';
import { toLambdaRecord } from '../../src/local/records.js';
import { openMemory } from '../../src/store/memory.js';
import { type DynamoDBServer, startDynamoDB } from '../../test/support/dynamodb.js';
import { event } from '../../test/support/records.js';
import { canonical } from './answers.js';
import { attack, type CampaignOptions, type CampaignResult, newTally, violation } from './campaign.js';
import type { Input } from './near-keys.js';
import { createNearTables } from './near-tables.js';
import { type Own, ownArbitrary, type Touched } from './own-requests.js';
import { type Logged, openStreamLog, type StreamLog } from './stream-log.js';
import { newWitness, type Witness } from './witness.js';

/** How a sequence is configured. The indexes are of `orders`; the keys of tables are declared or not. */
const CONFIGURATIONS: readonly StreamCacheConfig[] = [false, true].flatMap((writeThrough) =>
  (['write', 'refresh', 'invalidate'] as const).flatMap((mode) => [
    { mode, writeThrough },
    {
      ...{ mode, writeThrough },
      tables: {
        users: { partitionKey: 'id', sortKey: null },
        counters: { partitionKey: 'n', sortKey: null },
        blobs: { partitionKey: 'b', sortKey: null },
        orders: {
          partitionKey: 'customer',
          sortKey: 'order',
          indexes: { byStatus: { partitionKey: 'status' }, byDay: { partitionKey: 'customer' } },
        },
      },
    },
  ]),
);

/** How records come: as Lambda hands them over, or as an SDK's answer that was saved as JSON. */
type Form = 'of Lambda' | 'saved';

interface Delivery {
  readonly form: Form;
  /** Draws the order: the earliest first, where it is 0. */
  readonly shuffle: number;
  /** How many that have come before come again. */
  readonly again: number;
}

type Read = 'GetItem' | 'BatchGetItem' | 'Query' | 'Scan';

interface Step {
  readonly own: Own;
  /** Which process writes: one of two with a middleware, or somebody else. */
  readonly by: 0 | 1 | 'somebody else';
  /** The writer changes the request's members while it is under way. */
  readonly isRude: boolean;
  readonly delivery: Delivery | undefined;
  readonly reads: readonly Read[];
}

/** What a campaign's self-test puts between, to see that it is found. */
export interface Spoiled {
  /** Whether what a process writes passes its middleware by. */
  readonly writesPassBy?: boolean;
  /** Whether records are not delivered. */
  readonly isStreamDead?: boolean;
}

const STEPS = 6;
/** What a sequence sends, about. */
const REQUESTS = 40;

/**
 * Writes of all shapes through the middleware and past it, and the real stream's records in order, out of order, again and in
 * several forms. After each write that was answered, and after each delivery, both processes read what a client without
 * a cache reads.
 */
export async function fuzzOwnWrites(
  options: CampaignOptions,
  spoiled: Spoiled = {},
): Promise<CampaignResult> {
  const server = await startDynamoDB();
  const tally = newTally();
  try {
    const bare = server.client();
    await createNearTables(bare, 'NEW_AND_OLD_IMAGES');
    const both = bothOf(bare);
    const logs = await openLogs(server, bare);
    const sequence = fc.record({
      configuration: fc.constantFrom(...CONFIGURATIONS),
      steps: fc.array(stepArbitrary(), { minLength: STEPS, maxLength: STEPS }),
    });
    await attack(sequence, options, Math.ceil(options.runs / REQUESTS), async ({ configuration, steps }) => {
      const world = newWorld(server, both, logs, configuration, spoiled, tally.note);
      for (const step of steps) await world.take(step);
      await world.end();
    });
    return { name: 'Own writes and replays', inputs: tally.total, outcomes: tally.outcomes };
  } finally {
    await server.stop();
  }
}

function newWorld(
  server: DynamoDBServer,
  bare: Both,
  logs: ReadonlyMap<string, StreamLog>,
  configuration: StreamCacheConfig,
  { writesPassBy, isStreamDead }: Spoiled,
  note: (outcome: string) => void,
) {
  const witness = newWitness();
  const cache = witness.watch(openMemory(Date.now).store);
  const config = {
    ...{ ...witness.config, ...configuration, cache, readTimeoutMs: 5_000 },
    ttlSeconds: { query: 300, scan: 300 },
  };
  const handler = NewStreamCacheHandler(config);
  const processes = [0, 1].map(() => {
    const client = server.client();
    client.middlewareStack.use(NewCachingMiddleware(config));
    return bothOf(client);
  });
  const past: Logged[] = [];
  /** Tables that were changed since the last delivery, with when that began, and those of them that somebody else has changed. */
  const changed = new Map<string, number>();
  const behind = new Set<string>();
  const touched = new Map<string, Touched>();

  async function deliver({ form, shuffle, again }: Delivery): Promise<void> {
    const news = (
      await Promise.all([...changed].map(([name, since]) => logs.get(name)?.read(since) ?? []))
    ).flat();
    changed.clear();
    past.push(...news);
    const random = seeded(shuffle);
    const replayed = Array.from({ length: Math.min(again, past.length) }, () => past[random(past.length)]);
    const batch = [...replayed, ...news] as Logged[];
    if (shuffle > 0) batch.sort(() => random(3) - 1);
    const records = batch.map((logged) => recordOf(logged, form));
    if (isStreamDead) return behind.clear();
    const { batchItemFailures } = await handler(event(...records));
    if (batchItemFailures.length > 0) violation(`${batchItemFailures.length} records failed`);
    behind.clear();
  }

  async function compare(read: Read, touched: Touched, moment: string): Promise<void> {
    const theirs = await outcome(bare, read, touched, true);
    for (const [by, client] of processes.entries()) {
      const ours = await outcome(client, read, touched, false);
      note(`${read} ${theirs.startsWith('!') ? 'refused' : 'compared'}`);
      if (ours !== theirs)
        violation(`${read} of ${touched.tableName} ${moment} gave process ${by} ${ours}, not ${theirs}`);
    }
  }

  return {
    async take({ own, by, isRude, delivery, reads }: Step): Promise<void> {
      const isForeign = by === 'somebody else' || own.operation === 'ExecuteStatement';
      const client = by === 'somebody else' || writesPassBy ? bare : (processes[by] as Both);
      // Before the write, so that there is something to void.
      for (const one of own.touched)
        for (const process of processes) await outcome(process, 'GetItem', one, false);
      const began = Date.now();
      const isWritten = await write(client, own, isRude);
      note(`${own.operation}${isForeign ? ' by somebody else' : ''} ${isWritten ? 'written' : 'refused'}`);
      for (const one of own.touched) {
        changed.set(one.tableName, changed.get(one.tableName) ?? began);
        touched.set(`${one.tableName} ${canonical(one.key)}`, one);
        if (isForeign) behind.add(one.tableName);
      }
      if (delivery) await deliver(delivery);
      const moment = delivery ? 'after a delivery' : `after ${own.operation}`;
      for (const one of own.touched) {
        for (const read of reads) {
          const isOwn = !isForeign && (read === 'GetItem' || read === 'BatchGetItem');
          if (isOwn || !behind.has(one.tableName)) await compare(read, one, moment);
        }
      }
      complain(witness);
    },

    /** At last all that the stream has comes again, in any order. */
    async end(): Promise<void> {
      await deliver({ form: 'of Lambda', shuffle: 0, again: 0 });
      await deliver({ form: 'saved', shuffle: 1 + past.length, again: past.length });
      for (const one of touched.values()) await compare('GetItem', one, 'after replays');
      complain(witness);
      for (const { lowLevel } of processes) lowLevel.destroy();
    },
  };
}

function complain(witness: Witness): void {
  const complaint = witness.complaint();
  if (complaint !== undefined) violation(complaint);
}

async function openLogs(server: DynamoDBServer, bare: sdk.DynamoDBClient): Promise<Map<string, StreamLog>> {
  const streams: DynamoDBStreamsClient = server.streams();
  const markers = {
    users: { id: { S: 'marker' } },
    counters: { n: { N: '999' } },
    blobs: { b: { B: new Uint8Array([9, 9, 9]) } },
    orders: { customer: { S: 'marker' }, order: { N: '0' } },
  };
  const logs = new Map<string, StreamLog>();
  for (const [tableName, marker] of Object.entries(markers)) {
    const log = await openStreamLog(bare, streams, tableName, marker);
    await log.read(Date.now()); // how the tables were made
    logs.set(tableName, log);
  }
  return logs;
}

/** Whether DynamoDB took it. */
async function write(client: Both, own: Own, isRude: boolean): Promise<boolean> {
  const { operation, isDocument } = own;
  const commands = isDocument ? DOCUMENT_COMMANDS : (sdk as unknown as Record<string, unknown>);
  const Command = commands[isDocument ? operation : `${operation}Command`] as NewCommand;
  const input = copyOf(own.input) as Input;
  const sent = senderOf(client, isDocument).send(new Command(input) as never);
  if (isRude) spoil(input);
  return sent.then(
    () => true,
    () => false,
  );
}

type NewCommand = new (input: object) => object;

/** A request of its own: what it consists of, but not the values that are no plain objects. */
function copyOf(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(copyOf);
  if (typeof part !== 'object' || part === null || Object.getPrototypeOf(part) !== Object.prototype)
    return part;
  const copy: Record<PropertyKey, unknown> = {};
  for (const name of Reflect.ownKeys(part)) copy[name] = copyOf((part as typeof copy)[name]);
  return copy;
}

const DOCUMENT_COMMANDS: Record<string, unknown> = {
  PutItem: lib.PutCommand,
  UpdateItem: lib.UpdateCommand,
  DeleteItem: lib.DeleteCommand,
  BatchWriteItem: lib.BatchWriteCommand,
  TransactWriteItems: lib.TransactWriteCommand,
  ExecuteStatement: lib.ExecuteStatementCommand,
};

/** Changes what a request consists of, as callers do who use one object for many. */
function spoil(input: Input): void {
  for (const [name, value] of Object.entries(input)) {
    if (name === 'TableName') input[name] = 'nowhere';
    else if (Array.isArray(value)) value.reverse();
    else if (typeof value === 'object' && value !== null) {
      if (name === 'RequestItems')
        for (const requests of Object.values(value)) (requests as unknown[]).reverse();
      else if (name === 'Key' || name === 'Item')
        for (const attribute of Object.keys(value)) (value as Input)[attribute] = { S: 'changed' };
    }
  }
}

/** An answer, or after a `!` its error. */
async function outcome(
  client: Both,
  read: Read,
  { isDocument, tableName, key }: Touched,
  ConsistentRead: boolean,
): Promise<string> {
  const TableName = tableName;
  const isQuery = read === 'Query' && tableName === 'orders';
  const operation = read === 'Query' && !isQuery ? 'Scan' : read;
  const inputs: Record<Read, object> = {
    GetItem: { TableName, Key: { ...key }, ConsistentRead },
    BatchGetItem: { RequestItems: { [TableName]: { Keys: [{ ...key }], ConsistentRead } } },
    Query: {
      ...{ TableName, KeyConditionExpression: 'customer = :c', ConsistentRead },
      ExpressionAttributeValues: { ':c': isDocument ? '1' : { S: '1' } },
    },
    Scan: { TableName, ConsistentRead },
  };
  const Command = COMMANDS[operation][isDocument ? 1 : 0] as NewCommand;
  try {
    return canonical(await senderOf(client, isDocument).send(new Command(inputs[operation]) as never));
  } catch (error) {
    return `! ${(error as Error).name}: ${(error as Error).message}`;
  }
}

const COMMANDS: Record<Read, [lowLevel: unknown, document: unknown]> = {
  GetItem: [sdk.GetItemCommand, lib.GetCommand],
  BatchGetItem: [sdk.BatchGetItemCommand, lib.BatchGetCommand],
  Query: [sdk.QueryCommand, lib.QueryCommand],
  Scan: [sdk.ScanCommand, lib.ScanCommand],
};

/** A client, and the document client of it. */
interface Both {
  readonly lowLevel: sdk.DynamoDBClient;
  readonly document: lib.DynamoDBDocumentClient;
}

function bothOf(lowLevel: sdk.DynamoDBClient): Both {
  const marshallOptions = { removeUndefinedValues: true };
  return { lowLevel, document: lib.DynamoDBDocumentClient.from(lowLevel, { marshallOptions }) };
}

function senderOf(
  { lowLevel, document }: Both,
  isDocument: boolean,
): { send(command: never): Promise<unknown> } {
  return (isDocument ? document : lowLevel) as never;
}

function recordOf({ record, streamArn, made: span }: Logged, form: Form) {
  if (form === 'of Lambda') return toLambdaRecord(record, streamArn, span);
  // DynamoDB Local tells the minute alone, see `src/local/records.ts`.
  const made = toLambdaRecord(record, streamArn, span).dynamodb?.ApproximateCreationDateTime;
  const time = made === undefined ? {} : { ApproximateCreationDateTime: new Date(made * 1000) };
  const { ApproximateCreationDateTime: _, ...dynamodb } = record.dynamodb ?? {};
  const saved = { ...record, eventSourceARN: streamArn, dynamodb: { ...dynamodb, ...time } };
  return JSON.parse(JSON.stringify(saved));
}

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

function stepArbitrary(): fc.Arbitrary<Step> {
  return fc.record({
    own: ownArbitrary(),
    by: fc.constantFrom<Step['by'][]>(0, 0, 1, 1, 'somebody else'),
    isRude: fc.boolean(),
    delivery: fc.option(
      fc.record({
        form: fc.constantFrom<Form[]>('of Lambda', 'saved'),
        shuffle: fc.oneof(fc.constant(0), fc.nat(1_000)),
        again: fc.nat(5),
      }),
      { nil: undefined },
    ),
    reads: fc.array(fc.constantFrom<Read[]>('GetItem', 'BatchGetItem', 'Query', 'Scan'), {
      minLength: 1,
      maxLength: 2,
    }),
  });
}

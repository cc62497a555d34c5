import * as sdk from '@aws-sdk/client-dynamodb';
import * as lib from '@aws-sdk/lib-dynamodb';
import { NewCachingMiddleware } from '../../src/index.js';
import { startDynamoDB } from '../../test/support/dynamodb.js';
import { canonical } from './answers.js';
import { attack, type CampaignOptions, type CampaignResult, newTally, violation } from './campaign.js';
import { type Near, type NearOperation, nearArbitrary } from './near-requests.js';
import { createNearTables } from './near-tables.js';
import { newWitness } from './witness.js';

interface Client {
  send(command: never): Promise<unknown>;
}

/**
 * Requests that look like others whose answers are cached: the same keys, projections and conditions in other spellings, or
 * almost the same. Each is asked of DynamoDB Local without a cache and twice with one, by both kinds of client; every
 * answer, and every error with its words, has to be the same. What is cached stays, so that sooner or later all is.
 *
 * @param spoil takes the cached client's commands for others, for tests of this campaign itself
 */
export async function fuzzNearHits(
  options: CampaignOptions,
  spoil: (input: object) => object = (input) => input,
): Promise<CampaignResult> {
  const server = await startDynamoDB();
  const tally = newTally();
  let hits = 0;
  try {
    await createNearTables(server.client());
    const bare = server.client();
    const cached = server.client();
    const witness = newWitness();
    cached.middlewareStack.use(
      NewCachingMiddleware({
        ...witness.config,
        cache: 'memory:',
        readTimeoutMs: 5_000,
        ttlSeconds: { query: 300, scan: 300 },
        tables: {
          users: { partitionKey: 'id', sortKey: null },
          counters: { partitionKey: 'n', sortKey: null },
          blobs: {},
          orders: {
            partitionKey: 'customer',
            sortKey: 'order',
            indexes: { byStatus: { partitionKey: 'status' }, byDay: { partitionKey: 'customer' } },
          },
        },
        onReport(report) {
          if (report.type === 'hit') hits += 1;
          witness.config.onReport?.(report);
        },
      }),
    );
    await attack(nearArbitrary(), options, options.runs, async (near) => {
      const theirs = await outcome(bare, near);
      for (const time of ['first', 'second']) {
        const before = hits;
        const ours = await outcome(cached, { ...near, input: spoil(near.input) });
        if (ours !== theirs) violation(`${near.operation} gave the ${time} time ${ours}, not ${theirs}`);
        if (time === 'second')
          tally.note(
            `${near.operation} ${theirs.startsWith('!') ? 'refused' : hits > before ? 'hit' : 'left to DynamoDB'}`,
          );
      }
      const complaint = witness.complaint();
      if (complaint !== undefined) violation(complaint);
    });
    return { name: 'Requests near cached ones', inputs: tally.total, outcomes: tally.outcomes };
  } finally {
    await server.stop();
  }
}

/** A call's answer, or after a `!` its error. */
async function outcome(client: sdk.DynamoDBClient, { operation, input, isDocument }: Near): Promise<string> {
  const sender = isDocument ? lib.DynamoDBDocumentClient.from(client) : client;
  try {
    return canonical(
      await (sender as unknown as Client).send(commandOf(operation, input, isDocument) as never),
    );
  } catch (error) {
    const { name, message } = error as Error;
    return `! ${name}: ${message}`;
  }
}

const COMMANDS: Record<NearOperation, [lowLevel: unknown, document: unknown]> = {
  GetItem: [sdk.GetItemCommand, lib.GetCommand],
  BatchGetItem: [sdk.BatchGetItemCommand, lib.BatchGetCommand],
  Query: [sdk.QueryCommand, lib.QueryCommand],
  Scan: [sdk.ScanCommand, lib.ScanCommand],
};

function commandOf(operation: NearOperation, input: object, isDocument: boolean): object {
  const Command = COMMANDS[operation][isDocument ? 1 : 0] as new (input: object) => object;
  return new Command(input);
}

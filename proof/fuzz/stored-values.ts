import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { decode } from '../../src/codec.js';
import { NewCachingMiddleware } from '../../src/index.js';
import { decodeResult } from '../../src/read/result-codec.js';
import { openMemory } from '../../src/store/memory.js';
import type { CacheStore } from '../../src/store/store.js';
import { newTableStub } from '../../test/support/table.js';
import { canonical } from './answers.js';
import { attack, type CampaignOptions, type CampaignResult, newTally, violation } from './campaign.js';
import { mangled, manglingArbitrary } from './mangle.js';
import { ITEM_SECRET, newWitness } from './witness.js';

const ITEM = { id: { S: '1' }, name: { S: ITEM_SECRET }, logins: { N: '7' }, tags: { SS: ['a'] } };
const OURS = `{"id":"1","name":"${ITEM_SECRET}","logins":7,"tags":["a"],"$types":{"/tags":"SS"}}`;

/** Values that somebody else has put in the place of an item or of a result. Those that pass for ours cannot be told apart. */
export async function fuzzStoredValues(options: CampaignOptions): Promise<CampaignResult> {
  const tally = newTally();
  const table = newTableStub();
  table.put(ITEM);
  const bare = table.client();
  const truth = await Promise.all(READS.map((read) => read(bare)));

  const witness = newWitness();
  const { store, values } = openMemory(Date.now);
  const client = table.client();
  const keys = new Set<string>();
  const cache = witness.watch(noting(store, keys));
  client.middlewareStack.use(NewCachingMiddleware({ ...witness.config, cache, readTimeoutMs: 5_000 }));
  for (const read of [...READS, ...READS]) await read(client); // a scan is stored at its second request

  /** The generations of each result, so that what takes its place is not passed over for those. */
  const lines = new Map([...keys].map((key) => [key, isResult(key) ? firstLine(values.get(key)) : '']));

  await attack(foreignText(), options, Math.ceil(options.runs / READS.length), async (text) => {
    for (const [index, read] of READS.entries()) {
      let passesForOurs = false;
      for (const [key, line] of lines) {
        passesForOurs ||=
          typeof (isResult(key) ? decodeResult(line.trim().split(' '), line + text) : decode(text)) ===
          'object';
        values.set(key, line + text, 60_000);
      }
      let answer: object;
      try {
        answer = await read(client);
      } catch (error) {
        // A text of thousands of levels passes for an item, but DynamoDB has 32, and the SDK's own log filter is recursive.
        if (!passesForOurs || !(error instanceof RangeError)) throw error;
        tally.note('passes for ours, and is too deep for the SDK');
        continue;
      }
      if (!passesForOurs && canonical(answer) !== canonical(truth[index])) {
        violation(`Answered ${canonical(answer)}`);
      }
      tally.note(passesForOurs ? 'passes for ours' : 'answered from the table');
    }
    const complaint = witness.complaint();
    if (complaint !== undefined) violation(complaint);
  });
  return { name: 'stored values', inputs: tally.total, outcomes: tally.outcomes };
}

const READS: readonly ((client: DynamoDBClient) => Promise<object>)[] = [
  (client) => client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: '1' } } })),
  (client) =>
    client.send(
      new BatchGetItemCommand({
        RequestItems: { users: { Keys: [{ id: { S: '1' } }, { id: { S: '2' } }] } },
      }),
    ),
  (client) =>
    client.send(
      new QueryCommand({
        TableName: 'users',
        KeyConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': { S: '1' } },
      }),
    ),
  (client) => client.send(new ScanCommand({ TableName: 'users' })),
];

function isResult(key: string): boolean {
  return key.includes('}:result:');
}

function firstLine(text = ''): string {
  return text.slice(0, text.indexOf('\n') + 1);
}

/** Notes the keys under which values are stored. */
function noting(store: CacheStore, keys: Set<string>): CacheStore {
  const note = <T extends { key: string }>(inputs: readonly T[]) => {
    for (const { key } of inputs) keys.add(key);
    return inputs;
  };
  return {
    ...store,
    fill: (fills, rules, options) => store.fill(note(fills), rules, options),
    put: (results, options) => store.put(note(results), options),
  };
}

/** Garbage; our own texts cut off, with other bytes in them, or mangled as JSON; huge and deep ones. */
function foreignText(): fc.Arbitrary<string> {
  const result = `{"cachedAt":1,"count":1,"scannedCount":1,"items":[${OURS}]}`;
  const own = fc.constantFrom(OURS, result, 'null');
  const cut = fc.tuple(own, fc.nat(120)).map(([text, end]) => text.slice(0, end));
  const damaged = fc
    .tuple(own, fc.nat(120), fc.string({ maxLength: 3 }))
    .map(([text, at, noise]) => text.slice(0, at) + noise + text.slice(at + noise.length));
  const mangledJson = fc
    .tuple(own, fc.array(manglingArbitrary('JSON'), { minLength: 1, maxLength: 3 }))
    .map(([text, manglings]) => JSON.stringify(mangled(JSON.parse(text), manglings)) ?? '');
  const deep = fc
    .tuple(fc.constantFrom(['[', ']'], ['{"a":', '}']), fc.constantFrom(100, 5_000, 20_000))
    .map(([[open = '', close = ''], depth]) => `{"id":${open.repeat(depth)}1${close.repeat(depth)}}`);
  const odd = fc.constantFrom(
    '',
    '0',
    '1',
    '[]',
    '{}',
    '"x"',
    'true',
    '{"$types":1}',
    '{"$types":{"/id":"SS"},"id":1}',
    'x'.repeat(2e5),
  );
  return fc.oneof(
    { weight: 6, arbitrary: cut },
    { weight: 6, arbitrary: damaged },
    { weight: 6, arbitrary: mangledJson },
    { weight: 3, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 3, arbitrary: fc.json() },
    { weight: 2, arbitrary: odd },
    { weight: 1, arbitrary: deep },
  );
}

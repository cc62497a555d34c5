import {
  type AttributeValue,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryPartition } from '../../src/read/partition.js';
import { querySignature, scanSignature } from '../../src/read/signature.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';

const TableName = 'signature-comparison';

let server: DynamoDBServer;
let client: DynamoDBClient;

beforeAll(async () => {
  server = await startDynamoDB();
  client = server.client();
  await createTable(client, TableName, { pk: 'S', sk: 'N' });
  for (const pk of ['p', 'q']) {
    for (const sk of ['1', '2', '3']) {
      const Item = {
        pk: { S: pk },
        sk: { N: sk },
        a: { N: sk },
        b: { L: [{ N: '2' }, { M: { a: { S: pk } } }] },
      };
      await client.send(new PutItemCommand({ TableName, Item }));
    }
  }
});

afterAll(async () => {
  client?.destroy();
  await server?.stop();
});

describe('a signature, compared with DynamoDB', () => {
  it('is shared by no two scans that DynamoDB answers differently', { timeout: 60_000 }, async () => {
    const pair = fc.tuple(mistaken(filter), dice, dice);
    await fc.assert(
      fc.asyncProperty(fc.array(pair, { minLength: 10, maxLength: 10 }), async (pairs) => {
        await Promise.all(
          pairs.map(async ([pieces, ...spellings]) => {
            const [one, other] = spellings.map((dice) => spell('FilterExpression', pieces, dice)) as [
              Input,
              Input,
            ];
            if (scanSignature(one) === undefined || scanSignature(one) !== scanSignature(other)) return;
            expect(await scan(other)).toEqual(await scan(one));
          }),
        );
      }),
      { numRuns: 15 },
    );
  });

  it('is shared by no two queries that DynamoDB answers differently, and their partition is the one it reads', {
    timeout: 60_000,
  }, async () => {
    const pair = fc.tuple(mistaken(keyCondition), dice, dice);
    await fc.assert(
      fc.asyncProperty(fc.array(pair, { minLength: 10, maxLength: 10 }), async (pairs) => {
        await Promise.all(
          pairs.map(async ([pieces, ...spellings]) => {
            const [one, other] = spellings.map((dice) => spell('KeyConditionExpression', pieces, dice)) as [
              Input,
              Input,
            ];
            const answer = await query(one);
            if (querySignature(one) !== undefined && querySignature(one) === querySignature(other)) {
              expect(await query(other)).toEqual(answer);
            }
            const partition = queryPartition(one, ['pk']);
            if (partition === undefined || answer === 'refused') return;
            expect(new Set(answer.flatMap(({ pk = {} }) => Object.values(pk)))).toEqual(
              new Set(answer.length > 0 ? Object.values(partition.pk ?? {}) : []),
            );
          }),
        );
      }),
      { numRuns: 15 },
    );
  });
});

type Input = QueryCommandInput & ScanCommandInput;
type Items = Record<string, AttributeValue>[];

async function scan(request: Input): Promise<Items | 'refused'> {
  return answered(() => client.send(new ScanCommand(request)));
}

async function query(request: Input): Promise<Items | 'refused'> {
  return answered(() => client.send(new QueryCommand(request)));
}

async function answered(send: () => Promise<{ Items?: Items | undefined }>): Promise<Items | 'refused'> {
  try {
    return (await send()).Items ?? [];
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationException') return 'refused';
    throw error;
  }
}

const VALUES = { ':p': { S: 'p' }, ':1': { N: '1' }, ':2': { N: '2' }, ':3': { N: '3' } };
const NAMES = ['pk', 'sk', 'a', 'b', 'name'];

const word = (...words: string[]) => fc.constantFrom(...words.map((word) => word.split(' ')));
const joined = (...parts: fc.Arbitrary<string[]>[]) => fc.tuple(...parts).map((parts) => parts.flat());
const keyCondition = fc.oneof(
  word('pk = :p', ':p = pk', '( pk = :p )'),
  joined(
    word('pk = :p AND', ':p = pk AND'),
    word('sk = :2', 'sk < :2', ':2 <= sk', 'sk BETWEEN :1 AND :2', '( sk > :1 )'),
  ),
  joined(word('sk = :1', 'sk BETWEEN :1 AND :3'), word('AND pk = :p', 'AND ( :p = pk )')),
  word(
    '( pk = :p AND sk >= :2 )',
    '( pk = :p ) AND ( sk BETWEEN :2 AND :3 )',
    'pk = :p OR sk = :1',
    'pk > :p',
  ),
);
const comparison = fc.oneof(
  joined(
    word('a', 'b [0]', 'b [1] . a', 'name', ':2', ':p', 'size ( b )'),
    word('=', '<', '>=', '<>'),
    word(':1', ':2', 'a', ':p'),
  ),
  word('a BETWEEN :1 AND :2', 'a IN ( :1 , :3 )', 'attribute_exists ( name )', 'contains ( b , :2 )'),
);
const filter = fc.oneof(
  comparison,
  joined(comparison, word('AND', 'OR'), comparison),
  joined(word('NOT'), comparison),
  joined(word('('), comparison, word('OR'), comparison, word(') AND'), comparison),
);

/** The pieces of an expression, sometimes with one of them gone, doubled or replaced. */
function mistaken(pieces: fc.Arbitrary<string[]>): fc.Arbitrary<string[]> {
  const replacements = fc.constantFrom(
    [],
    ['('],
    [')'],
    ['AND'],
    ['a'],
    [':1'],
    ['.'],
    ['NOT'],
    ['('],
    ['[0]'],
    ['a', 'a'],
  );
  return fc.tuple(pieces, fc.nat(3), fc.nat(99), replacements).map(([pieces, luck, at, replacement]) => {
    return luck > 0 ? pieces : pieces.toSpliced(at % pieces.length, 1, ...replacement);
  });
}

const dice = fc.infiniteStream(fc.nat(99));

/** The pieces as text, with or without whitespace, and names bare or through an alias. */
function spell(
  member: 'FilterExpression' | 'KeyConditionExpression',
  pieces: string[],
  dice: Iterator<number>,
): Input {
  const roll = (sides: number): number => dice.next().value % sides;
  const names: Record<string, string> = {};
  const expression = pieces
    .map((piece) => {
      if (['AND', 'OR', 'NOT', 'IN', 'BETWEEN'].includes(piece))
        return roll(2) === 0 ? piece.toLowerCase() : piece;
      if (!NAMES.includes(piece) || roll(piece === 'name' ? 9 : 2) === 0) return piece;
      names[`#${piece}`] = piece;
      return `#${piece}`;
    })
    .map((piece) => piece + [' ', ' ', ' ', '\n\t', ''][roll(5)])
    .join('');
  const used = Object.entries(VALUES).filter(([placeholder]) => expression.includes(placeholder));
  return {
    TableName,
    [member]: expression,
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ...(used.length > 0 && { ExpressionAttributeValues: Object.fromEntries(used) }),
  };
}

import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttributeMap, AttributeValue } from '../../src/attributes.js';
import { type ProjectionMembers, parseProjection, project } from '../../src/read/projection.js';
import { RESERVED_WORDS } from '../../src/read/reserved-words.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';

const TableName = 'projection-comparison';
const Key = { id: { S: '42' } };
/** As many requests as the client has sockets for. */
const CHUNK = 50;

let server: DynamoDBServer;
let client: DynamoDBClient;

beforeAll(async () => {
  server = await startDynamoDB();
  client = server.client();
  await createTable(client, TableName, { id: 'S' });
});

afterAll(async () => {
  client?.destroy();
  await server?.stop();
});

describe('a projection, compared with DynamoDB', () => {
  it('is the same for paths that may or may not lead somewhere', { timeout: 60_000 }, async () => {
    const items = item.chain((whole) =>
      fc.tuple(fc.constant(whole), fc.array(requests(whole), { minLength: 8, maxLength: 8 })),
    );
    await fc.assert(
      fc.asyncProperty(items, async ([whole, requests]) => {
        await client.send(new PutItemCommand({ TableName, Item: { ...whole, ...Key } as never }));
        const stored = await getItem({});
        await Promise.all(requests.map((request) => compare(stored, request)));
      }),
      { numRuns: 30 },
    );
  });

  it('is the same, or left to it, for what is hardly an expression', { timeout: 60_000 }, async () => {
    const whole: AttributeMap = {
      ...Key,
      a: { M: { b: { L: [{ S: 'x' }] } } },
      b: { L: [{ M: { a: { S: 'y' } } }] },
    };
    await client.send(new PutItemCommand({ TableName, Item: whole as never }));
    const stored = await getItem({});
    await fc.assert(
      fc.asyncProperty(scrambled, (request) => compare(stored, request)),
      { numRuns: 250 },
    );
  });

  it('is refused for every reserved word, in any case, and for no word that is only like one', {
    timeout: 60_000,
  }, async () => {
    const words = [...RESERVED_WORDS];
    expect(words).toHaveLength(573);
    const taken: string[] = [];
    for (let from = 0; from < words.length; from += CHUNK) {
      const chunk = words.slice(from, from + CHUNK);
      const answers = await Promise.all(
        chunk.map((word) => getItem({ ProjectionExpression: word.toLowerCase() })),
      );
      taken.push(...chunk.filter((_, i) => answers[i] !== 'refused'));
      expect(await getItem({ ProjectionExpression: chunk.map((word) => `${word}_`).join() })).toEqual({});
    }
    // The Developer Guide lists SIZE, but DynamoDB Local takes it as a name: it stays with DynamoDB.
    expect(taken).toEqual(['SIZE']);
    for (const word of words) {
      expect(parseProjection({ ProjectionExpression: word.toLowerCase() })).toBeUndefined();
      expect(parseProjection({ ProjectionExpression: `${word}_` })).toBeDefined();
    }
  });
});

/** Both must refuse, or both must return the same. */
async function compare(stored: AttributeMap | 'refused', request: ProjectionMembers): Promise<void> {
  const projection = parseProjection(request);
  const ours = projection === undefined || stored === 'refused' ? 'refused' : project(stored, projection);
  expect(ours).toEqual(await getItem(request));
}

async function getItem(request: ProjectionMembers): Promise<AttributeMap | 'refused'> {
  try {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key, ...request }));
    return Item as AttributeMap;
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationException') return 'refused';
    throw error;
  }
}

/** Few names, so that paths often lead somewhere. Some can stand bare in an expression, some need an alias. */
const name = fc.constantFrom('a', 'b', 'c_1', 'name', 'and', 'a.b', 'x y', '_u', '1', '#a', 'é', 'toString');

const { value } = fc.letrec<{ value: AttributeValue; map: AttributeMap }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(
      fc.record({ S: fc.string({ minLength: 1 }) }),
      fc.record({ N: fc.integer().map(String) }),
      fc.record({ B: fc.uint8Array({ minLength: 1 }) }),
      fc.record({ BOOL: fc.boolean() }),
      fc.constant({ NULL: true }),
      fc.record({ SS: fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }) }),
      fc.record({ NS: fc.uniqueArray(fc.integer().map(String), { minLength: 1, maxLength: 3 }) }),
    ),
    fc.record({ M: tie('map') }),
    fc.record({ L: fc.array(tie('value'), { maxLength: 4 }) }),
  ),
  map: fc.dictionary(name, tie('value'), { maxKeys: 4 }),
}));
const item: fc.Arbitrary<AttributeMap> = fc.dictionary(name, value, { minKeys: 1, maxKeys: 5 });

type Path = (string | number)[];

/** Every path that leads somewhere in a map. */
function pathsOf(map: AttributeMap): Path[] {
  return Object.entries(map).flatMap(([name, value]) => pathsInto(value).map((rest) => [name, ...rest]));
}

function pathsInto(value: AttributeValue): Path[] {
  if ('M' in value) return [[], ...pathsOf(value.M)];
  if ('L' in value) return [[], ...value.L.flatMap((v, i) => pathsInto(v).map((rest) => [i, ...rest]))];
  return [[]];
}

function requests(whole: AttributeMap): fc.Arbitrary<ProjectionMembers> {
  const step = fc.oneof(name, fc.nat(3));
  const anywhere = fc.tuple(name, fc.array(step, { maxLength: 3 })).map(([first, rest]) => [first, ...rest]);
  const somewhere = fc.constantFrom(...pathsOf(whole));
  const path = fc.oneof({ weight: 4, arbitrary: somewhere }, { weight: 1, arbitrary: anywhere });
  const paths = fc.array(path, { minLength: 1, maxLength: 5 });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(paths, fc.infiniteStream(fc.nat(99)))
        .map(([paths, dice]) => expression(paths, dice)),
    },
    {
      weight: 1,
      arbitrary: fc.record({ AttributesToGet: fc.array(fc.oneof(name, fc.constant('')), { maxLength: 4 }) }),
    },
    { weight: 1, arbitrary: fc.constant({}) },
  );
}

/** Paths as text: aliases where they are needed or by chance, any whitespace, and now and then a mistake. */
function expression(paths: Path[], dice: Iterator<number>): ProjectionMembers {
  const roll = (sides: number): number => dice.next().value % sides;
  const space = (): string => ['', '', '', ' ', '\t', '\r\n'][roll(6)] as string;
  const names: Record<string, string> = {};
  const spell = (step: string | number): string => {
    if (typeof step === 'number') return `[${space()}${step}${space()}]`;
    const isBare = /^[a-z]\w*$/i.test(step) && !['name', 'and'].includes(step);
    if (isBare ? roll(4) > 0 : roll(30) === 0) return step;
    const alias = roll(20) === 0 ? '#a' : `#n${Object.keys(names).length}`;
    if (roll(40) > 0) names[alias] = step;
    return alias;
  };
  const text = paths
    .map((path) =>
      path
        .map((step, i) => (i > 0 && typeof step === 'string' ? `.${space()}` : '') + spell(step))
        .join(space()),
    )
    .join(`${space()},${space()}`);
  if (roll(40) === 0) names['#unused'] = 'a';
  const ProjectionExpression =
    roll(30) === 0 ? text.slice(0, roll(text.length + 1)) : space() + text + space();
  return Object.keys(names).length > 0
    ? { ProjectionExpression, ExpressionAttributeNames: names }
    : { ProjectionExpression };
}

const PIECES = [
  'a',
  'b',
  'a',
  '#a',
  '#b',
  ':v',
  '.',
  '.',
  ',',
  ',',
  '[0]',
  '[1]',
  '[',
  ']',
  '[00]',
  '(',
  ')',
  ' ',
  '\n',
  '_',
  '0',
  '-',
  '=',
];
const scrambled: fc.Arbitrary<ProjectionMembers> = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 9 })
  .map((pieces) => pieces.join(''))
  .map((ProjectionExpression) => {
    const used = ['#a', '#b'].filter((alias) => ProjectionExpression.includes(alias));
    if (used.length === 0) return { ProjectionExpression };
    return {
      ProjectionExpression,
      ExpressionAttributeNames: Object.fromEntries(used.map((alias) => [alias, alias.slice(1)])),
    };
  });

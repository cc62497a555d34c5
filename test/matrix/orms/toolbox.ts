import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import {
  $add,
  $append,
  $delete,
  $remove,
  BatchDeleteRequest,
  BatchGetCommand,
  BatchGetRequest,
  BatchPutRequest,
  BatchWriteCommand,
  ConditionCheck,
  DeleteItemCommand,
  DeletePartitionCommand,
  DeleteTransaction,
  Entity,
  executeBatchGet,
  executeBatchWrite,
  executeTransactGet,
  executeTransactWrite,
  GetItemCommand,
  GetTransaction,
  item,
  PutItemCommand,
  PutTransaction,
  prefix,
  QueryCommand,
  ScanCommand,
  schema,
  Table,
  UpdateAttributesCommand,
  UpdateItemCommand,
  UpdateTransaction,
} from 'dynamodb-toolbox';
import type { Orm } from './orm.js';

const { any, binary, list, map, number, record, set, string } = schema;

function open(client: DynamoDBClient, name: string) {
  const table = new Table({
    name,
    documentClient: DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } }),
    partitionKey: { name: 'pk', type: 'string' },
    sortKey: { name: 'sk', type: 'string' },
    indexes: {
      gs1: {
        type: 'global',
        partitionKey: { name: 'gs1pk', type: 'string' },
        sortKey: { name: 'gs1sk', type: 'string' },
      },
      ls1: { type: 'local', sortKey: { name: 'ls1sk', type: 'string' } },
    },
  });
  const pokemons = new Entity({
    name: 'Pokemon',
    table,
    schema: item({
      trainer: string().key().savedAs('pk').transform(prefix('trainer')),
      id: string().key().savedAs('sk').transform(prefix('pokemon')),
      species: string().savedAs('gs1pk'),
      caught: string().savedAs('gs1sk'),
      rank: string().optional().savedAs('ls1sk'),
      level: number().default(1),
      types: set(string()).optional(),
      wins: set(number()).optional(),
      picture: binary().optional(),
      moves: list(map({ name: string(), power: number().optional() })).optional(),
      stats: record(string(), number()).optional(),
      notes: any().optional(),
    }),
  });
  const trainers = new Entity({
    name: 'Trainer',
    table,
    schema: item({
      id: string().key().savedAs('pk').transform(prefix('trainer')),
      kind: string().const('trainer').key().default('trainer').savedAs('sk'),
      name: string(),
      expires: number().optional(),
    }),
    timestamps: { created: { name: 'since', savedAs: 'since' }, modified: false },
  });
  return { table, pokemons, trainers };
}

type Models = ReturnType<typeof open>;

const pikachu = { trainer: 'ash', id: 'p1' };
const onix = { trainer: 'brock', id: 'p2' };
const FAR = 4_102_444_800; // 2100

/** What the library hands on of DynamoDB's answer, without what differs from request to request. */
async function answered(sent: Promise<object>): Promise<object> {
  const { $metadata, CacheMetadata, ...answer } = (await sent) as Record<string, unknown>;
  return answer;
}

export const toolbox: Orm<Models> = {
  name: 'DynamoDB-Toolbox',
  open,
  writes: [
    {
      name: 'an item is put, with sets, bytes, lists, records and times',
      run: ({ pokemons }) =>
        answered(
          pokemons
            .build(PutItemCommand)
            .item({
              ...pikachu,
              species: 'pikachu',
              caught: '1998-09-08',
              rank: '1',
              types: new Set(['electric', 'cute']),
              wins: new Set([3, -1.5, 20]),
              picture: Uint8Array.from([0, 1, 254, 255]),
              moves: [{ name: 'Thunder', power: 110 }, { name: 'Growl' }],
              stats: { hp: 35, speed: 90.5 },
              notes: { deep: [[null, true, { x: 'y' }]] },
            })
            .options({ condition: { attr: 'id', exists: false } })
            .send(),
        ),
    },
    {
      name: 'an item that exists is refused',
      isRefused: true,
      run: ({ pokemons }) =>
        pokemons
          .build(PutItemCommand)
          .item({ ...pikachu, species: 'raichu', caught: '1999-01-01' })
          .options({ condition: { attr: 'id', exists: false } })
          .send(),
    },
    {
      name: 'a batch is written',
      run: ({ table, pokemons, trainers }) =>
        answered(
          executeBatchWrite(
            table
              .build(BatchWriteCommand)
              .requests(
                trainers.build(BatchPutRequest).item({ id: 'ash', name: 'Ash' }),
                trainers.build(BatchPutRequest).item({ id: 'brock', name: 'Brock', expires: FAR }),
                pokemons.build(BatchPutRequest).item({ ...onix, species: 'onix', caught: '1999-02-01' }),
                pokemons
                  .build(BatchPutRequest)
                  .item({ trainer: 'ash', id: 'p3', species: 'onix', caught: '1999-03-01', rank: '3' }),
              ),
          ),
        ),
    },
    {
      name: 'an update adds to sets, lists and numbers, and hands back what came of it',
      run: ({ pokemons }) =>
        answered(
          pokemons
            .build(UpdateItemCommand)
            .item({
              ...pikachu,
              level: $add(4),
              types: $add(new Set(['mouse'])),
              wins: $delete(new Set([3])),
              moves: $append([{ name: 'Dig', power: 80 }]),
              stats: { hp: 40 },
            })
            .options({ returnValues: 'ALL_NEW' })
            .send(),
        ),
    },
    {
      name: 'an update moves an item within the indexes, and removes an attribute',
      run: ({ pokemons }) =>
        answered(
          pokemons
            .build(UpdateItemCommand)
            .item({ ...pikachu, species: 'raichu', rank: '9', picture: $remove() })
            .options({ returnValues: 'UPDATED_OLD' })
            .send(),
        ),
    },
    {
      name: 'an update replaces attributes as a whole',
      run: ({ pokemons }) =>
        answered(
          pokemons
            .build(UpdateAttributesCommand)
            .item({ ...pikachu, stats: { hp: 60 }, moves: [{ name: 'Tackle' }] })
            .options({ returnValues: 'ALL_NEW' })
            .send(),
        ),
    },
    {
      name: 'an update with a condition that does not hold is refused',
      isRefused: true,
      run: ({ pokemons }) =>
        pokemons
          .build(UpdateItemCommand)
          .item({ ...pikachu, level: $add(1) })
          .options({ condition: { attr: 'level', gt: 50 }, returnValuesOnConditionFalse: 'ALL_OLD' })
          .send(),
    },
    {
      name: 'an update makes an item',
      run: ({ trainers }) =>
        answered(
          trainers
            .build(UpdateItemCommand)
            .item({ id: 'misty', name: 'Misty' })
            .options({ returnValues: 'ALL_NEW' })
            .send(),
        ),
    },
    {
      name: 'a transaction writes several items',
      run: ({ pokemons, trainers }) =>
        answered(
          executeTransactWrite(
            pokemons
              .build(PutTransaction)
              .item({ trainer: 'misty', id: 'p4', species: 'starmie', caught: '2000-01-01' }),
            pokemons.build(UpdateTransaction).item({ ...pikachu, level: $add(10) }),
            pokemons.build(DeleteTransaction).key(onix),
            trainers.build(ConditionCheck).key({ id: 'brock' }).condition({ attr: 'name', eq: 'Brock' }),
          ),
        ),
    },
    {
      name: 'a transaction that is cancelled writes nothing',
      isRefused: true,
      run: ({ pokemons, trainers }) =>
        executeTransactWrite(
          pokemons.build(DeleteTransaction).key(pikachu),
          trainers.build(ConditionCheck).key({ id: 'brock' }).condition({ attr: 'name', eq: 'Other' }),
        ),
    },
    {
      name: 'an item is deleted, and handed back',
      run: ({ pokemons }) =>
        answered(
          pokemons
            .build(DeleteItemCommand)
            .key({ trainer: 'ash', id: 'p3' })
            .options({ returnValues: 'ALL_OLD' })
            .send(),
        ),
    },
    {
      name: 'a batch puts and deletes',
      run: ({ table, pokemons, trainers }) =>
        answered(
          executeBatchWrite(
            table
              .build(BatchWriteCommand)
              .requests(
                trainers.build(BatchDeleteRequest).key({ id: 'misty' }),
                pokemons
                  .build(BatchPutRequest)
                  .item({ ...onix, species: 'onix', caught: '2001-01-01', level: 50 }),
              ),
          ),
        ),
    },
    {
      name: 'a partition is deleted',
      run: ({ table, pokemons }) =>
        answered(
          table.build(DeletePartitionCommand).query({ partition: 'trainer#ash' }).entities(pokemons).send(),
        ),
    },
    {
      name: 'an item comes again with other contents',
      run: ({ pokemons }) =>
        answered(
          pokemons
            .build(PutItemCommand)
            .item({ ...pikachu, species: 'pichu', caught: '2002-02-02', types: new Set(['baby']) })
            .options({ returnValues: 'ALL_OLD' })
            .send(),
        ),
    },
  ],
  reads: [
    {
      name: 'get',
      from: 'cache',
      run: ({ pokemons }) => answered(pokemons.build(GetItemCommand).key(pikachu).send()),
    },
    {
      name: 'get of what may not be there',
      from: 'cache',
      run: ({ trainers }) => answered(trainers.build(GetItemCommand).key({ id: 'misty' }).send()),
    },
    {
      name: 'get of some attributes, at any depth',
      from: 'cache',
      run: ({ pokemons }) =>
        answered(
          pokemons
            .build(GetItemCommand)
            .key(pikachu)
            .options({ attributes: ['level', 'types', 'picture', 'moves[0].name', 'stats.hp'] })
            .send(),
        ),
    },
    {
      name: 'consistent get',
      from: 'table',
      run: ({ pokemons }) =>
        answered(pokemons.build(GetItemCommand).key(pikachu).options({ consistent: true }).send()),
    },
    {
      name: 'batch get',
      from: 'cache',
      run: ({ table, pokemons, trainers }) =>
        answered(
          executeBatchGet(
            table
              .build(BatchGetCommand)
              .requests(
                pokemons.build(BatchGetRequest).key(pikachu),
                pokemons.build(BatchGetRequest).key({ trainer: 'ash', id: 'none' }),
                trainers.build(BatchGetRequest).key({ id: 'brock' }),
                pokemons.build(BatchGetRequest).key(onix),
              ),
          ),
        ),
    },
    {
      name: 'batch get of some attributes',
      from: 'cache',
      run: ({ table, pokemons }) =>
        answered(
          executeBatchGet(
            table
              .build(BatchGetCommand)
              .requests(
                pokemons.build(BatchGetRequest).key(pikachu),
                pokemons.build(BatchGetRequest).key(onix),
              )
              .options({ attributes: ['level', 'species'] }),
          ),
        ),
    },
    {
      name: 'get in a transaction',
      from: 'table',
      run: ({ pokemons, trainers }) =>
        answered(
          executeTransactGet(
            pokemons.build(GetTransaction).key(pikachu),
            trainers.build(GetTransaction).key({ id: 'misty' }),
          ),
        ),
    },
    {
      name: 'query of a partition, of several entities',
      from: 'cache',
      run: ({ table, pokemons, trainers }) =>
        answered(
          table
            .build(QueryCommand)
            .query({ partition: 'trainer#ash' })
            .entities(pokemons, trainers)
            .options({ showEntityAttr: true })
            .send(),
        ),
    },
    {
      name: 'query of a range, backwards, with the capacity',
      from: 'cache',
      async run({ table, pokemons }) {
        const sent = table
          .build(QueryCommand)
          .query({ partition: 'trainer#ash', range: { between: ['pokemon#p1', 'pokemon#p3'] } })
          .entities(pokemons)
          .options({ reverse: true, capacity: 'INDEXES' })
          .send();
        // Which is what a hit does not consume.
        const { ConsumedCapacity, ...answer } = (await answered(sent)) as Record<string, unknown>;
        return { ...answer, isCapacitySaid: ConsumedCapacity !== undefined };
      },
    },
    {
      name: 'query with a filter',
      from: 'cache',
      run: ({ table, pokemons }) =>
        answered(
          table
            .build(QueryCommand)
            .query({ partition: 'trainer#ash' })
            .entities(pokemons)
            .options({
              filters: {
                Pokemon: {
                  or: [
                    { attr: 'types', contains: 'electric' },
                    { attr: 'stats.hp', gte: 50 },
                  ],
                },
              },
            })
            .send(),
        ),
    },
    {
      name: 'query of some attributes',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ table, pokemons }) =>
        answered(
          table
            .build(QueryCommand)
            .query({ partition: 'trainer#ash' })
            .entities(pokemons)
            .options({ attributes: ['species', 'moves[0]'] })
            .send(),
        ),
    },
    {
      name: 'count',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ table }) =>
        answered(
          table.build(QueryCommand).query({ partition: 'trainer#ash' }).options({ select: 'COUNT' }).send(),
        ),
    },
    {
      name: 'all pages',
      from: 'cache',
      run: ({ table, pokemons }) =>
        answered(
          table
            .build(QueryCommand)
            .query({ partition: 'trainer#ash' })
            .entities(pokemons)
            .options({ limit: 1, maxPages: Number.POSITIVE_INFINITY })
            .send(),
        ),
    },
    {
      name: 'pages one by one',
      from: 'cache',
      async run({ table, pokemons }) {
        const pages = [];
        let exclusiveStartKey: Record<string, unknown> | undefined;
        do {
          const page = (await answered(
            table
              .build(QueryCommand)
              .query({ partition: 'trainer#ash' })
              .entities(pokemons)
              .options({ limit: 1, ...(exclusiveStartKey && { exclusiveStartKey }) })
              .send(),
          )) as { LastEvaluatedKey?: Record<string, unknown> };
          pages.push(page);
          exclusiveStartKey = page.LastEvaluatedKey;
        } while (exclusiveStartKey);
        return pages;
      },
    },
    {
      name: 'query of a global index',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ table, pokemons }) =>
        answered(
          table
            .build(QueryCommand)
            .query({ index: 'gs1', partition: 'onix', range: { gte: '1999-01-01' } })
            .entities(pokemons)
            .send(),
        ),
    },
    {
      name: 'query of a local index',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ table, pokemons }) =>
        answered(
          table
            .build(QueryCommand)
            .query({ index: 'ls1', partition: 'trainer#ash', range: { beginsWith: '9' } })
            .entities(pokemons)
            .send(),
        ),
    },
    {
      name: 'consistent query',
      from: 'table',
      run: ({ table, pokemons }) =>
        answered(
          table
            .build(QueryCommand)
            .query({ partition: 'trainer#ash' })
            .entities(pokemons)
            .options({ consistent: true })
            .send(),
        ),
    },
    {
      name: 'scan of an entity',
      from: 'cache',
      run: ({ table, trainers }) => answered(table.build(ScanCommand).entities(trainers).send()),
    },
    {
      name: 'scan with a filter, in pages',
      from: 'cache',
      run: ({ table, pokemons }) =>
        answered(
          table
            .build(ScanCommand)
            .entities(pokemons)
            .options({
              filters: { Pokemon: { attr: 'level', gt: 4 } },
              limit: 2,
              maxPages: Number.POSITIVE_INFINITY,
            })
            .send(),
        ),
    },
    {
      name: 'scan of an index, by segments',
      from: 'cache',
      isWithoutTtl: true,
      async run({ table, pokemons }) {
        const scan = (segment: number) =>
          answered(
            table
              .build(ScanCommand)
              .entities(pokemons)
              .options({ index: 'gs1', segment, totalSegments: 2 })
              .send(),
          );
        return [await scan(0), await scan(1)];
      },
    },
  ],
};

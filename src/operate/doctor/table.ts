import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { toError } from '../../errors.js';
import { declaredPartitionKey } from '../../options.js';
import type { TableSettings } from '../../table-settings.js';
import { type Finding, findings, refusal } from './finding.js';

const { ok, warning, wrong, unknown } = findings('table');

/** What is told of a table, beside what it is; with the ARN of its stream, for its mapping. */
export async function checkTable(
  client: DynamoDBClient,
  tableName: string,
  settings: TableSettings,
): Promise<{ findings: Finding[]; streamArn: string | undefined }> {
  let table: TableDescription | undefined;
  try {
    table = (await client.send(new DescribeTableCommand({ TableName: tableName }))).Table;
  } catch (thrown) {
    const isMissing = toError(thrown).name === 'ResourceNotFoundException';
    const finding = isMissing
      ? wrong(
          'exists',
          `there is no table ${tableName} in this account and Region`,
          'Check its name, AWS_REGION and the profile.',
        )
      : unknown('exists', ...refusal(thrown, 'dynamodb:DescribeTable'));
    return { findings: [finding], streamArn: undefined };
  }
  return {
    findings: [
      ok(
        'exists',
        `${table?.TableStatus ?? 'of unknown status'}, about ${(table?.ItemCount ?? 0).toLocaleString('en')} items`,
      ),
      stream(table, settings),
      ...keys(table, settings),
      await timeToLive(client, tableName, settings),
    ],
    streamArn: table?.LatestStreamArn,
  };
}

const BOTH_IMAGES =
  'aws dynamodb update-table --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES; a stream that is there has to be disabled first';

function stream(table: TableDescription | undefined, { mode }: TableSettings): Finding {
  const { StreamEnabled, StreamViewType = '' } = table?.StreamSpecification ?? {};
  if (!StreamEnabled) {
    return wrong('stream', 'it has none: no change reaches the cache', `Enable it: ${BOTH_IMAGES}.`);
  }
  if (StreamViewType === 'NEW_AND_OLD_IMAGES') return ok('stream', 'with new and old images');
  if (StreamViewType === 'NEW_IMAGE') {
    return warning(
      'stream',
      'with new images only',
      `Results of an index end for all its partitions, since nobody knows where an item was before. Better: ${BOTH_IMAGES}.`,
    );
  }
  const found = `with the view ${StreamViewType}`;
  if (mode === 'invalidate')
    return warning(
      'stream',
      found,
      `The mode invalidate needs no more, but results end for whole tables and indexes. Better: ${BOTH_IMAGES}.`,
    );
  return wrong(
    'stream',
    found,
    `The mode ${mode} needs new images: records only invalidate now. ${BOTH_IMAGES}.`,
  );
}

function keys(table: TableDescription | undefined, settings: TableSettings): Finding[] {
  const own = namesOf(table?.KeySchema);
  const indexes = new Map(
    [...(table?.GlobalSecondaryIndexes ?? []), ...(table?.LocalSecondaryIndexes ?? [])].map((index) => [
      index.IndexName ?? '',
      namesOf(index.KeySchema),
    ]),
  );
  const { partitionKey, sortKey } = settings;
  const wrongs: string[] = [];
  const [ownPartition] = own.partitions;
  if (partitionKey !== undefined && partitionKey !== ownPartition) {
    wrongs.push(`its partition key is ${ownPartition}, and ${partitionKey} is declared`);
  }
  if (sortKey !== undefined && sortKey !== own.sort) {
    wrongs.push(`its sort key is ${own.sort ?? 'none'}, and ${sortKey ?? 'none'} is declared`);
  }
  for (const [name, declared] of settings.indexes) {
    const index = indexes.get(name);
    if (index === undefined) wrongs.push(`it has no index ${name}, which is declared`);
    else if (!isSameSet(index.partitions, declared)) {
      wrongs.push(
        `the partition key of ${name} is ${index.partitions.join(' and ')}, and ${declared.join(' and ')} is declared`,
      );
    }
  }
  if (wrongs.length > 0) {
    return [
      wrong(
        'keys',
        wrongs.join('; '),
        'Correct STREAM_CACHE_TABLES in the function and in all readers: results may not end when they should.',
      ),
    ];
  }
  const missing = [
    ...(partitionKey === undefined ? ['its keys'] : []),
    ...[...indexes.keys()].filter((name) => !settings.indexes.has(name)).map((name) => `the index ${name}`),
  ];
  if (missing.length === 0) return [ok('keys', 'declared as they are')];
  const sample = {
    [table?.TableName ?? '']: {
      partitionKey: ownPartition,
      sortKey: own.sort,
      ...(indexes.size > 0 && {
        indexes: Object.fromEntries(
          [...indexes].map(([name, { partitions }]) => [
            name,
            { partitionKey: declaredPartitionKey(partitions) },
          ]),
        ),
      }),
    },
  };
  return [
    warning(
      'keys',
      `not declared: ${missing.join(', ')}`,
      `Any change of the table ends all of its results. Declare them, in the function and in all readers: STREAM_CACHE_TABLES='${JSON.stringify(sample)}'.`,
    ),
  ];
}

function namesOf(schema: readonly KeySchemaElement[] = []) {
  const namesOfType = (type: string) =>
    schema.flatMap(({ KeyType, AttributeName }) => (KeyType === type ? (AttributeName ?? []) : []));
  return { partitions: namesOfType('HASH'), sort: namesOfType('RANGE')[0] ?? null };
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each) => others.includes(each));
}

async function timeToLive(
  client: DynamoDBClient,
  TableName: string,
  { ttlAttribute }: TableSettings,
): Promise<Finding> {
  let attribute: string | undefined;
  try {
    const answer = await client.send(new DescribeTimeToLiveCommand({ TableName }));
    const { TimeToLiveStatus, AttributeName } = answer.TimeToLiveDescription ?? {};
    attribute = TimeToLiveStatus?.startsWith('ENABL') ? AttributeName : undefined;
  } catch (thrown) {
    return unknown('time to live', ...refusal(thrown, 'dynamodb:DescribeTimeToLive'));
  }
  if (attribute === ttlAttribute)
    return ok('time to live', attribute === undefined ? 'none' : `by ${attribute}`);
  if (ttlAttribute === undefined) {
    return warning(
      'time to live',
      `the table expires items by ${attribute}, and the cache does not know`,
      `Entries outlive their items until DynamoDB deletes them, which may take days: STREAM_CACHE_TTL_ATTRIBUTE=${attribute}.`,
    );
  }
  return warning(
    'time to live',
    `the table expires items by ${attribute ?? 'nothing'}, and the cache by ${ttlAttribute}`,
    'Set STREAM_CACHE_TTL_ATTRIBUTE to the attribute of the table, in the function and in all readers.',
  );
}

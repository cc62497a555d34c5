import { AttributeType, StreamViewType, Table, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { describe, expect, test } from 'vitest';
import { asTable, permissionsOf, propertiesOf, streamCache, textOf, type World } from './stacks.js';

const id = { name: 'id', type: AttributeType.STRING };
const status = { name: 'status', type: AttributeType.STRING };
const country = { name: 'country', type: AttributeType.STRING };
const stream = StreamViewType.NEW_AND_OLD_IMAGES;

describe('a table', () => {
  test('is declared with its keys, its indexes and its TTL attribute, also those that come later', () => {
    const declared = declaredOf(({ stack }) => {
      const table = new Table(stack, 'Users', { partitionKey: id, sortKey: status, stream });
      table.addLocalSecondaryIndex({
        indexName: 'byName',
        sortKey: { name: 'name', type: AttributeType.STRING },
      });
      return {
        table,
        later: () => table.addGlobalSecondaryIndex({ indexName: 'byStatus', partitionKey: status }),
      };
    });
    expect(declared).toEqual({
      '<Users>': {
        partitionKey: 'id',
        sortKey: 'status',
        indexes: { byName: { partitionKey: 'id' }, byStatus: { partitionKey: 'status' } },
      },
    });
  });

  test('may be a TableV2', () => {
    const declared = declaredOf(({ stack }) => {
      const table = new TableV2(stack, 'Users', {
        partitionKey: id,
        globalSecondaryIndexes: [{ indexName: 'byStatus', partitionKey: status }],
        timeToLiveAttribute: 'expiresAt',
        dynamoStream: stream,
      });
      return { table };
    });
    expect(declared).toEqual({
      '<Users>': {
        partitionKey: 'id',
        sortKey: null,
        indexes: { byStatus: { partitionKey: 'status' } },
        ttlAttribute: 'expiresAt',
      },
    });
  });

  test('may have an index of several partition keys', () => {
    const declared = declaredOf(({ stack }) => {
      const table = new TableV2(stack, 'Users', {
        partitionKey: id,
        globalSecondaryIndexes: [{ indexName: 'byBoth', partitionKeys: [status, country] }],
        dynamoStream: stream,
      });
      return { table };
    });
    expect(declared).toMatchObject({
      '<Users>': { indexes: { byBoth: { partitionKey: ['status', 'country'] } } },
    });
  });

  test('may be called anything in the code', () => {
    const declared = declaredOf(({ stack }) => ({
      table: new TableV2(stack, 'Users: all (2)', { partitionKey: id, dynamoStream: stream }),
    }));
    expect(Object.values(declared)).toMatchObject([{ partitionKey: 'id' }]);
  });

  test('takes options of the package over what its definition says', () => {
    const { template } = streamCache({
      tableOptions: { declare: { mode: 'refresh', ttlSeconds: { item: 60 }, ttlAttribute: 'over' } },
    });
    expect(tablesIn(template)).toMatchObject({
      '<Orders>': { mode: 'refresh', ttlSeconds: { item: 60 }, ttlAttribute: 'over', sortKey: 'orderId' },
    });
  });

  test('that is filtered by its rules has the filter on its mapping, and readers are told', () => {
    const items = [{ key: { customerId: { prefix: 'c' } } }, { key: {}, cached: false }];
    const { template } = streamCache({ tableOptions: { declare: { items, filtered: true } } });
    expect(tablesIn(template)).toMatchObject({ '<Orders>': { items, filtered: true, sortKey: 'orderId' } });
    const { FilterCriteria } = propertiesOf(template, 'AWS::Lambda::EventSourceMapping');
    expect(FilterCriteria).toEqual({
      Filters: [{ Pattern: '{"dynamodb":{"Keys":{"customerId":{"S":[{"prefix":"c"}]}}}}' }],
    });
    expect(() => streamCache({ tableOptions: { declare: { items: [{ key: { status: 'x' } }] } } })).toThrow(
      'items names "status", which is no attribute of the key',
    );
  });

  test('may be one of several, each with a mapping of its own', () => {
    const { template } = streamCache({}, (cache, { stack }) => {
      cache.addTable(asTable(new Table(stack, 'Users', { partitionKey: id, stream })), {
        mapping: { batchSize: 100 },
      });
    });
    expect(Object.keys(tablesIn(template))).toEqual(['<Orders>', '<Users>']);
    const mapping = propertiesOf(template, 'AWS::Lambda::EventSourceMapping', 'CacheStream2');
    expect(textOf(mapping.EventSourceArn)).toBe('<Users.StreamArn>');
    expect(mapping.BatchSize).toBe(100);
  });
});

describe('an imported table', () => {
  const attributes = {
    tableName: 'users',
    tableStreamArn: 'arn:aws:dynamodb:us-east-1:123456789012:table/users/stream/2026-01-15T09:30:00.000',
  };

  test('is declared as it is said', () => {
    const declare = { partitionKey: 'id', sortKey: null };
    const { template } = streamCache(({ stack }) => ({
      table: Table.fromTableAttributes(stack, 'Users', attributes),
      tableOptions: { declare },
    }));
    expect(tablesIn(template)).toEqual({ users: declare });
    expect(propertiesOf(template, 'AWS::Lambda::EventSourceMapping').EventSourceArn).toBe(
      attributes.tableStreamArn,
    );
  });

  test('with a key of its own lets the function decrypt the stream', () => {
    const { template } = streamCache(({ stack }) => ({
      table: Table.fromTableAttributes(stack, 'Users', {
        ...attributes,
        encryptionKey: new Key(stack, 'Key'),
      }),
    }));
    expect(permissionsOf(template, 'CacheHandlerRole')).toContain('kms:Decrypt on <Key.Arn>');
  });

  test('needs the ARN of its stream', () => {
    expect(() =>
      streamCache(({ stack }) => ({ table: Table.fromTableName(stack, 'Users', 'users') })),
    ).toThrow(/cannot cache the table Shop\/Users: it has no stream.*tableStreamArn/);
  });
});

describe('a table is refused', () => {
  test('without a stream, and the error says how to get one', () => {
    const without = ({ stack }: World) => ({
      table: asTable(new Table(stack, 'Users', { partitionKey: id })),
    });
    expect(() => streamCache(without)).toThrow(
      'StreamCache: cannot cache the table Shop/Users: it has no stream. Give it `stream: StreamViewType.NEW_AND_OLD_IMAGES` (Table) or',
    );
    const v2 = ({ stack }: World) => ({ table: asTable(new TableV2(stack, 'Users', { partitionKey: id })) });
    expect(() => streamCache(v2)).toThrow('it has no stream');
  });

  test.each([StreamViewType.NEW_IMAGE, StreamViewType.OLD_IMAGE, StreamViewType.KEYS_ONLY])(
    'with the stream view %s',
    (view) => {
      const make = ({ stack }: World) => ({
        table: asTable(new TableV2(stack, 'Users', { partitionKey: id, dynamoStream: view })),
      });
      expect(() => streamCache(make)).toThrow(
        `its stream has the view ${view}, and the handler needs both images. Give it`,
      );
    },
  );
});

function declaredOf(make: (world: World) => { table: unknown; later?: () => void }) {
  let later: (() => void) | undefined;
  const { template } = streamCache(
    (world) => {
      const made = make(world);
      later = made.later;
      return { table: asTable(made.table) };
    },
    () => later?.(),
  );
  return tablesIn(template);
}

function tablesIn(template: ReturnType<typeof streamCache>['template']) {
  const { Environment } = propertiesOf(template, 'AWS::Lambda::Function');
  return JSON.parse(textOf(Environment.Variables.STREAM_CACHE_TABLES));
}

import { CreateTableCommand, DescribeTableCommand, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { ACCESS_STRING } from '../../infra/access.js';
import type { Finding } from '../../src/operate/doctor/finding.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type LambdaStandIn, startLambda } from '../support/lambda.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { type RedisCluster, type RedisServer, startRedis, startRedisCluster } from '../support/redis.js';
import { runCli } from './run-cli.js';

const CREDENTIALS = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };

let dynamodb: DynamoDBServer;
let lambda: LambdaStandIn;
let memcached: MemcachedServer;
let own: RedisServer;
let admin: Redis;
beforeAll(async () => {
  [dynamodb, lambda, memcached, own] = await Promise.all([
    ...[startDynamoDB(), startLambda(), startMemcached(), startRedis()],
  ] as [Promise<DynamoDBServer>, Promise<LambdaStandIn>, Promise<MemcachedServer>, Promise<RedisServer>]);
  admin = new Redis(own.url);
});
afterAll(async () => {
  admin?.disconnect();
  await Promise.all([dynamodb?.stop(), lambda?.stop(), memcached?.stop(), own?.stop()]);
});

async function doctor(args: readonly string[], variables: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runCli(['doctor', ...args, '--json'], {
    ...CREDENTIALS,
    AWS_ENDPOINT_URL_LAMBDA: lambda.url,
    ...variables,
  });
  if (stdout === '') throw new Error(stderr);
  const { findings: all } = JSON.parse(stdout) as { findings: Finding[] };
  // Whether a round trip is short is this machine's doing, which is busy with other tests.
  const findings = all.filter(({ check }) => check !== 'round trip');
  const of = (subject: string, check: string) =>
    findings.find((finding) => finding.subject === subject && finding.check === check);
  const verdicts = (subject: string) =>
    findings
      .filter((finding) => finding.subject === subject)
      .map(({ check, verdict }) => `${check} ${verdict}`);
  return { code, findings, of, verdicts };
}

describe('of a cache, doctor', () => {
  test.each([
    ['Redis', () => inject('redisUrl'), ['version ok', 'eviction ok', 'memory ok']],
    [
      'Redis Cluster',
      () => inject('redisClusterUrl'),
      ['version ok', 'eviction ok', 'memory ok', 'cluster ok'],
    ],
    ['memcached', () => memcached.url, ['server unknown']],
  ] as const)('finds nothing wrong with %s', async (name, urlOf, ofServer) => {
    const { code, verdicts } = await doctor(['--cache', urlOf()]);
    expect(code).toBe(0);
    expect(verdicts('cache')).toEqual([
      ...['TLS ok', ...ofServer, 'permissions ok'],
      name === 'memcached' ? 'clock unknown' : 'clock ok',
    ]);
  });

  test('leaves nothing behind for longer than seconds', async () => {
    await admin.flushall();
    await doctor(['--cache', own.url]);
    const left = await admin.keys('*');
    expect(left.length).toBeGreaterThan(0);
    for (const key of left) expect(await admin.pttl(key)).toBeLessThanOrEqual(10_000);
    for (const key of left) expect(await admin.pttl(key)).not.toBe(-1);
  });

  test('says what a policy does that takes guards, and that memory is almost full', async () => {
    const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1]);
    await admin.config(
      'SET',
      'maxmemory',
      String(Math.round(used * 1.05)),
      'maxmemory-policy',
      'volatile-ttl',
    );
    const { code, of } = await doctor(['--cache', own.url]);
    await admin.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
    expect(code).toBe(1);
    expect(of('cache', 'eviction')).toMatchObject({
      verdict: 'wrong',
      found: 'maxmemory-policy is volatile-ttl',
    });
    expect(of('cache', 'memory')).toMatchObject({
      verdict: 'warning',
      found: expect.stringMatching(/^\d+ % of maxmemory$/),
    });
  });

  const asUser = (name: string) => own.url.replace('//', `//${name}:secret@`);
  const withUser = async (name: string, ...rules: string[]) => {
    await admin.call('ACL', 'SETUSER', name, 'on', '>secret', ...rules);
    return asUser(name);
  };

  test.each([
    ['UNLINK', ['-unlink'], /^refused: delete \(.*NOPERM/],
    ['EVALSHA', ['-evalsha'], /^refused: begin, release, fill, void, claim, apply, move, put \(/],
    ['SET in a script', ['-set'], /^refused: .*apply.*can't run this command/],
  ])('names the steps that a user without %s may not take', async (_, rules, found) => {
    const url = await withUser('reader', 'reset', 'on', '>secret', '~*', '+@all', ...rules);
    const { code, of, findings } = await doctor(['--cache', url]);
    expect(code).toBe(1);
    expect(of('cache', 'permissions')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringMatching(found),
      remedy: expect.stringContaining('docs/deploy.md'),
    });
    expect(JSON.stringify(findings)).not.toContain('secret');
  });

  test('finds nothing wrong with the user that the construct makes, who may not run what only operators do', async () => {
    const url = await withUser('deployed', ...ACCESS_STRING.split(' '));
    const { code, of } = await doctor(['--cache', url]);
    expect(code).toBe(0);
    expect(of('cache', 'permissions')).toMatchObject({ verdict: 'ok' });
    expect(of('cache', 'clock')).toMatchObject({ verdict: 'ok' });
    expect(of('cache', 'operator')).toMatchObject({
      verdict: 'warning',
      found: expect.stringMatching(/^cannot run here: get, verify and purge, stats \(/),
    });
  });

  test('finds nothing wrong with a user that has the keys of a namespace alone, but keys without it', async () => {
    const url = await withUser('shop', '~shop:*', '~{shop:*', '+@all');
    const { code, findings } = await doctor(['--cache', url, '--namespace', 'shop']);
    expect(code).toBe(0);
    expect(new Set(findings.map(({ verdict }) => verdict))).toEqual(new Set(['ok']));
    const { of } = await doctor(['--cache', url]);
    expect(of('cache', 'answers')).toMatchObject({
      verdict: 'wrong',
      remedy: expect.stringContaining('all keys of the namespace'),
    });
  });

  test('says of a wrong password what to correct, and not what it is', async () => {
    const { code, of, findings } = await doctor(['--cache', asUser('nobody')]);
    expect(code).toBe(1);
    expect(of('cache', 'answers')).toMatchObject({
      verdict: 'wrong',
      remedy: expect.stringContaining('password'),
    });
    expect(JSON.stringify(findings)).not.toContain('secret');
  });

  test('tells a cache that is full from one that permits nothing', async () => {
    await admin.config('SET', 'maxmemory', '1mb', 'maxmemory-policy', 'noeviction');
    const { code, of } = await doctor(['--cache', own.url]);
    await admin.config('SET', 'maxmemory', '0');
    expect(code).toBe(1);
    expect(of('cache', 'permissions')).toBeUndefined();
    expect(of('cache', 'steps')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('The cache is full'),
      remedy: expect.stringContaining('Give it memory'),
    });
    expect(of('cache', 'memory')).toMatchObject({
      verdict: 'warning',
      remedy: expect.stringContaining('take nothing new'),
    });
  });

  test('looks for no name among all that a cache has, which may be many', async () => {
    const pipeline = admin.pipeline();
    for (let n = 0; n < 20_000; n += 1) pipeline.set(`many:${n}`, '');
    await pipeline.exec();
    await admin.config('RESETSTAT');
    await doctor(['--cache', own.url]);
    const stats = await admin.info('commandstats');
    await admin.flushall();
    expect(Number(/cmdstat_scan:calls=(\d+)/.exec(stats)?.[1])).toBeLessThanOrEqual(2);
  });

  test.each([
    [700, 'warning', 'ahead of'],
    [3_000, 'wrong', 'ahead of'],
    [-3_000, 'wrong', 'behind'],
  ])('says of a clock that is %d ms apart that this is %s', async (ms, verdict, word) => {
    // The server's clock cannot be set, so this machine's is, in the process alone.
    const set = `const now = Date.now; Date.now = () => now() - ${ms};`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(set)}`;
    const { of } = await doctor(['--cache', own.url], { NODE_OPTIONS });
    const { found = '' } = of('cache', 'clock') ?? {};
    expect(of('cache', 'clock')).toMatchObject({ verdict });
    expect(Math.abs(Number.parseInt(found, 10) - Math.abs(ms))).toBeLessThan(200);
    expect(found).toContain(word);
  });

  describe('that is a cluster', () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await startRedisCluster({ args: ['--cluster-require-full-coverage', 'no'] });
    });
    afterAll(() => cluster?.stop());

    test('names the missing word in the URL of one of its servers, whichever slot is asked', async () => {
      for (const { url } of cluster.nodes) {
        const { code, of } = await doctor(['--cache', url]);
        expect(code).toBe(1);
        expect(of('cache', 'cluster')).toMatchObject({
          verdict: 'wrong',
          found: expect.stringContaining('one of 3 servers'),
          remedy: expect.stringContaining('?cluster'),
        });
        const stats = await runCli(['stats', '--cache', url]);
        expect(stats.code).toBe(1);
        expect(stats.stderr).toContain('Its URL must end in ?cluster');
      }
    });

    test('says that slots are served by nobody, whichever slot is asked', async () => {
      await cluster.nodes[2]?.kill();
      // Whichever of them is asked.
      for (const { url } of cluster.nodes.slice(0, 2)) {
        const survivor = new Redis(url);
        await vi.waitFor(
          async () => expect(await survivor.cluster('INFO')).not.toContain('cluster_slots_fail:0'),
          { timeout: 20_000, interval: 100 },
        );
        survivor.disconnect();
      }
      for (let n = 0; n < 3; n += 1) {
        const { code, of } = await doctor(['--cache', cluster.url]);
        expect(code).toBe(1);
        expect(of('cache', 'cluster')).toMatchObject({
          verdict: 'wrong',
          found: expect.stringMatching(/5,46\d of 16,384 slots/),
        });
      }
    }, 60_000);
  });

  test('says of a cache that is no cluster what is too much in its URL', async () => {
    const { code, of } = await doctor(['--cache', `${own.url}?cluster`]);
    expect(code).toBe(1);
    expect(of('cache', 'reached')).toMatchObject({ remedy: expect.stringContaining('take ?cluster off') });
  });

  test('says that a server that hides its settings does', async () => {
    await admin.call('ACL', 'SETUSER', 'managed', 'on', '>secret', '~*', '+@all', '-info', '-config');
    const { code, of } = await doctor(['--cache', own.url.replace('//', '//managed:secret@')]);
    expect(code).toBe(0);
    expect(of('cache', 'server')).toMatchObject({
      verdict: 'unknown',
      found: expect.stringContaining('INFO'),
    });
    await admin.call('ACL', 'DELUSER', 'managed');
  });

  test('says that it cannot be reached, and why', async () => {
    const { code, findings } = await doctor(['--cache', 'redis://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(findings).toEqual([
      expect.objectContaining({
        check: 'reached',
        verdict: 'wrong',
        found: expect.stringContaining('ECONNREFUSED'),
      }),
    ]);
  });

  test('warns where the way to it is in clear', async () => {
    const { of } = await doctor(['--cache', own.url.replace('127.0.0.1', '0.0.0.0')]);
    expect(of('cache', 'TLS')).toMatchObject({
      verdict: 'warning',
      remedy: expect.stringContaining('rediss://'),
    });
  });
});

describe('of a table, doctor', () => {
  const at = (table: string) => [table, '--cache', own.url, '--endpoint', dynamodb.endpoint];
  const index = (IndexName: string, partition: string) => ({
    IndexName,
    KeySchema: [{ AttributeName: partition, KeyType: 'HASH' as const }],
    Projection: { ProjectionType: 'ALL' as const },
  });
  beforeAll(async () => {
    const client = dynamodb.client();
    await client.send(
      new CreateTableCommand({
        TableName: 'orders',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'customerId', KeyType: 'HASH' },
          { AttributeName: 'orderId', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [
          { AttributeName: 'customerId', AttributeType: 'S' },
          { AttributeName: 'orderId', AttributeType: 'N' },
          { AttributeName: 'state', AttributeType: 'S' },
        ],
        GlobalSecondaryIndexes: [index('byState', 'state')],
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      }),
    );
    const TimeToLiveSpecification = { AttributeName: 'endsAt', Enabled: true };
    await client.send(new UpdateTimeToLiveCommand({ TableName: 'orders', TimeToLiveSpecification }));
    await createTable(client, 'keysOnly', { id: 'S' }, 'KEYS_ONLY');
    await createTable(client, 'newOnly', { id: 'S' }, 'NEW_IMAGE');
    await createTable(client, 'silent', { id: 'S' });
  });

  const DECLARED = { customerId: 'customerId', orderId: 'orderId', state: 'state' };
  const declaration = ({ customerId, orderId, state }: typeof DECLARED) => ({
    STREAM_CACHE_TABLES: JSON.stringify({
      orders: { partitionKey: customerId, sortKey: orderId, indexes: { byState: { partitionKey: state } } },
    }),
  });

  test('finds nothing wrong with one that is declared as it is', async () => {
    const { code, verdicts } = await doctor(at('orders'), {
      ...declaration(DECLARED),
      STREAM_CACHE_TTL_ATTRIBUTE: 'endsAt',
    });
    expect(code).toBe(0);
    expect(verdicts('table')).toEqual(['exists ok', 'stream ok', 'keys ok', 'time to live ok']);
  });

  test('says what would be declared where nothing is, in words that can be taken as they are', async () => {
    const { of } = await doctor(at('orders'));
    const { remedy = '' } = of('table', 'keys') as Finding;
    const [, tables = ''] = /STREAM_CACHE_TABLES='(.*)'/.exec(remedy) ?? [];
    expect(of('table', 'keys')).toMatchObject({ verdict: 'warning' });
    const again = await doctor(at('orders'), { STREAM_CACHE_TABLES: tables });
    expect(again.of('table', 'keys')).toMatchObject({ verdict: 'ok' });
  });

  test.each([
    [
      'partition key',
      { ...DECLARED, customerId: 'customer' },
      /partition key is customerId, and customer is/,
    ],
    ['sort key', { ...DECLARED, orderId: 'id' }, /sort key is orderId, and id is/],
    ["index's key", { ...DECLARED, state: 'status' }, /of byState is state, and status is/],
  ])('names a wrong %s', async (_, declared, found) => {
    const { code, of } = await doctor(at('orders'), declaration(declared));
    expect(code).toBe(1);
    expect(of('table', 'keys')).toMatchObject({ verdict: 'wrong', found: expect.stringMatching(found) });
  });

  test.each([
    [{}, 'the table expires items by endsAt, and the cache does not know'],
    [{ STREAM_CACHE_TTL_ATTRIBUTE: 'ttl' }, 'the table expires items by endsAt, and the cache by ttl'],
  ])('tells the time to live of the table from that of %j', async (variables, found) => {
    expect((await doctor(at('orders'), variables)).of('table', 'time to live')).toMatchObject({
      verdict: 'warning',
      found,
    });
  });

  test.each([
    ['silent', 'write', 'wrong', 'it has none'],
    ['keysOnly', 'write', 'wrong', 'KEYS_ONLY'],
    ['keysOnly', 'invalidate', 'warning', 'KEYS_ONLY'],
    ['newOnly', 'write', 'warning', 'new images only'],
  ])('of the stream of %s in mode %s: %s', async (table, mode, verdict, found) => {
    const { of } = await doctor(at(table), { STREAM_CACHE_MODE: mode });
    expect(of('table', 'stream')).toMatchObject({ verdict, found: expect.stringContaining(found) });
  });

  test('says that a table cannot be asked, and goes on', async () => {
    const { code, of } = await doctor(['users', '--cache', own.url, '--endpoint', 'http://127.0.0.1:1']);
    expect(code).toBe(0);
    expect(of('cache', 'permissions')).toMatchObject({ verdict: 'ok' });
    expect(of('table', 'exists')).toMatchObject({
      verdict: 'unknown',
      found: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('says that there is no such table', async () => {
    const { code, of } = await doctor(at('nowhere'));
    expect(code).toBe(1);
    expect(of('table', 'exists')).toMatchObject({
      verdict: 'wrong',
      found: expect.stringContaining('no table nowhere'),
    });
  });
});

describe('of a mapping, doctor', () => {
  let streamArn = '';
  beforeAll(async () => {
    const client = dynamodb.client();
    await createTable(client, 'users', { id: 'S' }, 'NEW_AND_OLD_IMAGES');
    streamArn =
      (await client.send(new DescribeTableCommand({ TableName: 'users' }))).Table?.LatestStreamArn ?? '';
  });
  const right = () => ({
    UUID: 'a-b-c',
    EventSourceArn: streamArn,
    State: 'Enabled',
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    BisectBatchOnFunctionError: true,
    MaximumRecordAgeInSeconds: 43_200,
    MaximumRetryAttempts: 10_000,
    StartingPosition: 'TRIM_HORIZON',
    BatchSize: 1_000,
    MaximumBatchingWindowInSeconds: 0,
    ParallelizationFactor: 1,
    LastProcessingResult: 'OK',
    DestinationConfig: { OnFailure: { Destination: 'arn:aws:s3:::lost' } },
  });
  const filter = (pattern: object) => ({
    FilterCriteria: { Filters: [{ Pattern: JSON.stringify(pattern) }] },
  });
  const check = async (mapping: object, variables: Record<string, string> = {}) => {
    const other = { EventSourceArn: streamArn.replace('users', 'orders') };
    lambda.mappings.set('sync', [other, { ...right(), ...mapping }]);
    return doctor(
      ['users', '--cache', own.url, '--endpoint', dynamodb.endpoint, '--function', 'sync'],
      variables,
    );
  };

  test('finds nothing wrong with one as the construct makes it', async () => {
    lambda.variables = { STREAM_CACHE_URL: own.url };
    const { code, findings } = await check({});
    lambda.variables = {};
    const ofIt = findings.filter(({ subject }) => subject === 'mapping' || subject === 'function');
    expect(code).toBe(0);
    expect(new Set(ofIt.map(({ verdict }) => verdict))).toEqual(new Set(['ok']));
    expect(ofIt).toHaveLength(13);
  });

  test.each<[string, object, string, Finding['verdict'], string]>([
    [
      'no partial failures',
      { FunctionResponseTypes: [] },
      'partial failures',
      'wrong',
      '--function-response-types',
    ],
    ['no bisecting', { BisectBatchOnFunctionError: false }, 'bisect', 'warning', '--bisect-batch'],
    ['no end of age', { MaximumRecordAgeInSeconds: -1 }, 'record age', 'warning', '43200'],
    ['a short age', { MaximumRecordAgeInSeconds: 60 }, 'record age', 'warning', '43200'],
    ['few retries', { MaximumRetryAttempts: 3 }, 'retries', 'warning', '10000'],
    ['no destination', { DestinationConfig: {} }, 'destination', 'warning', 'arn:aws:s3:::BUCKET'],
    [
      'a queue',
      { DestinationConfig: { OnFailure: { Destination: 'arn:aws:sqs:eu-west-1:1:q' } } },
      'destination',
      'warning',
      's3',
    ],
    ['a small batch', { BatchSize: 10 }, 'batch', 'warning', '--batch-size 1000'],
    [
      'gathering for longer than a change is in time',
      { MaximumBatchingWindowInSeconds: 60 },
      'batch',
      'wrong',
      '--maximum-batching-window-in-seconds 0',
    ],
    [
      'a tumbling window',
      { TumblingWindowInSeconds: 30 },
      'batch',
      'warning',
      '--tumbling-window-in-seconds 0',
    ],
    ['a start at the end', { StartingPosition: 'LATEST' }, 'start', 'warning', 'stream-cache verify users'],
    [
      'a function that fails',
      { LastProcessingResult: 'PROBLEM: Function call failed' },
      'last result',
      'wrong',
      'log',
    ],
    ['one that is being changed', { State: 'Updating' }, 'state', 'warning', 'Look again'],
    ['a disabled one', { State: 'Disabled' }, 'state', 'wrong', '--enabled'],
    [
      'an earlier stream',
      { EventSourceArn: 'arn:aws:dynamodb:ddblocal:000000000000:table/users/stream/2020' },
      'stream',
      'wrong',
      'TRIM_HORIZON',
    ],
    [
      'a filter on images',
      filter({ dynamodb: { NewImage: { a: { S: ['x'] } } } }),
      'filters',
      'wrong',
      'keys alone',
    ],
    ['a filter on names', filter({ eventName: ['INSERT'] }), 'filters', 'wrong', 'keys alone'],
    [
      'a filter on keys',
      filter({ dynamodb: { Keys: { id: { S: [{ prefix: 'u' }] } } } }),
      'filters',
      'warning',
      'readers',
    ],
    [
      'a filter on keys, or else on names',
      filter({ $or: [{ dynamodb: { Keys: { id: { S: ['u'] } } } }, { eventName: ['REMOVE'] }] }),
      'filters',
      'wrong',
      'keys alone',
    ],
    [
      'a filter of rubbish',
      { FilterCriteria: { Filters: [{ Pattern: '{' }] } },
      'filters',
      'wrong',
      'keys alone',
    ],
  ])('says what to do about %s', async (_, mapping, name, verdict, remedy) => {
    const { of } = await check(mapping);
    expect(of('mapping', name)).toMatchObject({ verdict, remedy: expect.stringContaining(remedy) });
  });

  test('takes a filter that lets everything through for none', async () => {
    const { of } = await check(filter({}));
    expect(of('mapping', 'filters')).toMatchObject({ verdict: 'ok' });
  });

  test('looks at filters that a key of the customer encrypts, or says what is missing', async () => {
    const KMSKeyArn = 'arn:aws:kms:eu-west-1:123456789012:key/1';
    const hidden = { ...filter({ eventName: ['INSERT'] }).FilterCriteria };
    const { UUID } = right();
    const found = async () => (await check({ KMSKeyArn })).of('mapping', 'filters');
    lambda.encryptedFilters = { [UUID]: hidden };
    expect(await found()).toMatchObject({ verdict: 'wrong', found: expect.stringContaining('eventName') });
    lambda.encryptedFilters = {};
    expect(await found()).toMatchObject({
      verdict: 'unknown',
      remedy: expect.stringContaining('kms:Decrypt'),
    });
    lambda.denied = `/${UUID}`;
    expect(await found()).toMatchObject({
      verdict: 'unknown',
      remedy: expect.stringContaining('lambda:GetEventSourceMapping'),
    });
    lambda.denied = undefined;
  });

  test('names the variables that the function has otherwise, and not what is in them', async () => {
    lambda.variables = {
      STREAM_CACHE_NAMESPACE: 'shop-9',
      STREAM_CACHE_URL: 'rediss://:secret@h',
      STREAM_CACHE_GUARD_SECONDS: '600',
    };
    const { of, findings } = await check(
      {},
      { STREAM_CACHE_GUARD_SECONDS: '600', STREAM_CACHE_SETTLE_SECONDS: '7' },
    );
    lambda.variables = {};
    expect(of('function', 'environment')).toMatchObject({
      verdict: 'warning',
      found: 'other than here: STREAM_CACHE_NAMESPACE, STREAM_CACHE_SETTLE_SECONDS',
    });
    expect(JSON.stringify(findings)).not.toMatch(/secret|shop-9/);
  });

  test('says that the function writes to another cache, and where, but not how', async () => {
    lambda.variables = { STREAM_CACHE_URL: 'rediss://app:secret@other.example.com:6379?cluster' };
    const { of, findings } = await check({});
    lambda.variables = { STREAM_CACHE_URL: own.url.replace('//', '//app:secret@') };
    const same = await check({});
    lambda.variables = {};
    expect(of('function', 'cache')).toMatchObject({
      verdict: 'warning',
      found: `it writes to other.example.com, and ${new URL(own.url).host} is checked here`,
    });
    expect(same.of('function', 'cache')).toMatchObject({ verdict: 'ok' });
    expect(JSON.stringify([findings, same.findings])).not.toContain('secret');
  });

  test('takes options for the variables that they stand for, and declarations in any order for equal', async () => {
    const tables = { users: { partitionKey: 'id', sortKey: null } };
    const turned = { users: { sortKey: null, partitionKey: 'id' } };
    lambda.variables = { STREAM_CACHE_NAMESPACE: 'shop', STREAM_CACHE_TABLES: JSON.stringify(tables) };
    lambda.mappings.set('sync', [right()]);
    const { of } = await doctor(
      [
        ...['users', '--cache', own.url, '--endpoint', dynamodb.endpoint, '--function', 'sync'],
        ...['--namespace', 'shop'],
      ],
      { STREAM_CACHE_TABLES: JSON.stringify(turned) },
    );
    lambda.variables = {};
    expect(of('function', 'environment')).toMatchObject({ verdict: 'ok' });
  });

  test('says what is not permitted, and goes on', async () => {
    lambda.denied = '/configuration';
    const { of, code } = await check({});
    lambda.denied = undefined;
    expect(code).toBe(0);
    expect(of('function', 'environment')).toMatchObject({
      verdict: 'unknown',
      remedy: 'Give lambda:GetFunctionConfiguration.',
    });
  });

  test('says that the stream is mapped to no such function, or the function to no such stream', async () => {
    const at = ['users', '--cache', own.url, '--endpoint', dynamodb.endpoint, '--function'];
    lambda.mappings.set('idle', []);
    expect((await doctor([...at, 'nobody'])).of('mapping', 'function')).toMatchObject({ verdict: 'wrong' });
    expect((await doctor([...at, 'idle'])).of('mapping', 'mapping')).toMatchObject({ verdict: 'wrong' });
  });
});

test('for people it is a line for each check, the remedy below it, and a count', async () => {
  const { code, stdout } = await runCli(['doctor', '--cache', memcached.url]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^(?:ok {7}|warning {2})cache: round trip {3}\d/);
  expect(stdout).toMatch(/unknown {2}cache: server {7}this cache does not tell its settings\n/);
  expect(stdout).toMatch(/\n5 checks, 0 wrong, [01] warnings?, 2 could not be made\.\n$/);
});

test('without the client of Lambda, --function says what to install', async () => {
  const hide = `import { register } from 'node:module';
    const hooks = "export const resolve = (name, context, next) => { if (name === '@aws-sdk/client-lambda') throw new Error('not installed'); return next(name, context); };";
    register('data:text/javascript,' + encodeURIComponent(hooks));`;
  const { code, stderr } = await runCli(
    ['doctor', 'orders', '--cache', own.url, '--endpoint', dynamodb.endpoint, '--function', 'sync'],
    { ...CREDENTIALS, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hide)}` },
  );
  expect(code).toBe(2);
  expect(stderr).toContain('--function needs @aws-sdk/client-lambda. Install it.');
});

test.each<[string, string[], RegExp]>([
  ['no cache', [], /no cache is named/],
  ['two tables', ['a', 'b'], /b is one table too many/],
  ['a function without a table', ['--function', 'f'], /--function needs a table/],
])('called with %s, doctor says so', async (_, args, message) => {
  const { code, stderr } = await runCli(['doctor', ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

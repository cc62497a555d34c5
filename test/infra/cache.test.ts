import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { App, SecretValue, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, test } from 'vitest';
import { ACCESS_STRING } from '../../infra/access.js';
import { type CacheOptions, type ExistingCache, StreamCache } from '../../infra/index.js';
import { asTable, ordersTable, permissionsOf, propertiesOf, streamCache, textOf } from './stacks.js';

describe('a serverless cache', () => {
  const { template } = streamCache();

  test('is a Valkey cache with limits in the private subnets, which is what there is by default', () => {
    expect(propertiesOf(template, 'AWS::ElastiCache::ServerlessCache')).toMatchObject({
      ServerlessCacheName: 'shop-cache-dac39396',
      Engine: 'valkey',
      MajorEngineVersion: '9',
      CacheUsageLimits: { DataStorage: { Maximum: 10, Unit: 'GB' }, ECPUPerSecond: { Maximum: 30_000 } },
      SubnetIds: [
        { Ref: expect.stringMatching(/^VpcIsolatedSubnet1/) },
        { Ref: expect.stringMatching(/^VpcIsolatedSubnet2/) },
      ],
      SecurityGroupIds: [{ 'Fn::GetAtt': [expect.stringMatching(/^CacheSecurityGroup/), 'GroupId'] }],
      UserGroupId: { Ref: expect.stringMatching(/^CacheUserGroup/) },
    });
  });

  test('knows one user, who authenticates with IAM and is named as its id', () => {
    expect(propertiesOf(template, 'AWS::ElastiCache::User')).toEqual({
      Engine: 'valkey',
      UserId: 'shop-cache-dac39396',
      UserName: 'shop-cache-dac39396',
      AuthenticationMode: { Type: 'iam' },
      AccessString: ACCESS_STRING,
    });
    expect(propertiesOf(template, 'AWS::ElastiCache::UserGroup')).toMatchObject({
      Engine: 'valkey',
      UserIds: [{ Ref: expect.stringMatching(/^CacheUser/) }],
    });
  });

  test('is open to the function alone, on the ports of primaries and replicas, and the function to it alone', () => {
    const ports = { IpProtocol: 'tcp', FromPort: 6379, ToPort: 6380 };
    const cache = { 'Fn::GetAtt': [expect.stringMatching(/^CacheSecurityGroup/), 'GroupId'] };
    const handler = { 'Fn::GetAtt': [expect.stringMatching(/^CacheHandlerSecurityGroup/), 'GroupId'] };
    expect(propertiesOf(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({
      ...ports,
      GroupId: cache,
      SourceSecurityGroupId: handler,
    });
    expect(propertiesOf(template, 'AWS::EC2::SecurityGroupEgress')).toMatchObject({
      ...ports,
      GroupId: handler,
      DestinationSecurityGroupId: cache,
    });
  });

  test('takes a name and limits', () => {
    const { template } = streamCache({
      cache: { type: 'serverless', name: 'orders', maxStorageGb: 1, maxEcpuPerSecond: 1_000 },
    });
    expect(propertiesOf(template, 'AWS::ElastiCache::ServerlessCache')).toMatchObject({
      ServerlessCacheName: 'orders',
      CacheUsageLimits: { DataStorage: { Maximum: 1 }, ECPUPerSecond: { Maximum: 1_000 } },
    });
  });

  test.each(['Orders', '9lives', 'a--b', 'end-', 'a'.repeat(41), `${'a-'.repeat(20)}bc`])(
    'is refused the name %s',
    (name) => {
      expect(() => streamCache({ cache: { type: 'serverless', name } })).toThrow(/cannot name a cache/);
    },
  );
});

describe('a serverless cache of Memcached', () => {
  const { template } = streamCache({ cache: { type: 'serverless', engine: 'memcached', name: 'shop' } });

  test('has TLS and limits, and knows no users', () => {
    expect(propertiesOf(template, 'AWS::ElastiCache::ServerlessCache')).toMatchObject({
      ...{ ServerlessCacheName: 'shop', Engine: 'memcached', MajorEngineVersion: '1.6' },
      CacheUsageLimits: { DataStorage: { Maximum: 10, Unit: 'GB' }, ECPUPerSecond: { Maximum: 30_000 } },
    });
    expect(propertiesOf(template, 'AWS::ElastiCache::ServerlessCache')).not.toHaveProperty('UserGroupId');
    expect(template.findResources('AWS::ElastiCache::User')).toEqual({});
    expect(urlIn(template)).toBe('memcacheds://<CacheServerless.Endpoint.Address>:11211');
    expect(permissionsOf(template, 'CacheHandlerRole').join()).not.toContain('elasticache');
  });

  test('is open to the function alone', () => {
    expect(propertiesOf(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({
      ...{ FromPort: 11211, ToPort: 11211 },
      SourceSecurityGroupId: { 'Fn::GetAtt': [expect.stringContaining('HandlerSecurityGroup'), 'GroupId'] },
    });
  });
});

describe('a cache of nodes', () => {
  test('is one shard with a replica, failover, TLS, encryption and IAM authentication', () => {
    const { template } = streamCache({
      cache: { type: 'nodes', name: 'orders', nodeType: 'cache.t4g.micro' },
    });
    expect(propertiesOf(template, 'AWS::ElastiCache::ReplicationGroup')).toMatchObject({
      ReplicationGroupId: 'orders',
      Engine: 'valkey',
      EngineVersion: '9.0',
      CacheNodeType: 'cache.t4g.micro',
      CacheParameterGroupName: 'default.valkey9',
      NumCacheClusters: 2,
      AutomaticFailoverEnabled: true,
      MultiAZEnabled: true,
      TransitEncryptionEnabled: true,
      AtRestEncryptionEnabled: true,
      UserGroupIds: [{ Ref: expect.stringMatching(/^CacheUserGroup/) }],
      CacheSubnetGroupName: { Ref: expect.stringMatching(/^CacheSubnets/) },
    });
    expect(propertiesOf(template, 'AWS::ElastiCache::SubnetGroup').SubnetIds).toHaveLength(2);
    expect(urlIn(template)).toBe(
      'rediss://<CacheUser>@<CacheNodes.PrimaryEndPoint.Address>:6379?iam=elasticache&cacheName=orders',
    );
    expect(permissionsOf(template, 'CacheHandlerRole')).toContain(
      'elasticache:Connect on arn:<AWS::Partition>:elasticache:<AWS::Region>:<AWS::AccountId>:replicationgroup:<CacheNodes>',
    );
    expect(propertiesOf(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({
      FromPort: 6379,
      ToPort: 6379,
    });
  });

  test('has shards in cluster mode', () => {
    const { template } = streamCache({
      cache: { type: 'nodes', name: 'orders', nodeType: 'cache.r7g.large', shards: 3, replicasPerShard: 2 },
    });
    expect(propertiesOf(template, 'AWS::ElastiCache::ReplicationGroup')).toMatchObject({
      CacheParameterGroupName: 'default.valkey9.cluster.on',
      NumNodeGroups: 3,
      ReplicasPerNodeGroup: 2,
    });
    expect(urlIn(template)).toBe(
      'rediss://<CacheUser>@<CacheNodes.ConfigurationEndPoint.Address>:6379?cluster&iam=elasticache&cacheName=orders',
    );
  });

  test('has an older Valkey where that is chosen', () => {
    const { template } = streamCache({
      cache: { type: 'nodes', nodeType: 'cache.t4g.micro', engineVersion: '8.1' },
    });
    expect(propertiesOf(template, 'AWS::ElastiCache::ReplicationGroup')).toMatchObject({
      EngineVersion: '8.1',
      CacheParameterGroupName: 'default.valkey8',
    });
    const serverless = streamCache({ cache: { type: 'serverless', majorEngineVersion: '8' } }).template;
    expect(propertiesOf(serverless, 'AWS::ElastiCache::ServerlessCache').MajorEngineVersion).toBe('8');
  });

  test('is durable where that is asked for', () => {
    const durable = { type: 'nodes', nodeType: 'cache.r7g.large', shards: 2 } as const;
    const durabilityOf = (cache: CacheOptions) =>
      propertiesOf(streamCache({ cache }).template, 'AWS::ElastiCache::ReplicationGroup').Durability;
    expect(durabilityOf({ ...durable, durability: 'sync' })).toBe('sync');
    expect(durabilityOf({ ...durable, durability: 'async' })).toBe('async');
    expect(durabilityOf(durable)).toBeUndefined();
  });

  test.each([
    ['cluster mode', { shards: undefined }],
    ['a replica', { shards: 2, replicasPerShard: 0 }],
    ['Valkey 9', { shards: 2, engineVersion: '8.2' }],
  ])('is not durable without %s', (_, { shards, ...options }) => {
    const nodes = { type: 'nodes', nodeType: 'cache.r7g.large', durability: 'sync', ...options } as const;
    expect(() => streamCache({ cache: { ...nodes, ...(shards && { shards }) } })).toThrow(
      /cannot make the nodes of .* durable/,
    );
  });

  test('has no failover without a replica', () => {
    const { template } = streamCache({
      cache: { type: 'nodes', nodeType: 'cache.t4g.micro', replicasPerShard: 0 },
    });
    expect(propertiesOf(template, 'AWS::ElastiCache::ReplicationGroup')).toMatchObject({
      NumCacheClusters: 1,
      AutomaticFailoverEnabled: false,
      MultiAZEnabled: false,
    });
  });
});

describe('a cache that is there already', () => {
  test('is reached as it is said, and nothing of it is made', () => {
    const { template } = streamCache({
      cache: { type: 'existing', host: 'cache.example.com', port: 6390, cluster: true },
    });
    expect(urlIn(template)).toBe('rediss://cache.example.com:6390?cluster');
    expect(Object.keys(template.findResources('AWS::ElastiCache::User'))).toEqual([]);
    expect(permissionsOf(template, 'CacheHandlerRole').join()).not.toContain('elasticache');
    expect(propertiesOf(template, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toMatchObject([
      { CidrIp: '0.0.0.0/0', FromPort: 6390, ToPort: 6390 },
    ]);
  });

  test('is opened where its security group is given, and connected to with IAM where that is said', () => {
    const { template } = streamCache(({ stack, vpc }) => ({
      cache: {
        type: 'existing',
        host: 'shop.serverless.use1.cache.amazonaws.com',
        cluster: true,
        securityGroup: new SecurityGroup(stack, 'Theirs', { vpc }),
        iam: { user: 'app', cacheName: 'shop', serverless: true },
      },
    }));
    expect(urlIn(template)).toBe(
      'rediss://app@shop.serverless.use1.cache.amazonaws.com:6379?cluster&iam=elasticache&cacheName=shop&serverless',
    );
    const arn = 'arn:<AWS::Partition>:elasticache:<AWS::Region>:<AWS::AccountId>';
    expect(permissionsOf(template, 'CacheHandlerRole')).toEqual(
      expect.arrayContaining([
        `elasticache:Connect on ${arn}:serverlesscache:shop`,
        `elasticache:Connect on ${arn}:user:app`,
      ]),
    );
    expect(propertiesOf(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject({
      FromPort: 6379,
      ToPort: 6380,
    });
  });

  test('may be a memcached, or several that one names', () => {
    const url = (options: Partial<ExistingCache>) =>
      urlIn(
        streamCache({
          cache: { type: 'existing', engine: 'memcached', host: 'cache.example.com', ...options },
        }).template,
      );
    expect(url({})).toBe('memcacheds://cache.example.com:11211');
    expect(url({ tls: false, port: 11_212, discover: true })).toBe(
      'memcached://cache.example.com:11212?discover',
    );
  });

  test.each<[string, Partial<ExistingCache>]>([
    ['memcached has no `cluster`', { engine: 'memcached', cluster: true }],
    ['memcached has no `iam`', { engine: 'memcached', iam: { user: 'a', cacheName: 'c', serverless: true } }],
    ['redis has no `discover`', { discover: true }],
  ])('of the engine %s', (what, options) => {
    expect(() => streamCache({ cache: { type: 'existing', host: 'h', ...options } })).toThrow(what);
  });

  test('cannot have IAM authentication without TLS', () => {
    const iam = { user: 'app', cacheName: 'shop', serverless: true };
    expect(() => streamCache({ cache: { type: 'existing', host: 'h', tls: false, iam } })).toThrow(
      /IAM authentication without TLS/,
    );
  });
});

describe("a cache of Momento's", () => {
  const momento = {
    type: 'momento',
    cacheName: 'shop',
    apiKey: SecretValue.secretsManager('momento'),
  } as const;

  test('is said to the function and its readers, with the key as a reference to the secret', () => {
    const { cache, template } = streamCache({ cache: { ...momento, endpoint: 'cell-1.example.com' } });
    expect(urlIn(template)).toBe('momento:shop');
    expect(propertiesOf(template, 'AWS::Lambda::Function').Environment.Variables).toMatchObject({
      MOMENTO_API_KEY: '{{resolve:secretsmanager:momento:SecretString:::}}',
      MOMENTO_ENDPOINT: 'cell-1.example.com',
    });
    expect(Object.keys(cache.readerEnvironment)).toEqual(
      expect.arrayContaining(['STREAM_CACHE_URL', 'MOMENTO_API_KEY', 'MOMENTO_ENDPOINT']),
    );
    expect(propertiesOf(template, 'AWS::EC2::SecurityGroup').SecurityGroupEgress).toMatchObject([
      { CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 },
    ]);
  });

  test('needs no network: without one neither the function nor its readers have to be in one', () => {
    const stack = new Stack(new App(), 'Shop');
    const cache = new StreamCache(stack, 'Cache', { table: asTable(ordersTable(stack)), cache: momento });
    const reader = new LambdaFunction(stack, 'Reader', {
      ...{ code: Code.fromInline('0'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X },
    });
    cache.connectReader(reader);
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::EC2::SecurityGroup', 0);
    const functions = Object.values(template.findResources('AWS::Lambda::Function'));
    expect(functions.map(({ Properties }) => Properties.VpcConfig)).toEqual([undefined, undefined]);
    expect(functions.map(({ Properties }) => Properties.Environment.Variables.STREAM_CACHE_URL)).toEqual([
      ...['momento:shop', 'momento:shop'],
    ]);
    expect(permissionsOf(template, 'CacheHandlerRole').join()).not.toContain('ec2:');
  });

  test('has a function that is the zip with its SDK', async () => {
    const app = new App();
    const stack = new Stack(app, 'Shop');
    new StreamCache(stack, 'Cache', { table: asTable(ordersTable(stack)), cache: momento });
    const { directory } = app.synth();
    const [asset = ''] = (await readdir(directory)).filter((name) => name.endsWith('.zip'));
    const zip = await readFile('dist/lambda-momento.zip');
    expect((await readFile(join(directory, asset))).equals(zip)).toBe(true);
  });
});

test('a cache that is in a network is refused without one', () => {
  const stack = new Stack(new App(), 'Shop');
  expect(() => new StreamCache(stack, 'Cache', { table: asTable(ordersTable(stack)) })).toThrow(
    'StreamCache Shop/Cache: a cache of the type serverless is in a network. Give the option `vpc`.',
  );
});

function urlIn(template: ReturnType<typeof streamCache>['template']): string {
  const { Environment } = propertiesOf(template, 'AWS::Lambda::Function');
  return textOf(Environment.Variables.STREAM_CACHE_URL);
}

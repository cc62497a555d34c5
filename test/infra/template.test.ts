import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { templateText } from '../../infra/template-stack.js';
import { textOf } from './stacks.js';

const FILE = join(import.meta.dirname, '../../infra/template.json');
const template = JSON.parse(readFileSync(FILE, 'utf8'));
const resources: Record<string, { Type: string; Condition?: string; Properties: Record<string, never> }> =
  template.Resources;

describe('the plain template', () => {
  test('is what `npm run template` makes now', () => {
    expect(templateText() === readFileSync(FILE, 'utf8'), 'run `npm run template`').toBe(true);
  });

  test('needs no bootstrap, no assets and nothing of the CDK', () => {
    expect(Object.keys(template.Parameters).sort()).toEqual([
      'AlarmTopicArn',
      'BatchSize',
      'CacheName',
      'CodeBucket',
      'CodeKey',
      'MaxEcpuPerSecond',
      'MaxStorageGb',
      'Metrics',
      'ParallelizationFactor',
      'SubnetIds',
      'TableDeclaration',
      'TableKeyArn',
      'TableName',
      'TableStreamArn',
      'VpcId',
    ]);
    expect(readFileSync(FILE, 'utf8')).not.toMatch(/cdk-|bootstrap|CDKMetadata|aws:cdk/i);
  });

  test('puts its parameters where they belong', () => {
    const handler = only('AWS::Lambda::Function');
    expect(handler.Code).toEqual({ S3Bucket: { Ref: 'CodeBucket' }, S3Key: { Ref: 'CodeKey' } });
    expect(handler.VpcConfig).toMatchObject({ SubnetIds: { Ref: 'SubnetIds' } });
    const { STREAM_CACHE_TABLES, STREAM_CACHE_METRICS } = (
      handler.Environment as { Variables: Record<string, unknown> }
    ).Variables;
    expect(textOf(STREAM_CACHE_TABLES)).toBe('{"<TableName>":<TableDeclaration>}');
    expect(STREAM_CACHE_METRICS).toEqual({ Ref: 'Metrics' });
    expect(only('AWS::Lambda::EventSourceMapping')).toMatchObject({
      EventSourceArn: { Ref: 'TableStreamArn' },
      BatchSize: { Ref: 'BatchSize' },
      ParallelizationFactor: { Ref: 'ParallelizationFactor' },
    });
    expect(only('AWS::ElastiCache::ServerlessCache')).toMatchObject({
      ServerlessCacheName: { Ref: 'CacheName' },
      SubnetIds: { Ref: 'SubnetIds' },
      CacheUsageLimits: {
        DataStorage: { Maximum: { Ref: 'MaxStorageGb' } },
        ECPUPerSecond: { Maximum: { Ref: 'MaxEcpuPerSecond' } },
      },
    });
  });

  test.each([
    ['stream-cache', true],
    ['a', true],
    [`a-${'b'.repeat(38)}`, true],
    [`a-${'b'.repeat(39)}`, false],
    ['a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t-u-v', false],
    ['Orders', false],
    ['9lives', false],
    ['a--b', false],
    ['end-', false],
  ])('of the cache name %s: %s', (name, isTaken) => {
    const { AllowedPattern, MaxLength } = template.Parameters.CacheName;
    expect(new RegExp(`^(?:${AllowedPattern})$`).test(name) && name.length <= MaxLength).toBe(isTaken);
  });

  test('lets the function decrypt the stream of a table with a key of its own, before the mapping is made', () => {
    const [name, policy] =
      Object.entries(resources).find(([, { Condition }]) => Condition === 'HasTableKey') ?? [];
    expect(policy).toMatchObject({
      Type: 'AWS::IAM::Policy',
      Properties: {
        PolicyDocument: { Statement: [{ Action: 'kms:Decrypt', Resource: { Ref: 'TableKeyArn' } }] },
        Roles: [{ Ref: expect.stringContaining('HandlerRole') }],
      },
    });
    expect(template.Conditions.HasTableKey).toEqual({
      'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'TableKeyArn' }, 'none'] }],
    });
    const [mapping] = Object.values(resources).filter(
      ({ Type }) => Type === 'AWS::Lambda::EventSourceMapping',
    );
    expect(mapping).toHaveProperty('DependsOn', expect.arrayContaining([name]));
  });

  test('tells a topic where there is one, and watches the hit rate where metrics are published', () => {
    const alarms = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');
    expect(alarms).toHaveLength(10);
    for (const [name, { Condition, Properties }] of alarms) {
      expect(Properties.AlarmActions).toEqual([
        { 'Fn::If': ['HasAlarmTopic', { Ref: 'AlarmTopicArn' }, { Ref: 'AWS::NoValue' }] },
      ]);
      expect(Condition).toBe(name.includes('HitRate') ? 'WithMetrics' : undefined);
    }
  });

  test('says what its readers need', () => {
    expect(Object.keys(template.Outputs).sort()).toEqual([
      'CacheUrl',
      'FailureBucketName',
      'HandlerName',
      'ReaderPolicyArn',
      'ReaderSecurityGroup',
      'Tables',
    ]);
    expect(textOf(template.Outputs.Tables.Value)).toBe('{"<TableName>":<TableDeclaration>}');
  });
});

function only(type: string): Record<string, unknown> {
  const found = Object.values(resources).filter(({ Type }) => Type === type);
  expect(found).toHaveLength(1);
  return found[0]?.Properties ?? {};
}

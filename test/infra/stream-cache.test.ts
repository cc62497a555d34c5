import { Duration } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../src/config.js';
import { wantsIam, wantsMetrics } from '../../src/environment.js';
import { permissionsOf, propertiesOf, streamCache, textOf } from './stacks.js';

const { template } = streamCache();

describe('the event source mapping', () => {
  test('reads the stream of the table as the handler needs it', () => {
    expect(propertiesOf(template, 'AWS::Lambda::EventSourceMapping')).toEqual({
      FunctionName: { Ref: expect.stringMatching(/^CacheHandler/) },
      EventSourceArn: { 'Fn::GetAtt': [expect.stringMatching(/^Orders/), 'StreamArn'] },
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 1000,
      MaximumBatchingWindowInSeconds: 0,
      ParallelizationFactor: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRecordAgeInSeconds: 43_200,
      MaximumRetryAttempts: 10_000,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [expect.stringMatching(/^CacheFailures/), 'Arn'] } },
      },
      MetricsConfig: { Metrics: ['EventCount'] },
      Enabled: true,
    });
  });

  test('takes other settings, but not those that would lose changes', () => {
    const mapping = {
      batchSize: 10_000,
      maxBatchingWindow: Duration.seconds(1),
      parallelizationFactor: 10,
      maxRecordAge: Duration.hours(1),
      retryAttempts: 5,
      startingPosition: StartingPosition.LATEST,
      reportBatchItemFailures: false,
    };
    const changed = streamCache({ tableOptions: { mapping } });
    expect(propertiesOf(changed.template, 'AWS::Lambda::EventSourceMapping')).toMatchObject({
      BatchSize: 10_000,
      MaximumBatchingWindowInSeconds: 1,
      ParallelizationFactor: 10,
      MaximumRecordAgeInSeconds: 3_600,
      MaximumRetryAttempts: 5,
      StartingPosition: 'LATEST',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });
});

describe('the function', () => {
  const { Environment, VpcConfig, LoggingConfig, ...properties } = propertiesOf(
    template,
    'AWS::Lambda::Function',
  );

  test('runs on arm64 and the newest Node, in the VPC, with a log that is kept for a month', () => {
    expect(properties).toMatchObject({
      Handler: 'lambda.handler',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout: 30,
    });
    expect(VpcConfig.SubnetIds.map(textOf)).toEqual([
      expect.stringMatching(/VpcIsolatedSubnet1/),
      expect.stringMatching(/VpcIsolatedSubnet2/),
    ]);
    expect(textOf(LoggingConfig.LogGroup)).toBe('<CacheHandlerLog>');
    expect(propertiesOf(template, 'AWS::Logs::LogGroup')).toEqual({ RetentionInDays: 30 });
  });

  test('finds cache and tables in an environment that the package takes', () => {
    const variables = Object.fromEntries(
      Object.entries(Environment.Variables).map(([name, value]) => [name, textOf(value)]),
    );
    expect(variables).toEqual({
      STREAM_CACHE_URL:
        'rediss://<CacheUser>@<CacheServerless.Endpoint.Address>:6379?cluster&iam=elasticache&cacheName=shop-cache-dac39396&serverless',
      STREAM_CACHE_TABLES:
        '{"<Orders>":{"partitionKey":"customerId","sortKey":"orderId","indexes":{},"ttlAttribute":"expiresAt"}}',
    });
    expect(wantsIam(variables)).toBe(true);
    expect(wantsMetrics(variables)).toBe(false);
    const deployed = {
      ...variables,
      STREAM_CACHE_TABLES: variables.STREAM_CACHE_TABLES?.replace(/[<>]/g, ''),
    };
    const settings = resolveConfig({ cache: 'memory:' }, deployed);
    expect(settings.table('Orders')).toMatchObject({
      partitionKey: 'customerId',
      ttlAttribute: 'expiresAt',
    });
  });

  test('takes options that it shares with the readers, and others of its own', () => {
    const { template, cache } = streamCache({
      settings: { namespace: 'shop', readTimeoutMs: 20, writeTimeoutMs: 2_000 },
      metrics: true,
      handler: {
        memorySize: 1_024,
        timeout: Duration.seconds(60),
        logRetention: RetentionDays.ONE_WEEK,
        environment: { POWERTOOLS_LOG_LEVEL: 'WARN' },
      },
    });
    const shared = {
      STREAM_CACHE_NAMESPACE: 'shop',
      STREAM_CACHE_READ_TIMEOUT_MS: '20',
      STREAM_CACHE_WRITE_TIMEOUT_MS: '2000',
    };
    const { Environment, MemorySize, Timeout } = propertiesOf(template, 'AWS::Lambda::Function');
    expect(Environment.Variables).toMatchObject({
      ...shared,
      STREAM_CACHE_METRICS: 'true',
      POWERTOOLS_LOG_LEVEL: 'WARN',
    });
    expect(cache.readerEnvironment).toMatchObject(shared);
    expect({ MemorySize, Timeout }).toEqual({ MemorySize: 1_024, Timeout: 60 });
    expect(propertiesOf(template, 'AWS::Logs::LogGroup')).toEqual({ RetentionInDays: 7 });
  });

  test('is refused options that it would refuse itself when it starts', () => {
    expect(() => streamCache({ settings: { readTimeoutMs: 0 } })).toThrow(/Option readTimeoutMs .* is wrong/);
    expect(() => streamCache({ tableOptions: { declare: { ttlSeconds: -1 } } })).toThrow(
      /Option tables\.Orders\.ttlSeconds is wrong/,
    );
  });

  test('may do what it does, on what it does it to, and nothing else', () => {
    const everywhere = [
      'AssignPrivateIpAddresses',
      'CreateNetworkInterface',
      'DeleteNetworkInterface',
      'DescribeNetworkInterfaces',
      'DescribeSubnets',
      'UnassignPrivateIpAddresses',
    ];
    expect(permissionsOf(template, 'CacheHandlerRole')).toEqual([
      'dynamodb:DescribeStream on <Orders.StreamArn>',
      'dynamodb:GetRecords on <Orders.StreamArn>',
      'dynamodb:GetShardIterator on <Orders.StreamArn>',
      'dynamodb:ListStreams on <Orders.StreamArn>',
      ...everywhere.map((action) => `ec2:${action} on *`),
      'elasticache:Connect on <CacheServerless.ARN>',
      'elasticache:Connect on <CacheUser.Arn>',
      'logs:CreateLogStream on <CacheHandlerLog.Arn>',
      'logs:PutLogEvents on <CacheHandlerLog.Arn>',
      's3:ListBucket on <CacheFailures.Arn>',
      's3:PutObject on <CacheFailures.Arn>/aws/lambda/*',
    ]);
    expect(propertiesOf(template, 'AWS::IAM::Role')).not.toHaveProperty('ManagedPolicyArns');
  });
});

describe('the bucket of what Lambda gave up on', () => {
  test('is encrypted, closed to the public and to plain HTTP, kept with the stack, and emptied after a month', () => {
    template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(propertiesOf(template, 'AWS::S3::Bucket')).toEqual({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      LifecycleConfiguration: {
        Rules: [
          {
            Status: 'Enabled',
            ExpirationInDays: 30,
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
        ],
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    expect(propertiesOf(template, 'AWS::S3::BucketPolicy').PolicyDocument.Statement).toMatchObject([
      { Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ]);
  });

  test('takes a key, which the function may then encrypt with', () => {
    const { template } = streamCache(({ stack }) => ({
      failures: { encryptionKey: new Key(stack, 'Key'), keepFor: Duration.days(7) },
    }));
    expect(JSON.stringify(propertiesOf(template, 'AWS::S3::Bucket'))).toContain('aws:kms');
    expect(permissionsOf(template, 'CacheHandlerRole')).toContain('kms:GenerateDataKey on <Key.Arn>');
  });
});

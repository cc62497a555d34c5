import {
  App,
  Aws,
  BootstraplessSynthesizer,
  CfnCondition,
  CfnOutput,
  CfnParameter,
  type CfnParameterProps,
  Fn,
  type IStackSynthesizer,
  Stack,
} from 'aws-cdk-lib';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { type ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IVpc, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { CfnPolicy, ManagedPolicy, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping, Code } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { MAX_NAME_LENGTH, NAME } from './access.js';
import { StreamCache } from './stream-cache.js';

/** The construct as a plain CloudFormation template: what it is made with, one gives as parameters. */
export function templateText(): string {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Template', {
    description: 'dynamodb-stream-cache: a cache that the stream of a DynamoDB table keeps true',
    synthesizer: new BootstraplessSynthesizer() as IStackSynthesizer,
  });
  const parameters = parametersOf(stack);
  const hasAlarmTopic = condition(
    stack,
    'HasAlarmTopic',
    Fn.conditionNot(equals(parameters.alarmTopic, 'none')),
  );
  const withMetrics = condition(stack, 'WithMetrics', equals(parameters.metrics, 'true'));
  const vpc = vpcOf(stack, parameters);

  const cache = new StreamCache(stack, 'Cache', {
    table: tableOf(stack, parameters),
    tableOptions: {
      declare: parameters.declaration.valueAsString,
      mapping: {
        batchSize: parameters.batchSize.valueAsNumber,
        parallelizationFactor: parameters.parallelizationFactor.valueAsNumber,
      },
    },
    vpc,
    cache: {
      type: 'serverless',
      name: parameters.cacheName.valueAsString,
      maxStorageGb: parameters.maxStorageGb.valueAsNumber,
      maxEcpuPerSecond: parameters.maxEcpuPerSecond.valueAsNumber,
    },
    handler: {
      code: Code.fromBucket(
        Bucket.fromBucketName(stack, 'CodeBucketOf', parameters.codeBucket.valueAsString),
        parameters.codeKey.valueAsString,
      ),
      environment: { STREAM_CACHE_METRICS: parameters.metrics.valueAsString },
    },
    metrics: true,
    monitoring: {
      alarmActions: [
        {
          bind: () => ({
            alarmActionArn: Fn.conditionIf(
              hasAlarmTopic.logicalId,
              parameters.alarmTopic.valueAsString,
              Aws.NO_VALUE,
            ).toString(),
          }),
        },
      ],
    },
  });
  for (const alarm of stack.node.findAll()) {
    if (alarm instanceof CfnAlarm && alarm.node.path.includes('HitRate')) {
      alarm.cfnOptions.condition = withMetrics;
    }
  }
  decryptStream(stack, parameters.tableKeyArn, cache);
  addReaderAccess(stack, vpc, cache);
  const { template } = app.synth().getStackArtifact(stack.artifactId);
  return `${JSON.stringify(template, null, 2)}\n`;
}

type Parameters = ReturnType<typeof parametersOf>;

function parametersOf(stack: Stack) {
  const parameter = (
    name: string,
    type: string,
    description: string,
    options: Pick<CfnParameterProps, 'default' | 'allowedPattern' | 'maxLength' | 'allowedValues'> = {},
  ) => new CfnParameter(stack, name, { type, description, ...options });
  return {
    cacheName: parameter(
      'CacheName',
      'String',
      'Name of the cache and of its user: lower-case letters, digits and single hyphens, of which a letter is the first.',
      { default: 'stream-cache', allowedPattern: NAME, maxLength: MAX_NAME_LENGTH },
    ),
    vpc: parameter('VpcId', 'AWS::EC2::VPC::Id', 'The network of the cache, the function and the readers.'),
    subnets: parameter(
      'SubnetIds',
      'List<AWS::EC2::Subnet::Id>',
      'Two or three subnets, each in a zone of its own. They need no way out.',
    ),
    tableName: parameter('TableName', 'String', 'The table to cache.'),
    streamArn: parameter(
      'TableStreamArn',
      'String',
      'Its stream, with the view NEW_AND_OLD_IMAGES: aws dynamodb describe-table, LatestStreamArn.',
    ),
    declaration: parameter(
      'TableDeclaration',
      'String',
      'Its keys, as JSON: {"partitionKey":"customerId","sortKey":"orderId","indexes":{"byStatus":{"partitionKey":"status"}}}. With {} any change of the table ends all its query results.',
      { default: '{}' },
    ),
    tableKeyArn: parameter(
      'TableKeyArn',
      'String',
      'The KMS key of yours that encrypts the table and with it the stream, or none.',
      { default: 'none' },
    ),
    codeBucket: parameter(
      'CodeBucket',
      'String',
      "A bucket in this Region that has the package's dist/lambda.zip.",
    ),
    codeKey: parameter(
      'CodeKey',
      'String',
      'Its key there; one for each version, so that an update is noticed.',
    ),
    batchSize: parameter('BatchSize', 'Number', 'The most records of an invocation, 1 to 10,000.', {
      default: 1_000,
    }),
    parallelizationFactor: parameter(
      'ParallelizationFactor',
      'Number',
      'How many batches of one shard are handled at a time, 1 to 10.',
      { default: 1 },
    ),
    maxStorageGb: parameter('MaxStorageGb', 'Number', 'Beyond this the cache evicts.', { default: 10 }),
    maxEcpuPerSecond: parameter('MaxEcpuPerSecond', 'Number', 'Beyond this the cache throttles.', {
      default: 30_000,
    }),
    metrics: parameter(
      'Metrics',
      'String',
      "Whether the function publishes metrics, and the hit rate's alarm is made.",
      {
        default: 'false',
        allowedValues: ['true', 'false'],
      },
    ),
    alarmTopic: parameter('AlarmTopicArn', 'String', 'An SNS topic that the alarms tell, or none.', {
      default: 'none',
    }),
  };
}

function vpcOf(stack: Stack, { vpc, subnets }: Parameters): IVpc {
  return Vpc.fromVpcAttributes(stack, 'VpcOf', {
    vpcId: vpc.valueAsString,
    availabilityZones: Fn.getAzs(),
    isolatedSubnetIds: subnets.valueAsList,
  });
}

function tableOf(stack: Stack, { tableName, streamArn }: Parameters): ITable {
  return Table.fromTableAttributes(stack, 'TableOf', {
    tableName: tableName.valueAsString,
    tableStreamArn: streamArn.valueAsString,
  });
}

/** With a key of the customer's, who reads the stream has to be allowed to decrypt it. */
function decryptStream(stack: Stack, tableKeyArn: CfnParameter, { handler }: StreamCache): void {
  const { role } = handler;
  if (role === undefined) return;
  const policy = new CfnPolicy(stack, 'TableKey', {
    policyName: 'TableKey',
    roles: [role.roleName],
    policyDocument: new PolicyDocument({
      statements: [new PolicyStatement({ actions: ['kms:Decrypt'], resources: [tableKeyArn.valueAsString] })],
    }),
  });
  policy.cfnOptions.condition = condition(stack, 'HasTableKey', Fn.conditionNot(equals(tableKeyArn, 'none')));
  for (const mapping of stack.node.findAll()) {
    if (mapping instanceof CfnEventSourceMapping) mapping.node.addDependency(policy);
  }
}

/** What an application needs to read through the middleware, for it to be given by whatever deploys it. */
function addReaderAccess(stack: Stack, vpc: IVpc, cache: StreamCache): void {
  const group = new SecurityGroup(stack, 'Readers', {
    vpc,
    description: 'Functions that read through the cache',
    allowAllOutbound: false,
  });
  cache.connections.allowDefaultPortFrom(group, 'To the cache');
  const policy = new ManagedPolicy(stack, 'ReaderPolicy', { description: 'Connects to the cache' });
  cache.grantConnect(policy);

  const output = (name: string, description: string, value: string) =>
    new CfnOutput(stack, name, { description, value });
  output('ReaderSecurityGroup', 'For the readers, beside their own.', group.securityGroupId);
  output('ReaderPolicyArn', "For the readers' roles.", policy.managedPolicyArn);
  output(
    'CacheUrl',
    "For the readers' environment: STREAM_CACHE_URL.",
    cache.readerEnvironment.STREAM_CACHE_URL ?? '',
  );
  output(
    'Tables',
    "For the readers' environment: STREAM_CACHE_TABLES.",
    cache.readerEnvironment.STREAM_CACHE_TABLES ?? '',
  );
  output('HandlerName', 'The function on the stream.', cache.handler.functionName);
  output('FailureBucketName', 'What Lambda gave up on.', cache.failureBucket.bucketName);
}

function condition(stack: Stack, name: string, expression: ReturnType<typeof Fn.conditionNot>): CfnCondition {
  return new CfnCondition(stack, name, { expression });
}

function equals(parameter: CfnParameter, value: string) {
  return Fn.conditionEquals(parameter.valueAsString, value);
}

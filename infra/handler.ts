import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Cache, Network } from './cache.js';
import { lambdaZip } from './lambda-zip.js';

export interface HandlerOptions {
  /**
   * Your own bundle of `NewStreamCacheHandler`. Default: `dist/lambda.zip` of this version of the package, for a cache of Momento's
   * `dist/lambda-momento.zip`.
   */
  readonly code?: Code;
  /** Its entry. Default `lambda.handler`. */
  readonly handler?: string;
  /** Memory in MB, which the CPU follows. Default 512. */
  readonly memorySize?: number;
  /** Default 30 s. At the least `writeTimeoutMs` and two seconds. */
  readonly timeout?: Duration;
  /** How long its log is kept. Default one month. */
  readonly logRetention?: RetentionDays;
  /** Further environment, such as `POWERTOOLS_LOG_LEVEL`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The function on the streams. Its role may do what it does and nothing else; its security group leads to the cache only. */
export function streamHandler(
  scope: Construct,
  {
    network,
    zip,
    bucket,
    environment,
  }: {
    network: Network | undefined;
    zip: Cache['zip'];
    bucket: IBucket;
    environment: Readonly<Record<string, string>>;
  },
  options: HandlerOptions,
): LambdaFunction {
  const logGroup = new LogGroup(scope, 'HandlerLog', {
    retention: options.logRetention ?? RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  return new LambdaFunction(scope, 'Handler', {
    description: 'Keeps a cache true to DynamoDB tables by their streams',
    code: options.code ?? Code.fromAsset(lambdaZip(zip)),
    handler: options.handler ?? 'lambda.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: options.memorySize ?? 512,
    timeout: options.timeout ?? Duration.seconds(30),
    role: handlerRole(scope, { logGroup, bucket, isInNetwork: network !== undefined }),
    logGroup,
    ...(network && inside(scope, network)),
    environment: { ...environment, ...options.environment },
  });
}

/** In a network, without a way to anything there. */
function inside(scope: Construct, { vpc, subnets }: Network) {
  return {
    vpc,
    vpcSubnets: { subnets: subnets.subnets },
    securityGroups: [
      new SecurityGroup(scope, 'HandlerSecurityGroup', {
        vpc,
        description: `The function on the streams of ${scope.node.path}`,
        allowAllOutbound: false,
      }),
    ],
  };
}

/** What Lambda does for a function in a VPC. */
const NETWORK_INTERFACES = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

function handlerRole(
  scope: Construct,
  { logGroup, bucket, isInNetwork }: { logGroup: LogGroup; bucket: IBucket; isInNetwork: boolean },
): Role {
  const role = new Role(scope, 'HandlerRole', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description: `The function on the streams of ${scope.node.path}`,
  });
  const permit = (actions: string[], ...resources: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  permit(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn);
  if (isInNetwork) permit(NETWORK_INTERFACES, '*'); // which are not there to be named before
  permit(['s3:ListBucket'], bucket.bucketArn);
  permit(['s3:PutObject'], bucket.arnForObjects('aws/lambda/*'));
  bucket.encryptionKey?.grant(role, 'kms:GenerateDataKey');
  return role;
}

import { Duration, Lazy, RemovalPolicy } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { DEFAULT_SERVICE } from '../src/environment.js';
import { METRIC_DIMENSIONS, METRIC_NAMESPACE } from '../src/metrics/names.js';
import { alarm, type MonitoringOptions } from './alarms.js';
import type { Network } from './cache.js';
import type { DeclaredStream } from './declared-stream.js';
import { lambdaZip } from './lambda-zip.js';

export interface VerifyOptions {
  /** How often. Default once an hour. */
  readonly every?: Duration;
  /** Items of each table that are compared, drawn by lot. Default 1,000. */
  readonly sample?: number;
  /** Read capacity units a second that are used of each table at most. Default: as many as there are. */
  readonly rcu?: number;
  /** Whether what differs is taken out of the cache. Default false. */
  readonly repair?: boolean;
  /** Your own bundle of `NewVerifyHandler`. Default: `dist/lambda-verify.zip` of this version of the package. */
  readonly code?: Code;
}

/** With two minutes of looking again at what differs, for each table. */
const TIMEOUT = Duration.minutes(15);

/** The function that compares what is cached with the tables now and then. In a network it reaches DynamoDB by a gateway endpoint. */
export function verifyFunction(
  scope: Construct,
  network: Network | undefined,
  streams: readonly DeclaredStream[],
  { every = Duration.hours(1), sample, rcu, repair, code }: VerifyOptions,
): LambdaFunction {
  const verifier = new LambdaFunction(scope, 'Verify', {
    description: `Compares the cache of ${scope.node.path} with its tables`,
    code: code ?? Code.fromAsset(lambdaZip('lambda-verify.zip')),
    handler: 'lambda-verify.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    timeout: TIMEOUT,
    logGroup: new LogGroup(scope, 'VerifyLog', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    }),
    ...(network && { vpc: network.vpc, vpcSubnets: { subnets: network.subnets.subnets } }),
    environment: {
      VERIFY_TABLES: Lazy.string({ produce: () => streams.map(({ table }) => table.tableName).join(',') }),
      ...(sample !== undefined && { VERIFY_SAMPLE: String(sample) }),
      ...(rcu !== undefined && { VERIFY_RCU: String(rcu) }),
      ...(repair !== undefined && { VERIFY_REPAIR: String(repair) }),
    },
  });
  new Rule(scope, 'VerifySchedule', {
    description: `Compares the cache of ${scope.node.path} with its tables`,
    schedule: Schedule.rate(every),
    targets: [new LambdaTarget(verifier, { retryAttempts: 0 })],
  });
  return verifier;
}

/** What the function may read of a table, and the alarm for what differs. */
export function verifyTable(
  scope: Construct,
  suffix: string,
  verifier: LambdaFunction,
  { table }: DeclaredStream,
  options: MonitoringOptions,
): void {
  table.grant(verifier, 'dynamodb:DescribeTable', 'dynamodb:BatchGetItem', 'dynamodb:Scan');
  table.encryptionKey?.grantDecrypt(verifier);
  alarm(scope, `Different${suffix}`, options, {
    metric: new Metric({
      namespace: METRIC_NAMESPACE,
      metricName: 'EntriesDifferent',
      dimensionsMap: {
        [METRIC_DIMENSIONS.service]: DEFAULT_SERVICE,
        [METRIC_DIMENSIONS.table]: table.tableName,
      },
      statistic: Stats.MAXIMUM,
      period: Duration.minutes(5),
    }),
    threshold: 1,
    times: 1,
    means: 'Entries of the cache are not what the table has, and nothing changed them for two minutes.',
  });
}

import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  EventSourceMapping,
  type Function as LambdaFunction,
  MetricType,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { DeclaredStream } from './declared-stream.js';

/** Settings of the event source mapping; docs/deploy.md says why each is as it is. */
export interface MappingOptions {
  /** The most records of an invocation, 1 to 10,000. Default 1,000. */
  readonly batchSize?: number;
  /** How long records are gathered before an invocation, up to 5 minutes. Default none: the cache lags by that much. */
  readonly maxBatchingWindow?: Duration;
  /** How many batches of one shard are handled at a time, 1 to 10. Changes of an item stay in order. Default 1. */
  readonly parallelizationFactor?: number;
  /** Records older than this are given up, up to the 24 hours that the stream keeps them. Default 12 hours. */
  readonly maxRecordAge?: Duration;
  /** How often a record is tried again, 0 to 10,000. Default 10,000, so that the age is what ends the retries. */
  readonly retryAttempts?: number;
  /** Where a new mapping begins. Default `TRIM_HORIZON`: `LATEST` can miss changes while the mapping is made. */
  readonly startingPosition?: StartingPosition;
  /** Default true. */
  readonly enabled?: boolean;
}

/** Maps a table's stream to the handler, and permits the handler's role what the mapping does in its name. */
export function mapStream(
  scope: Construct,
  id: string,
  {
    stream,
    handler,
    bucket,
    options,
  }: { stream: DeclaredStream; handler: LambdaFunction; bucket: IBucket; options: MappingOptions },
): EventSourceMapping {
  handler.addToRolePolicy(
    new PolicyStatement({
      actions: [
        'dynamodb:DescribeStream',
        'dynamodb:GetRecords',
        'dynamodb:GetShardIterator',
        'dynamodb:ListStreams',
      ],
      resources: [stream.streamArn],
    }),
  );
  stream.table.encryptionKey?.grantDecrypt(handler);
  const mapping = new EventSourceMapping(scope, id, {
    target: handler,
    eventSourceArn: stream.streamArn,
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize: 1_000,
    maxBatchingWindow: Duration.seconds(0),
    parallelizationFactor: 1,
    maxRecordAge: Duration.hours(12),
    retryAttempts: 10_000,
    enabled: true,
    ...options,
    reportBatchItemFailures: true,
    bisectBatchOnError: true,
    ...(stream.filters && { filters: stream.filters }),
    onFailure: { bind: () => ({ destination: bucket.bucketArn }) },
    metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
  });
  return mapping;
}

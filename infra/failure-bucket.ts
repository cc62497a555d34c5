import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

export interface FailureOptions {
  /** How long events that Lambda gave up on are kept. Default 30 days. */
  readonly keepFor?: Duration;
  /** A key of yours that encrypts them. Default: one that S3 manages. */
  readonly encryptionKey?: IKey;
  /** What becomes of the bucket with the stack. Default: it is kept, since it may hold items. */
  readonly removalPolicy?: RemovalPolicy;
}

/** The bucket of what Lambda gave up on: S3 is the one destination that is given the events themselves. */
export function failureBucket(
  scope: Construct,
  { keepFor = Duration.days(30), encryptionKey, removalPolicy = RemovalPolicy.RETAIN }: FailureOptions = {},
): IBucket {
  const bucket: unknown = new Bucket(scope, 'Failures', {
    ...(encryptionKey
      ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
      : { encryption: BucketEncryption.S3_MANAGED }),
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    lifecycleRules: [{ expiration: keepFor, abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    removalPolicy,
  });
  // aws-cdk-lib's own types disagree where optional properties are exact.
  return bucket as IBucket;
}

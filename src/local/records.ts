import type { AttributeValue, _Record as SdkRecord } from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBRecord, AttributeValue as LambdaAttributeValue } from 'aws-lambda';
import { SLACK_MS } from '../coherence.js';
import { timeOf } from '../stream/time-of.js';

/** Some time from `since` on, and not after `until`: milliseconds since the epoch. */
export interface Span {
  readonly since: number;
  readonly until: number;
}

/**
 * A stream record of the SDK in the JSON form that Lambda hands to functions: binary as base64 text,
 * `ApproximateCreationDateTime` as seconds since the epoch, the stream's ARN in each record, fields in Lambda's order.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 *
 * @param made when it was made, as far as is known otherwise
 */
export function toLambdaRecord(record: SdkRecord, streamArn: string, made: Span): DynamoDBRecord {
  const { eventID, eventName, eventVersion, eventSource, awsRegion, dynamodb, userIdentity } = record;
  return withoutUndefined({
    eventID,
    eventName,
    eventVersion,
    eventSource: eventSource ?? 'aws:dynamodb',
    awsRegion,
    dynamodb:
      dynamodb &&
      withoutUndefined({
        ApproximateCreationDateTime: creationSeconds(record, made),
        Keys: toLambdaAttributes(dynamodb.Keys),
        NewImage: toLambdaAttributes(dynamodb.NewImage),
        OldImage: toLambdaAttributes(dynamodb.OldImage),
        SequenceNumber: dynamodb.SequenceNumber,
        SizeBytes: dynamodb.SizeBytes,
        StreamViewType: dynamodb.StreamViewType,
      }),
    // The service's own API spells these in capitals, Lambda does not.
    userIdentity: userIdentity && { type: userIdentity.Type, principalId: userIdentity.PrincipalId },
    eventSourceARN: streamArn,
  });
}

/** The number that a handler reports and a shard is ordered by. */
export function sequenceNumberOf(record: DynamoDBRecord): string {
  return record.dynamodb?.SequenceNumber ?? '';
}

/** Whether a sequence number comes before another of the same shard: digit strings too long for numbers. */
export function isBefore(a: string, b: string): boolean {
  return a.padStart(40, '0') < b.padStart(40, '0');
}

/** When a record was made, in milliseconds since the epoch; absent when it does not say. */
export function createdAt(record: DynamoDBRecord | null): number | undefined {
  return timeOf(record?.dynamodb?.ApproximateCreationDateTime);
}

type LambdaAttributes = Record<string, LambdaAttributeValue>;

function toLambdaAttributes(attributes: Record<string, AttributeValue>): LambdaAttributes;
function toLambdaAttributes(attributes?: Record<string, AttributeValue>): LambdaAttributes | undefined;
function toLambdaAttributes(attributes?: Record<string, AttributeValue>): LambdaAttributes | undefined {
  // Entries become own properties whatever their name is; assigning __proto__ would not.
  return (
    attributes &&
    Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, toLambdaAttribute(value)]))
  );
}

function toLambdaAttribute(value: AttributeValue): LambdaAttributeValue {
  // The SDK has no value for an attribute named __proto__. The image is then incomplete, which its handler has to see.
  if (value === undefined) return value;
  if (value.B !== undefined) return { B: toBase64(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(toBase64) };
  if (value.M !== undefined) return { M: toLambdaAttributes(value.M) };
  if (value.L !== undefined) return { L: value.L.map(toLambdaAttribute) };
  return value as LambdaAttributeValue;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/**
 * When a record was made, in seconds since the epoch. DynamoDB Local rounds that down to the minute, the service to the
 * second, and rules trust the service. So a record of Local's is given its second, where that is certain, and else none,
 * which makes it late: with an earlier one it could pass for a change that a reader has seen, with a later one for news.
 */
function creationSeconds({ awsRegion, dynamodb }: SdkRecord, { since, until }: Span): number | undefined {
  const date = dynamodb?.ApproximateCreationDateTime;
  if (date === undefined) return undefined;
  const minute = date.getTime();
  if (awsRegion !== 'ddblocal' || minute % 60_000 !== 0) return minute / 1000;
  const earliest = Math.max(minute, since);
  const latest = Math.min(minute + 60_000, until);
  return latest - earliest > SLACK_MS ? undefined : Math.floor(earliest / 1000);
}

type Defined<T> = { [K in keyof T]: T[K] };

/** JSON has no undefined: a field that is not there must not be there. */
function withoutUndefined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

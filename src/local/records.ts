import type { AttributeValue, _Record as SdkRecord } from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBRecord, AttributeValue as LambdaAttributeValue } from 'aws-lambda';
import { timeOf } from '../stream/time-of.js';

/**
 * A stream record of the SDK in the JSON form that Lambda hands to functions: binary as base64 text,
 * `ApproximateCreationDateTime` as seconds since the epoch, the stream's ARN in each record, fields in Lambda's order.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 *
 * @param since a time before which it was not made, in milliseconds since the epoch
 */
export function toLambdaRecord(record: SdkRecord, streamArn: string, since: number): DynamoDBRecord {
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
        ApproximateCreationDateTime: creationSeconds(record, since),
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
 * second; rules that trust the service would take a change of this minute for an old one. So a record of Local's is
 * taken to have been made at the last moment before which it was not, but not after its minute. Never later than it was: a
 * reader may have seen newer ones since, and an old image must not pass for news.
 */
function creationSeconds({ awsRegion, dynamodb }: SdkRecord, since: number): number | undefined {
  const date = dynamodb?.ApproximateCreationDateTime;
  if (date === undefined) return undefined;
  const seconds = date.getTime() / 1000;
  if (awsRegion !== 'ddblocal' || seconds % 60 !== 0) return seconds;
  return Math.max(seconds, Math.min(Math.floor(since / 1000), seconds + 59));
}

type Defined<T> = { [K in keyof T]: T[K] };

/** JSON has no undefined: a field that is not there must not be there. */
function withoutUndefined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

import type { DynamoDBRecord, KinesisStreamEvent, SQSEvent } from 'aws-lambda';

const KINESIS = 'arn:aws:kinesis:eu-west-1:123456789012:stream/changes';
const QUEUE = 'arn:aws:sqs:eu-west-1:123456789012:changes';

/** The record as DynamoDB puts it into a Kinesis data stream, with its time in milliseconds or microseconds. */
export function kinesisPayload(record: DynamoDBRecord, precision: 'MILLISECOND' | 'MICROSECOND'): object {
  const { eventID, eventName, eventSource, awsRegion, eventSourceARN, userIdentity, dynamodb } = record;
  const { SequenceNumber, StreamViewType, ApproximateCreationDateTime, ...change } = dynamodb ?? {};
  const units = precision === 'MILLISECOND' ? 1e3 : 1e6;
  return {
    awsRegion,
    eventID,
    eventName,
    userIdentity: userIdentity ?? null,
    recordFormat: 'application/json',
    tableName: /:table\/([^/]+)/.exec(eventSourceARN ?? '')?.[1],
    dynamodb: {
      ApproximateCreationDateTime: Math.round((ApproximateCreationDateTime ?? 0) * units),
      ...change,
      ...(precision === 'MICROSECOND' && { ApproximateCreationDateTimePrecision: precision }),
    },
    eventSource,
  };
}

/** What Lambda hands over of a Kinesis data stream, from a position in it on; its numbers are those of the positions. */
export function kinesisEvent(payloads: readonly unknown[], from = 0): KinesisStreamEvent {
  return {
    Records: payloads
      .map((payload, index) => [payload, from + index] as const)
      .map(([payload, position]) => ({
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey: `key-${position}`,
          sequenceNumber: kinesisNumber(position),
          data: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)).toString(
            'base64',
          ),
          approximateArrivalTimestamp: 1768470181.2,
        },
        eventSource: 'aws:kinesis',
        eventVersion: '1.0',
        eventID: `shardId-000000000000:${kinesisNumber(position)}`,
        eventName: 'aws:kinesis:record',
        invokeIdentityArn: 'arn:aws:iam::123456789012:role/changes-sync',
        awsRegion: 'eu-west-1',
        eventSourceARN: KINESIS,
      })),
  };
}

export function kinesisNumber(position: number): string {
  return `4965678901234567890123456789012345678901234567${String(position).padStart(10, '0')}`;
}

/** What EventBridge Pipes hands over of the same: its records with their members beside the others. */
export function kinesisPipe(payloads: readonly unknown[]): object[] {
  return kinesisEvent(payloads).Records.map(({ kinesis, ...record }) => ({ ...kinesis, ...record }));
}

/** What Lambda hands over of a queue; the messages' IDs are those of their positions. */
export function queueEvent(bodies: readonly unknown[]): SQSEvent {
  return {
    Records: bodies.map((body, position) => ({
      messageId: messageId(position),
      receiptHandle: `receipt-${position}`,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '1768470181200',
        SenderId: 'AROAEXAMPLE:changes',
        ApproximateFirstReceiveTimestamp: '1768470181210',
      },
      messageAttributes: {},
      md5OfBody: '0'.repeat(32),
      eventSource: 'aws:sqs',
      eventSourceARN: QUEUE,
      awsRegion: 'eu-west-1',
    })),
  };
}

export function messageId(position: number): string {
  return `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`;
}

import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DynamoDBRecord } from 'aws-lambda';
import type { DiscardCondition } from './batch.js';
import { createdAt, sequenceNumberOf } from './records.js';

/** Where records go that were given up. */
export interface Destination {
  send(record: InvocationRecord): Promise<void>;
}

/**
 * What Lambda sends to an on-failure destination for a DynamoDB stream, with the `payload` that S3 destinations get.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
export interface InvocationRecord {
  readonly requestContext: {
    readonly requestId: string;
    readonly functionArn: string;
    readonly condition: DiscardCondition;
    readonly approximateInvokeCount: number;
  };
  /** Absent when the records were given up before they were ever delivered. */
  readonly responseContext?: {
    readonly statusCode: 200;
    readonly executedVersion: '$LATEST';
    /** `Unhandled` when the function threw or took too long; null when it reported the failure. */
    readonly functionError: 'Unhandled' | null;
  };
  readonly version: '1.0';
  readonly timestamp: string;
  readonly DDBStreamBatchInfo: {
    readonly shardId: string;
    readonly startSequenceNumber: string;
    readonly endSequenceNumber: string;
    readonly approximateArrivalOfFirstRecord: string;
    readonly approximateArrivalOfLastRecord: string;
    readonly batchSize: number;
    readonly streamArn: string;
  };
  /** The event, `{"Records":[…]}`, as a JSON string. */
  readonly payload: string;
}

/** What is known of the delivery that failed last. */
export interface LastInvocation {
  readonly requestId: string;
  readonly functionError: 'Unhandled' | null;
}

export interface Discard {
  readonly condition: DiscardCondition;
  readonly records: readonly DynamoDBRecord[];
  readonly invocations: number;
  readonly last: LastInvocation | undefined;
}

/** The record of a discard. `requestId` is used when there was no delivery to name. */
export function invocationRecord(
  { condition, records, invocations, last }: Discard,
  about: { shardId: string; streamArn: string; functionArn: string; now: number; requestId: string },
): InvocationRecord {
  const first = records[0] ?? {};
  const final = records.at(-1) ?? {};
  return {
    requestContext: {
      requestId: last?.requestId ?? about.requestId,
      functionArn: about.functionArn,
      condition,
      approximateInvokeCount: invocations,
    },
    ...(last && {
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        functionError: last.functionError,
      },
    }),
    version: '1.0',
    timestamp: new Date(about.now).toISOString(),
    DDBStreamBatchInfo: {
      shardId: about.shardId,
      startSequenceNumber: sequenceNumberOf(first),
      endSequenceNumber: sequenceNumberOf(final),
      approximateArrivalOfFirstRecord: arrival(first),
      approximateArrivalOfLastRecord: arrival(final),
      batchSize: records.length,
      streamArn: about.streamArn,
    },
    payload: JSON.stringify({ Records: records }),
  };
}

/** A file of JSON lines; its folder is made where it is missing. */
export function fileDestination(path: string): Destination {
  let last: Promise<unknown> = Promise.resolve();
  return {
    send(record) {
      // One after the other: lines of several shards must not end up in each other.
      const sent = last.then(async () => {
        await mkdir(dirname(path), { recursive: true });
        await appendFile(path, `${JSON.stringify(record)}\n`);
      });
      last = sent.catch(() => {});
      return sent;
    },
  };
}

/** Whole seconds, as Lambda writes them. */
function arrival(record: DynamoDBRecord): string {
  return new Date(createdAt(record) ?? 0).toISOString().replace(/\.\d+Z$/, 'Z');
}

import { DescribeTableCommand, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record as SdkRecord,
} from '@aws-sdk/client-dynamodb-streams';
import type { Span } from '../../src/local/records.js';

/** A record of a table's stream as the SDK gives it, and what Lambda would add. */
export interface Logged {
  readonly record: SdkRecord;
  readonly streamArn: string;
  readonly made: Span;
}

/** The stream of one table of DynamoDB Local, from now on. */
export interface StreamLog {
  /** All changes that the table has had since the last time, none of them before `since` (milliseconds since the epoch). */
  read(since: number): Promise<Logged[]>;
}

/** @param marker an item of the table that nobody else writes: its change shows that all before it have come */
export async function openStreamLog(
  client: DynamoDBClient,
  streams: DynamoDBStreamsClient,
  TableName: string,
  marker: Record<string, { S: string } | { N: string } | { B: Uint8Array }>,
): Promise<StreamLog> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  const streamArn = Table?.LatestStreamArn as string;
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn: streamArn }));
  const ShardId = StreamDescription?.Shards?.at(-1)?.ShardId;
  const { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn: streamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  let iterator = ShardIterator;
  let marked = 0;

  return {
    async read(since) {
      marked += 1;
      const mark = { S: `mark ${marked}` };
      await client.send(new PutItemCommand({ TableName, Item: { ...marker, mark } as never }));
      const logged: Logged[] = [];
      while (true) {
        const { Records = [], NextShardIterator } = await streams.send(
          new GetRecordsCommand({ ShardIterator: iterator }),
        );
        if (NextShardIterator === undefined) throw new Error(`The shard of ${TableName} has ended.`);
        iterator = NextShardIterator;
        for (const record of Records) {
          logged.push({ record, streamArn, made: { since, until: Date.now() } });
          if (record.dynamodb?.NewImage?.mark?.S === mark.S) return logged;
        }
      }
    },
  };
}

import type { DynamoDBStreamsClient, Shard as SdkShard } from '@aws-sdk/client-dynamodb-streams';
import { ConfigError } from '../errors.js';
import { toLambdaRecord } from './records.js';
import type { Shard, StreamSource, StreamsClient } from './source.js';
import { StreamError } from './stream-error.js';

export interface DynamoDBSourceOptions {
  readonly tableName?: string | undefined;
  readonly eventSourceArn?: string | undefined;
  readonly client?: StreamsClient | undefined;
  readonly endpoint?: string | undefined;
}

/**
 * A stream of DynamoDB or DynamoDB Local, read with the AWS SDK. Every request ends when the signal aborts.
 *
 * @throws ConfigError when `@aws-sdk/client-dynamodb-streams` is not installed
 * @throws StreamError when the table has no stream
 */
export async function createDynamoDBSource(
  options: DynamoDBSourceOptions,
  signal: AbortSignal,
): Promise<StreamSource> {
  const sdk = await loadSdk();
  const own = options.client ? undefined : new sdk.DynamoDBStreamsClient(clientConfig(options.endpoint));
  // The caller's may be of another version, which takes and answers the same.
  const client = (options.client ?? own) as unknown as DynamoDBStreamsClient;
  const requestOptions = { abortSignal: signal };
  const streamArn = options.eventSourceArn ?? (await newestStream(options).catch(closeAndThrow));

  let streamSince = 0;

  return {
    async describe() {
      const shards: Shard[] = [];
      let lastShardId: string | undefined;
      do {
        const page = await client.send(
          new sdk.DescribeStreamCommand({ StreamArn: streamArn, ExclusiveStartShardId: lastShardId }),
          requestOptions,
        );
        shards.push(...(page.StreamDescription?.Shards ?? []).map(toShard));
        streamSince = page.StreamDescription?.CreationRequestDateTime?.getTime() ?? 0;
        lastShardId = page.StreamDescription?.LastEvaluatedShardId;
      } while (lastShardId !== undefined);
      return { streamArn, shards };
    },
    async iterator(shardId, position) {
      const { ShardIterator } = await client.send(
        new sdk.GetShardIteratorCommand({
          StreamArn: streamArn,
          ShardId: shardId,
          ShardIteratorType: position.type,
          ...('sequenceNumber' in position && { SequenceNumber: position.sequenceNumber }),
        }),
        requestOptions,
      );
      return ShardIterator ?? '';
    },
    async read(iterator, limit, since) {
      const { Records, NextShardIterator } = await client.send(
        new sdk.GetRecordsCommand({ ShardIterator: iterator, Limit: limit }),
        requestOptions,
      );
      const made = { since: Math.max(since, streamSince), until: Date.now() };
      const records = (Records ?? []).map((record) => toLambdaRecord(record, streamArn, made));
      return { records, nextIterator: NextShardIterator };
    },
    close() {
      own?.destroy();
    },
  };

  /** A table keeps the streams it had for a day; their labels are timestamps that compare as text. */
  async function newestStream({ tableName, endpoint }: DynamoDBSourceOptions): Promise<string> {
    let newest: { StreamArn?: string | undefined; StreamLabel?: string | undefined } = {};
    let lastArn: string | undefined;
    do {
      const page = await client.send(
        new sdk.ListStreamsCommand({ TableName: tableName, ExclusiveStartStreamArn: lastArn }),
        requestOptions,
      );
      for (const stream of page.Streams ?? []) {
        if ((stream.StreamLabel ?? '') >= (newest.StreamLabel ?? '')) newest = stream;
      }
      lastArn = page.LastEvaluatedStreamArn;
    } while (lastArn !== undefined);
    if (newest.StreamArn) return newest.StreamArn;
    throw new StreamError(
      `No stream of the table ${tableName} was found${endpoint ? ` at ${endpoint}` : ''}: create the table with a ` +
        'StreamSpecification. A DynamoDB Local without -sharedDb only shows the tables of the same access key and ' +
        'Region: start it with -sharedDb, or hand in a client with the access key and Region of the table.',
    );
  }

  function closeAndThrow(error: unknown): never {
    own?.destroy();
    throw error;
  }
}

function toShard({ ShardId = '', ParentShardId, SequenceNumberRange }: SdkShard): Shard {
  return {
    shardId: ShardId,
    parentShardId: ParentShardId,
    open: SequenceNumberRange?.EndingSequenceNumber === undefined,
  };
}

/** A DynamoDB Local takes any Region and credentials, but the SDK does not send a request without. */
function clientConfig(endpoint: string | undefined) {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return endpoint === undefined ? {} : { endpoint, region: 'us-east-1', credentials };
}

/** Only whoever uses this entry needs the package, so it is an optional peer dependency. */
async function loadSdk() {
  try {
    return await import('@aws-sdk/client-dynamodb-streams');
  } catch (cause) {
    throw new ConfigError(
      'LocalEventSourceMapping reads streams with the AWS SDK: npm install --save-dev @aws-sdk/client-dynamodb-streams.',
      { cause },
    );
  }
}

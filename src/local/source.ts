import type { DynamoDBRecord } from 'aws-lambda';

/** The little that a mapping needs of a stream. Errors carry the service's own names, as the SDK's do. */
export interface StreamSource {
  /** The stream and all its shards, of every page. */
  describe(): Promise<StreamDescription>;
  /** A shard iterator: it expires 15 minutes after it was handed out. */
  iterator(shardId: string, position: Position): Promise<string>;
  /** Up to `limit` records, at most 1,000, none of which was made before `since`, in milliseconds since the epoch. */
  read(iterator: string, limit: number, since: number): Promise<Page>;
  /** Frees what the source opened itself. */
  close(): void;
}

export interface StreamDescription {
  readonly streamArn: string;
  readonly shards: readonly Shard[];
}

export interface Shard {
  readonly shardId: string;
  readonly parentShardId?: string | undefined;
  /** It can still receive records: it has no ending sequence number. */
  readonly open: boolean;
}

/** Where to read in a shard; named as the `ShardIteratorType` of GetShardIterator. */
export type Position = (
  | { readonly type: 'TRIM_HORIZON' | 'LATEST' }
  | { readonly type: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER'; readonly sequenceNumber: string }
) & {
  /** Records made before it (milliseconds since the epoch) are left out by whoever reads. */
  readonly since?: number | undefined;
};

export interface Page {
  /** In the form of a Lambda event. */
  readonly records: readonly DynamoDBRecord[];
  /** Absent when the shard is closed and has been read to its end. */
  readonly nextIterator: string | undefined;
}

/** What is used of a `DynamoDBStreamsClient` of the AWS SDK v3, whichever version it is. */
export interface StreamsClient {
  send(command: never, options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

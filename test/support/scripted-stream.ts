import type { DynamoDBRecord } from 'aws-lambda';
import { isBefore, sequenceNumberOf } from '../../src/local/records.js';
import type { Position, StreamSource } from '../../src/local/source.js';

/** A stream in memory that does as it is told, also badly. */
export interface ScriptedStream {
  readonly source: StreamSource;
  /** What was asked of it, such as `iterator a LATEST` and `read a`. */
  readonly calls: string[];
  /** What each record was given to have been made since, by its sequence number. */
  readonly since: Map<string, number>;
  addShard(shardId: string, parentShardId?: string): void;
  removeShard(shardId: string): void;
  closeShard(shardId: string): void;
  write(shardId: string, ...records: DynamoDBRecord[]): void;
  /** The oldest records are gone, as after 24 hours. */
  trim(shardId: string, count: number): void;
  /** The next calls of an operation fail with errors of these names, one after the other. */
  fail(operation: 'describe' | 'iterator' | 'read', ...names: string[]): void;
  isClosed(): boolean;
}

export const STREAM_ARN =
  'arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-01-01T00:00:00.000';

interface ScriptedShard {
  readonly parentShardId: string | undefined;
  readonly records: DynamoDBRecord[];
  trimmed: number;
  open: boolean;
}

export function createScriptedStream(...shardIds: string[]): ScriptedStream {
  const shards = new Map<string, ScriptedShard>();
  const failures = new Map<string, string[]>();
  const calls: string[] = [];
  const since: ScriptedStream['since'] = new Map();
  let isClosed = false;

  const shardOf = (shardId: string) => {
    const shard = shards.get(shardId);
    if (!shard) throw serviceError('ResourceNotFoundException');
    return shard;
  };
  const failOnDemand = (operation: string) => {
    const name = failures.get(operation)?.shift();
    if (name) throw serviceError(name);
  };
  const stream: ScriptedStream = {
    calls,
    since,
    addShard(shardId, parentShardId) {
      shards.set(shardId, { parentShardId, records: [], trimmed: 0, open: true });
    },
    removeShard: (shardId) => shards.delete(shardId),
    closeShard(shardId) {
      shardOf(shardId).open = false;
    },
    write: (shardId, ...records) => shardOf(shardId).records.push(...records),
    trim(shardId, count) {
      shardOf(shardId).trimmed = count;
    },
    fail: (operation, ...names) => failures.set(operation, names),
    isClosed: () => isClosed,
    source: {
      async describe() {
        calls.push('describe');
        failOnDemand('describe');
        const listed = [...shards].map(([shardId, { parentShardId, open }]) => ({
          shardId,
          parentShardId,
          open,
        }));
        return { streamArn: STREAM_ARN, shards: listed };
      },
      async iterator(shardId, position) {
        const { type } = position;
        calls.push(
          `iterator ${shardId} ${type}${'sequenceNumber' in position ? ` ${+position.sequenceNumber}` : ''}`,
        );
        failOnDemand('iterator');
        const shard = shardOf(shardId);
        const index = indexOf(shard.records, shard.trimmed, position);
        if (index < shard.trimmed) throw serviceError('TrimmedDataAccessException');
        return `${shardId}:${index}`;
      },
      async read(iterator, limit, madeSince) {
        const [shardId = '', index = ''] = iterator.split(':');
        calls.push(`read ${shardId}`);
        failOnDemand('read');
        const { records, open } = shardOf(shardId);
        const end = Math.min(records.length, Number(index) + limit);
        const isAtEnd = !open && end === records.length;
        const read = records.slice(Number(index), end);
        for (const record of read) since.set(sequenceNumberOf(record), madeSince);
        return {
          records: read,
          nextIterator: isAtEnd ? undefined : `${shardId}:${end}`,
        };
      },
      close() {
        isClosed = true;
      },
    },
  };
  for (const shardId of shardIds) stream.addShard(shardId);
  return stream;
}

/** A record of item `id`; the number is its sequence number and, as a word, part of its name in the tests. */
export function streamRecord(id: string, number: number, createdAt = Date.UTC(2026, 0, 1)): DynamoDBRecord {
  return {
    eventID: `event-${number}`,
    eventName: 'MODIFY',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'eu-west-1',
    dynamodb: {
      ApproximateCreationDateTime: createdAt / 1000,
      Keys: { id: { S: id } },
      NewImage: { id: { S: id }, version: { N: String(number) } },
      SequenceNumber: sequenceNumber(number),
      SizeBytes: 20,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    eventSourceARN: STREAM_ARN,
  };
}

/** As long as the shortest in production. */
export function sequenceNumber(number: number): string {
  return String(number).padStart(21, '0');
}

function indexOf(records: readonly DynamoDBRecord[], trimmed: number, position: Position): number {
  switch (position.type) {
    case 'TRIM_HORIZON':
      return trimmed;
    case 'LATEST':
      return records.length;
    default: {
      const { sequenceNumber: wanted, type } = position;
      const first = records.findIndex((record) => !isBefore(sequenceNumberOf(record), wanted));
      return type === 'AT_SEQUENCE_NUMBER' ? first : first + 1;
    }
  }
}

function serviceError(name: string): Error {
  return Object.assign(new Error(`scripted ${name}`), { name });
}

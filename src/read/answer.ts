import type { Request, Response } from './call.js';

/** What an answer says of the cache: `CacheHit` for one request, the counts for a BatchGetItem. */
export interface CacheMetadata {
  CacheHit?: boolean;
  CacheHitCount?: number;
  CacheMissCount?: number;
  StronglyConsistentCount?: number;
  /** When a query's or scan's result was read from the table. */
  CachedTime?: Date;
  /** When a BatchGetItem was answered. */
  Time?: Date;
  /** Who answered. */
  Client: typeof CLIENT;
}

export const CLIENT = 'dynamodb-stream-cache';

/** The SDK's words about an answer for which nothing was sent. There is no request id, since DynamoDB has not seen it. */
export function hitMetadata(): object {
  return { httpStatusCode: 200, attempts: 0, totalRetryDelay: 0 };
}

/** An answer in which DynamoDB has no part: no request id, and no capacity consumed. */
export function hitResponse(members: Response, metadata: Omit<CacheMetadata, 'Client'>): Response {
  return {
    $metadata: hitMetadata(),
    ...members,
    CacheMetadata: { ...metadata, Client: CLIENT } satisfies CacheMetadata,
  };
}

/** Whether a request asks for its capacity in a word that DynamoDB knows, or not at all. */
export function isCapacityWord(asked: unknown): boolean {
  return asked === undefined || asked === 'NONE' || asked === 'TOTAL' || asked === 'INDEXES';
}

/** Capacity of zero in the shape that a request asked for, for the table as it named it; `undefined` when it did not ask. */
export function zeroCapacity({
  TableName,
  ReturnConsumedCapacity: asked,
}: Pick<Request, 'TableName' | 'ReturnConsumedCapacity'>): object | undefined {
  if (asked !== 'TOTAL' && asked !== 'INDEXES') return undefined;
  const total = { TableName, CapacityUnits: 0 };
  return asked === 'TOTAL' ? total : { ...total, Table: { CapacityUnits: 0 } };
}

/** A member to spread into a response, absent when there is nothing to say. */
export function capacityMember(capacity: object | undefined): { ConsumedCapacity?: object } {
  return capacity === undefined ? {} : { ConsumedCapacity: capacity };
}

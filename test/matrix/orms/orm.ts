import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * A library that applications use in the place of the SDK's commands, and what an application does with it: a script of
 * writes, and reads of all that they make.
 *
 * @typeParam Models what the library makes of a client and a table
 */
export interface Orm<Models = unknown> {
  readonly name: string;
  /** The library's models on a table of {@link createTable}'s. */
  open(client: DynamoDBClient, TableName: string): Models;
  /** In the order they are made in. */
  readonly writes: readonly Write<Models>[];
  readonly reads: readonly Read<Models>[];
}

export interface Step<Models = unknown> {
  readonly name: string;
  run(models: Models): Promise<unknown>;
}

export interface Write<Models = unknown> extends Step<Models> {
  readonly isRefused?: boolean;
}

export interface Read<Models = unknown> extends Step<Models> {
  /** Whether the cache answers it once it has been read, with all the requests that it is made of; or never does. */
  readonly from: 'cache' | 'table';
  /** Its answers may leave out the TTL attribute. Where one is declared nobody can tell how long they hold: they are not cached. */
  readonly isWithoutTtl?: boolean;
}

/** A list as it is, and what a library hangs on it. */
export function page<T>(items: readonly T[] & { next?: object; prev?: object; count?: number }) {
  return { items: [...items], next: items.next, prev: items.prev, count: items.count };
}

/** The items of a batch, which come in no particular order, and they their attributes. */
export function unordered(items: readonly object[]): object[] {
  const textOf = (item: object) => JSON.stringify(Object.entries(item).sort());
  return [...items].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

import type { DynamoDBStreamEvent } from 'aws-lambda';

/**
 * The cache that one writes by hand, to be seen beside ours: the stream sets and deletes in the order in which records come, readers store what
 * they read. In the memory of this process.
 */
export interface PlainCache {
  /** What the stream brought, as often as it brings it. */
  apply(event: DynamoDBStreamEvent): void;
  get(id: string): number | undefined;
  set(id: string, version: number): void;
  size(): number;
}

/** @param versionOf the item and the version that a record is about, if it is one of the workload's */
export function plainCache(
  versionOf: (
    record: DynamoDBStreamEvent['Records'][number],
  ) => { id: string; version: number | undefined } | undefined,
): PlainCache {
  const versions = new Map<string, number>();
  return {
    apply({ Records }) {
      for (const record of Records) {
        const of = versionOf(record);
        if (of?.version !== undefined) versions.set(of.id, of.version);
        else if (of !== undefined) versions.delete(of.id);
      }
    },
    get: (id) => versions.get(id),
    set: (id, version) => void versions.set(id, version),
    size: () => versions.size,
  };
}

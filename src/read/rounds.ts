import type { AttributeMap } from '../attributes.js';
import { hitMetadata } from './answer.js';
import type { Response } from './call.js';

/** What the rounds of one BatchGetItem came to, as one response: that of a hit when there were none. */
export function joined([first, second]: readonly Response[]): Response {
  if (first === undefined) return { $metadata: hitMetadata() };
  if (second === undefined) return first;
  const keysToo = (a: Batch, b: Batch): Batch => ({ ...a, Keys: [...(a.Keys ?? []), ...(b.Keys ?? [])] });
  return {
    ...second,
    Responses: byName(first.Responses as Lists, second.Responses as Lists, (a, b) => [...a, ...b]),
    UnprocessedKeys: byName(first.UnprocessedKeys as Batches, second.UnprocessedKeys as Batches, keysToo),
    ConsumedCapacity: capacities(first.ConsumedCapacity as [], second.ConsumedCapacity as []),
  };
}

type Lists = Record<string, AttributeMap[]>;
type Batch = { Keys?: AttributeMap[] };
type Batches = Record<string, Batch>;
type Capacity = { TableName?: string };

function byName<T>(a: Record<string, T> = {}, b: Record<string, T> = {}, join: (a: T, b: T) => T) {
  const all = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const known = all[name];
    all[name] = known === undefined ? value : join(known, value);
  }
  return all;
}

/** One entry for each table, as DynamoDB gives it. */
function capacities(a: Capacity[] = [], b: Capacity[] = []): Capacity[] | undefined {
  const names = new Set([...a, ...b].map(({ TableName }) => TableName));
  const of = (list: Capacity[], name: string | undefined) => list.find(({ TableName }) => TableName === name);
  const sums = [...names].map((name) => sum(of(a, name), of(b, name)) as Capacity);
  return sums.length === 0 ? undefined : sums;
}

function sum(a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a ?? b;
  return byName(a as Record<string, unknown>, b as Record<string, unknown>, sum);
}

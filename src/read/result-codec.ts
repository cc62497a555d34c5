import type { AttributeMap } from '../attributes.js';
import { decodeDocument, encode } from '../codec.js';

/** A query's or scan's result, with the generations of its tags when it was read. */
export interface StoredResult {
  readonly generations: readonly string[];
  /** When it was read, in milliseconds since the epoch by its reader's clock. */
  readonly cachedAt: number;
  /** Absent where only a count was asked for. */
  readonly items?: readonly AttributeMap[] | undefined;
  readonly count: number;
  readonly scannedCount: number;
  readonly lastEvaluatedKey?: AttributeMap | undefined;
}

/**
 * A result as JSON text, its items as `encode` makes them.
 *
 * @throws EncodeError when a value is not a DynamoDB attribute value
 */
export function encodeResult({ items, lastEvaluatedKey, ...rest }: StoredResult): string {
  const members = [JSON.stringify(rest).slice(1, -1)];
  if (items !== undefined) members.push(`"items":[${items.map(encode).join()}]`);
  if (lastEvaluatedKey !== undefined) members.push(`"lastEvaluatedKey":${encode(lastEvaluatedKey)}`);
  return `{${members.join()}}`;
}

/** The result of a stored text, or `undefined` when the text is not one that {@link encodeResult} made. Never throws. */
export function decodeResult(text: string): StoredResult | undefined {
  try {
    const { generations, cachedAt, items, count, scannedCount, lastEvaluatedKey } = JSON.parse(text);
    if (!Array.isArray(generations) || generations.length === 0) return undefined;
    if (![cachedAt, count, scannedCount].every(Number.isFinite)) return undefined;
    return {
      generations,
      cachedAt,
      count,
      scannedCount,
      ...(items !== undefined && { items: (items as unknown[]).map(decodeDocument) }),
      ...(lastEvaluatedKey !== undefined && { lastEvaluatedKey: decodeDocument(lastEvaluatedKey) }),
    };
  } catch {
    return undefined;
  }
}

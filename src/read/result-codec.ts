import type { AttributeMap } from '../attributes.js';
import { decodeDocument, encode } from '../codec.js';

/** A query's or scan's result. */
export interface StoredResult {
  /** When it was read, in milliseconds since the epoch by its reader's clock. */
  readonly cachedAt: number;
  /** Absent where only a count was asked for. */
  readonly items?: readonly AttributeMap[] | undefined;
  readonly count: number;
  readonly scannedCount: number;
  readonly lastEvaluatedKey?: AttributeMap | undefined;
}

/**
 * A result as stored: a line with the generations that its tags had when it was read, then JSON text, its items as
 * `encode` makes them.
 *
 * @throws EncodeError when a value is not a DynamoDB attribute value
 */
export function encodeResult(
  generations: readonly string[],
  { items, lastEvaluatedKey, ...rest }: StoredResult,
): string {
  const members = [JSON.stringify(rest).slice(1, -1)];
  if (items !== undefined) members.push(`"items":[${items.map(encode).join()}]`);
  if (lastEvaluatedKey !== undefined) members.push(`"lastEvaluatedKey":[${inItsOrder(lastEvaluatedKey)}]`);
  return `${firstLine(generations)}{${members.join()}}`;
}

/**
 * The result of a stored text: `moved` when it was read under other generations, `damaged` when it is not one that
 * {@link encodeResult} could have made. Never throws.
 */
export function decodeResult(
  generations: readonly (string | undefined)[],
  text: string,
): StoredResult | 'moved' | 'damaged' {
  const line = firstLine(generations);
  if (generations.includes(undefined) || !text.startsWith(line)) return 'moved';
  try {
    const { cachedAt, items, count, scannedCount, lastEvaluatedKey } = JSON.parse(text.slice(line.length));
    if (![count, scannedCount].every(isWholeNumber) || !isMoment(cachedAt)) return 'damaged';
    if (count > scannedCount || (items !== undefined && items.length !== count)) return 'damaged';
    return {
      cachedAt,
      count,
      scannedCount,
      ...(items !== undefined && { items: (items as unknown[]).map(decodeDocument) }),
      ...(lastEvaluatedKey !== undefined && { lastEvaluatedKey: joined(lastEvaluatedKey) }),
    };
  } catch {
    return 'damaged';
  }
}

/** A key as one text for each attribute: applications make cursors of its JSON, which are to be the same on a hit. */
function inItsOrder(key: AttributeMap): string {
  return Object.entries(key)
    .map(([name, value]) => encode(Object.fromEntries([[name, value]])))
    .join();
}

function joined(attributes: unknown[]): AttributeMap {
  return Object.fromEntries(attributes.flatMap((attribute) => Object.entries(decodeDocument(attribute))));
}

function isMoment(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime());
}

function isWholeNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function firstLine(generations: readonly (string | undefined)[]): string {
  return `${generations.join(' ')}\n`;
}

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

/** What was asked, for whoever is to ask it again. */
export interface StoredRequest {
  readonly operation: 'Query' | 'Scan';
  /** The request's members, without its table, its consistency and what it wants to know of capacity. */
  readonly input: object;
}

/**
 * A result as stored: a line with the generations that its tags had when it was read, then JSON text, its items as
 * `encode` makes them, and last what was asked, with `{"$binary":"…"}` in base64 for what is binary.
 *
 * @throws EncodeError when a value is not a DynamoDB attribute value
 */
export function encodeResult(
  generations: readonly string[],
  { items, lastEvaluatedKey, ...rest }: StoredResult,
  { operation, input }: StoredRequest,
): string {
  const members = [JSON.stringify(rest).slice(1, -1)];
  if (items !== undefined) members.push(`"items":[${items.map(encode).join()}]`);
  if (lastEvaluatedKey !== undefined) members.push(`"lastEvaluatedKey":[${inItsOrder(lastEvaluatedKey)}]`);
  const { TableName, ConsistentRead, ReturnConsumedCapacity, ...asked } = input as Record<string, unknown>;
  members.push(`"request":${JSON.stringify({ operation, input: asked }, binaryAsText)}`);
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

/**
 * All of a stored result, with the generations that it was read under; `undefined` when it is none, or does not say what was asked.
 * Never throws.
 */
export function openResult(
  text: string,
): { generations: string[]; result: StoredResult; request: StoredRequest } | undefined {
  const generations = text.slice(0, Math.max(0, text.indexOf('\n'))).split(' ');
  const result = decodeResult(generations, text);
  if (typeof result !== 'object') return undefined;
  const { request } = JSON.parse(text.slice(firstLine(generations).length), textAsBinary);
  return typeof request === 'object' ? { generations, result, request } : undefined;
}

/** Of the value before its own `toJSON`, which Buffers have. */
function binaryAsText(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const of = this[name];
  return of instanceof Uint8Array ? { $binary: Buffer.from(of).toString('base64') } : value;
}

function textAsBinary(_name: string, value: unknown): unknown {
  const { $binary } = (value ?? {}) as { $binary?: unknown };
  return typeof $binary === 'string' ? new Uint8Array(Buffer.from($binary, 'base64')) : value;
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

import type { QueryCommandInput, ScanCommandInput } from '@aws-sdk/client-dynamodb';
import { normalizeNumber } from '../key.js';
import { isRecord, misreadMember, readExpressions, type Token } from './expression.js';

/**
 * The canonical text of a Query: the same for two requests that differ only in spelling, different for any two that
 * may have different answers. It is as long as the request; who needs a short one takes its digest.
 *
 * Spelling is the order of members, of attributes, of what a set or a projection lists; aliases and placeholders;
 * whitespace in expressions; numbers (`1`, `1.0`); defaults written out; a table named by its ARN;
 * `ReturnConsumedCapacity`; and members that only a Scan or a write has, which the SDK does not send. Values are in the
 * form of `DynamoDBClient`, binary as `Uint8Array`.
 *
 * `undefined` when the request has anything that is not understood, also most of what DynamoDB refuses: such a
 * request cannot be cached.
 */
export function querySignature(request: QueryCommandInput): string | undefined {
  return signature('Query', request);
}

/** The canonical text of a Scan; see {@link querySignature}. */
export function scanSignature(request: ScanCommandInput): string | undefined {
  return signature('Scan', request);
}

/** The member of a request without a signature that is why it has none. */
export function misunderstoodMember(
  operation: 'Query' | 'Scan',
  request: QueryCommandInput & ScanCommandInput,
): string {
  const unknown = Object.keys(request).find((member) => !KNOWN.has(member));
  if (unknown !== undefined) return unknown;
  const members = membersOf(operation, request);
  const isUnderstood = (canonical: () => unknown) => {
    try {
      canonical();
      return true;
    } catch {
      return false;
    }
  };
  const expressions = misreadMember(members);
  const wrong =
    expressions ??
    Object.keys(members).find((member) => {
      const alone = { TableName: members.TableName, [member]: members[member as keyof Request] };
      // Expressions are understood by now, but not without what they refer to.
      return !/Expression/.test(member) && !isUnderstood(() => canonicalRequest(alone));
    });
  return wrong ?? 'ConditionalOperator';
}

const MEMBERS = [
  'TableName',
  'IndexName',
  'Select',
  'Limit',
  'ConsistentRead',
  'ExclusiveStartKey',
  'ReturnConsumedCapacity',
  'AttributesToGet',
  'ConditionalOperator',
  'ProjectionExpression',
  'FilterExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
] as const;
const MEMBERS_OF = {
  Query: [...MEMBERS, 'KeyConditionExpression', 'KeyConditions', 'QueryFilter', 'ScanIndexForward'],
  Scan: [...MEMBERS, 'ScanFilter', 'Segment', 'TotalSegments'],
} as const;

/** Members of writes that libraries give to every operation alike. The SDK sends none of them with a read. */
const OF_WRITES = ['ReturnItemCollectionMetrics'] as const;

/** Of either operation: another may be one that a later SDK sends. */
const KNOWN: ReadonlySet<string> = new Set([...MEMBERS_OF.Query, ...MEMBERS_OF.Scan, ...OF_WRITES]);

type Request = Partial<QueryCommandInput & ScanCommandInput>;

function signature(operation: 'Query' | 'Scan', request: Request): string | undefined {
  try {
    const members = Object.entries(request).filter(([, value]) => value !== undefined);
    if (members.some(([member, value]) => value === null || !KNOWN.has(member))) return undefined;
    return operation + JSON.stringify(canonicalRequest(membersOf(operation, request)));
  } catch {
    // Not understood, or so far from a request that reading it fails: both have one consequence.
    return undefined;
  }
}

/** What the SDK sends of a request. */
function membersOf(operation: 'Query' | 'Scan', request: Request): Request {
  const members: Record<string, unknown> = {};
  for (const member of MEMBERS_OF[operation]) {
    if (request[member] !== undefined) members[member] = request[member];
  }
  return members;
}

/** JSON leaves out members that are undefined: absent and default are the same, everything else shows. */
function canonicalRequest(request: Request): object {
  const filter = request.QueryFilter ?? request.ScanFilter;
  const expressions = readExpressions(request) ?? notUnderstood();
  // It changes no item, but a word that DynamoDB does not know has to reach it.
  optional(request.ReturnConsumedCapacity, (level) => ['INDEXES', 'TOTAL', 'NONE'].includes(level as string));
  return {
    TableName: canonicalTable(request.TableName),
    IndexName: optional(request.IndexName, isString),
    Select: optional(request.Select, isString) ?? defaultSelect(request),
    Limit: optional(request.Limit, Number.isSafeInteger),
    Segment: optional(request.Segment, Number.isSafeInteger),
    TotalSegments: optional(request.TotalSegments, Number.isSafeInteger),
    ConsistentRead: optional(request.ConsistentRead, isBoolean) || undefined,
    ScanIndexForward: (optional(request.ScanIndexForward, isBoolean) ?? true) ? undefined : false,
    ExclusiveStartKey: request.ExclusiveStartKey && canonicalMap(request.ExclusiveStartKey),
    KeyConditionExpression: expressions.KeyConditionExpression?.map(canonicalToken),
    FilterExpression: expressions.FilterExpression?.map(canonicalToken),
    ProjectionExpression:
      expressions.ProjectionExpression && canonicalPaths(expressions.ProjectionExpression),
    KeyConditions: request.KeyConditions && canonicalConditions(request.KeyConditions),
    Filter: filter && canonicalConditions(filter),
    ConditionalOperator: canonicalOperator(request.ConditionalOperator, filter),
    AttributesToGet: request.AttributesToGet?.map((name) => (isString(name) ? name : notUnderstood())).sort(),
  };
}

function canonicalTable(name: unknown): string {
  if (!isString(name)) return notUnderstood();
  if (!name.startsWith('arn:')) return name;
  return /^arn:[\w-]+:dynamodb:[\w-]*:\d*:table\/([\w.-]+)$/.exec(name)?.[1] ?? notUnderstood();
}

function defaultSelect({ ProjectionExpression, AttributesToGet, IndexName }: Request): string {
  if (ProjectionExpression !== undefined || AttributesToGet !== undefined) return 'SPECIFIC_ATTRIBUTES';
  return IndexName === undefined ? 'ALL_ATTRIBUTES' : 'ALL_PROJECTED_ATTRIBUTES';
}

/** AND is the default, but DynamoDB refuses it where there are no two conditions to join. */
function canonicalOperator(operator: unknown, filter: object | undefined): unknown {
  const isDefault = operator === 'AND' && filter !== undefined && Object.keys(filter).length > 1;
  return isDefault ? undefined : optional(operator, isString);
}

function canonicalConditions(conditions: unknown): unknown {
  return canonicalEntries(conditions, (condition) => {
    if (!isRecord(condition)) return notUnderstood();
    const { ComparisonOperator, AttributeValueList, ...others } = condition;
    if (Object.values(others).some((value) => value !== undefined)) return notUnderstood();
    return [
      optional(ComparisonOperator, isString),
      AttributeValueList === undefined ? 'none' : array(AttributeValueList).map(canonicalValue),
    ];
  });
}

/** A name stands in an array and a value in an object, so neither looks like a word of the grammar, which is text. */
function canonicalToken(token: Token): unknown {
  if (token.kind === 'name') return [token.name];
  if (token.kind === 'value') return canonicalValue(token.value);
  return token.kind === 'index' ? token.index : token.text;
}

/** The paths of a projection, whose order does not matter. */
function canonicalPaths(tokens: readonly Token[]): unknown {
  const paths: unknown[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'symbol' && token.text === ',') paths.push([]);
    else paths.at(-1)?.push(canonicalToken(token));
  }
  return paths.map((path) => JSON.stringify(path)).sort();
}

function canonicalMap(map: unknown): unknown {
  return canonicalEntries(map, canonicalValue);
}

/** With the names in one order; JSON writes what `fromEntries` makes, also a member named `__proto__`. */
function canonicalEntries(record: unknown, canonical: (value: unknown) => unknown): unknown {
  if (!isRecord(record)) return notUnderstood();
  const names = Object.keys(record).filter((name) => record[name] !== undefined);
  return Object.fromEntries(names.sort().map((name) => [name, canonical(record[name])]));
}

/** An attribute value, of exactly one type. Sets keep duplicates: with them they are no sets, and DynamoDB says so. */
function canonicalValue(value: unknown): object {
  if (!isRecord(value)) return notUnderstood();
  const [entry, ...others] = Object.entries(value).filter(([, content]) => content !== undefined);
  if (entry === undefined || others.length > 0) return notUnderstood();
  const [type, content] = entry;
  return { [type]: canonicalContent(type, content) };
}

function canonicalContent(type: string, content: unknown): unknown {
  switch (type) {
    case 'S':
      return optional(content, isString);
    case 'N':
      return normalNumber(content);
    case 'B':
      return base64(content);
    case 'BOOL':
    case 'NULL':
      return optional(content, isBoolean);
    case 'M':
      return canonicalMap(content);
    case 'L':
      return array(content).map(canonicalValue);
    case 'SS':
      return array(content)
        .map((element) => optional(element, isString) ?? notUnderstood())
        .sort();
    case 'NS':
      return array(content).map(normalNumber).sort();
    case 'BS':
      return array(content).map(base64).sort();
    default:
      return notUnderstood();
  }
}

function normalNumber(text: unknown): string {
  return isString(text) ? normalizeNumber(text) : notUnderstood();
}

function base64(binary: unknown): string {
  return binary instanceof Uint8Array ? Buffer.from(binary).toString('base64') : notUnderstood();
}

function array(value: unknown): unknown[] {
  return Array.isArray(value) ? value : notUnderstood();
}

/** Passes on what is absent or of the right type; whatever else there is, JSON might not tell apart. */
function optional<T>(value: T | undefined, isRight: (value: unknown) => boolean): T | undefined {
  return value === undefined || isRight(value) ? value : notUnderstood();
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function notUnderstood(): never {
  throw new TypeError('Not understood.');
}

import type { QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { AttributeMap, AttributeValue } from '../attributes.js';
import { isRecord, readExpressions, type Token } from './expression.js';

/**
 * The partition that a Query reads, given the names of the partition key's attributes in the table or index it reads from.
 *
 * `undefined` when the request does not say so beyond doubt. A request that DynamoDB refuses may have a partition.
 *
 * @example queryPartition({ KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: 'a' } } }, ['pk']) // { pk: { S: 'a' } }
 */
export function queryPartition(
  request: Omit<QueryCommandInput, 'TableName'>,
  partitionKey: readonly string[],
): AttributeMap | undefined {
  const { KeyConditionExpression, KeyConditions } = request;
  if (KeyConditionExpression !== undefined && KeyConditions !== undefined) return undefined;
  const tokens = KeyConditions === undefined ? readExpressions(request)?.KeyConditionExpression : undefined;
  const partition: Record<string, AttributeValue> = {};
  for (const name of partitionKey) {
    const value = keyValue(
      KeyConditions === undefined ? tokens && equality(tokens, name) : legacyEquality(KeyConditions, name),
    );
    if (value === undefined) return undefined;
    partition[name] = value;
  }
  return partition;
}

function legacyEquality(conditions: unknown, partitionKey: string): unknown {
  const condition = isRecord(conditions) ? conditions[partitionKey] : undefined;
  if (!isRecord(condition) || condition.ComparisonOperator !== 'EQ') return undefined;
  const values = condition.AttributeValueList;
  return Array.isArray(values) && values.length === 1 ? values[0] : undefined;
}

/** The one value that an attribute must equal. */
function equality(tokens: readonly Token[], attributeName: string): unknown {
  const values = equalities(tokens, attributeName);
  return values?.length === 1 ? values[0] : undefined;
}

/**
 * The values that an attribute must equal, in conditions that must all hold; `undefined` when the expression is
 * anything else than such conditions, each of them perhaps in parentheses.
 */
function equalities(tokens: readonly Token[], attributeName: string): unknown[] | undefined {
  const values: unknown[] = [];
  let position = 0;

  const next = (text: string): boolean => {
    const token = tokens[position];
    if (token === undefined || !('text' in token) || token.text !== text) return false;
    position += 1;
    return true;
  };
  const operand = (): Token | undefined => {
    const token = tokens[position];
    if (token?.kind !== 'name' && token?.kind !== 'value') return undefined;
    position += 1;
    return token;
  };
  const conditions = (): boolean => {
    do {
      if (!condition()) return false;
    } while (next('AND'));
    return true;
  };
  const condition = (): boolean => {
    if (next('(')) return conditions() && next(')');
    if (next('begins_with')) return next('(') && !!operand() && next(',') && !!operand() && next(')');
    const left = operand();
    if (left === undefined) return false;
    if (next('BETWEEN')) return !!operand() && next('AND') && !!operand();
    if (!next('=')) return ['<', '<=', '>', '>='].some(next) && !!operand();
    const right = operand();
    if (left.kind === 'name' && left.name === attributeName && right?.kind === 'value')
      values.push(right.value);
    if (right?.kind === 'name' && right.name === attributeName && left.kind === 'value')
      values.push(left.value);
    return right !== undefined;
  };

  return conditions() && position === tokens.length ? values : undefined;
}

/** A value that a key can have: of exactly one type, which is S, N or B. */
function keyValue(value: unknown): AttributeValue | undefined {
  if (!isRecord(value)) return undefined;
  const [entry, ...others] = Object.entries(value).filter(([, content]) => content !== undefined);
  if (entry === undefined || others.length > 0) return undefined;
  const [type, content] = entry;
  if (type === 'S' && typeof content === 'string') return { S: content };
  if (type === 'N' && typeof content === 'string') return { N: content };
  if (type === 'B' && content instanceof Uint8Array) return { B: content };
  return undefined;
}

import { isReservedWord } from './reserved-words.js';

/** One piece of an expression, with aliases (`#name`) and placeholders (`:value`) replaced by what they stand for. */
export type Token =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'keyword' | 'function' | 'symbol'; readonly text: string };

/** The members of a request that are expressions, or that expressions refer to. */
export interface ExpressionMembers {
  KeyConditionExpression?: string | undefined;
  FilterExpression?: string | undefined;
  ProjectionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Record<string, unknown> | undefined;
}

/** The expressions of a request, each as its tokens; those that the request does not have are absent. */
export type Expressions = { [E in (typeof EXPRESSIONS)[number]]?: Token[] };

/**
 * Reads all expressions of a request at once, because they share their aliases and placeholders: DynamoDB wants each
 * of them defined, and each definition used.
 *
 * `undefined` when there is something in them that DynamoDB may refuse: of two requests with the same tokens, both must
 * succeed or both fail. The grammar of each expression is its reader's concern.
 */
export function readExpressions(request: ExpressionMembers): Expressions | undefined {
  const used = new Set<string>();
  const expressions: Expressions = {};
  for (const member of EXPRESSIONS) {
    const expression = request[member];
    if (expression === undefined) continue;
    const tokens = tokenize(expression, request, used);
    if (tokens === undefined) return undefined;
    expressions[member] = tokens;
  }
  const isComplete =
    isUsed(request.ExpressionAttributeNames, used) && isUsed(request.ExpressionAttributeValues, used);
  return isComplete ? expressions : undefined;
}

/** The member for which {@link readExpressions} reads nothing of a request; `undefined` when it reads it. */
export function misreadMember(request: ExpressionMembers): string | undefined {
  const used = new Set<string>();
  const isWrong = (member: (typeof EXPRESSIONS)[number]) =>
    request[member] !== undefined && tokenize(request[member], request, used) === undefined;
  const wrong = EXPRESSIONS.find(isWrong);
  if (wrong !== undefined) return wrong;
  if (!isUsed(request.ExpressionAttributeNames, used)) return 'ExpressionAttributeNames';
  return isUsed(request.ExpressionAttributeValues, used) ? undefined : 'ExpressionAttributeValues';
}

/** The longest attribute name that is understood; DynamoDB itself takes longer ones where they are no key. */
const MAX_NAME_LENGTH = 255;

const EXPRESSIONS = ['KeyConditionExpression', 'FilterExpression', 'ProjectionExpression'] as const;

/** DynamoDB's limits: 4 KB an expression, 255 bytes an alias or placeholder with its mark, 32 bits a list index. */
const MAX_EXPRESSION_LENGTH = 4096;
const MAX_SUBSTITUTE_LENGTH = 255;
const MAX_INDEX = 2 ** 31 - 1;

/** Two words in a row need something between them, also `AND#a`: DynamoDB takes some of these, but who writes them? */
const TOKEN =
  /[ \t\r\n]*(?:(?<word>[#:]?\w+)(?![\w#:])|\[[ \t\r\n]*(?<index>0|[1-9]\d{0,9})[ \t\r\n]*\]|(?<symbol><>|<=|>=|[=<>(),.]))[ \t\r\n]*/gy;

/** Not only the words of conditions: in any other place they are reserved words, which no grammar has room for. */
const KEYWORDS: ReadonlySet<string> = new Set(['AND', 'BETWEEN', 'IN', 'NOT', 'OR']);

function tokenize(expression: unknown, request: ExpressionMembers, used: Set<string>): Token[] | undefined {
  if (typeof expression !== 'string' || expression.length > MAX_EXPRESSION_LENGTH) return undefined;
  const tokens: Token[] = [];
  let end = 0;
  for (const match of expression.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    const token = toToken(match.groups ?? {}, expression[end] === '(', request, used);
    if (token === undefined) return undefined;
    tokens.push(token);
  }
  return end === expression.length && tokens.length > 0 ? tokens : undefined;
}

function toToken(
  { word, index, symbol }: { [group: string]: string | undefined },
  isBeforeParenthesis: boolean,
  request: ExpressionMembers,
  used: Set<string>,
): Token | undefined {
  if (symbol !== undefined) return { kind: 'symbol', text: symbol };
  if (index !== undefined) {
    return Number(index) <= MAX_INDEX ? { kind: 'index', index: Number(index) } : undefined;
  }
  if (word === undefined) return undefined;
  if (word.startsWith('#')) {
    const name = substitute(word, request.ExpressionAttributeNames, used);
    return isAttributeName(name) ? { kind: 'name', name } : undefined;
  }
  if (word.startsWith(':')) {
    const value = substitute(word, request.ExpressionAttributeValues, used);
    return value === undefined ? undefined : { kind: 'value', value };
  }
  if (KEYWORDS.has(word.toUpperCase())) return { kind: 'keyword', text: word.toUpperCase() };
  if (isBeforeParenthesis) return { kind: 'function', text: word };
  return /^[A-Za-z]/.test(word) && isAttributeName(word) && !isReservedWord(word)
    ? { kind: 'name', name: word }
    : undefined;
}

function substitute(key: string, definitions: unknown, used: Set<string>): unknown {
  if (key.length > MAX_SUBSTITUTE_LENGTH) return undefined;
  if (!isRecord(definitions) || !Object.hasOwn(definitions, key)) return undefined;
  used.add(key);
  return definitions[key];
}

/** Whether there are no definitions, or some and every one is used. */
function isUsed(definitions: unknown, used: ReadonlySet<string>): boolean {
  if (definitions === undefined) return true;
  if (!isRecord(definitions)) return false;
  const keys = Object.keys(definitions);
  return keys.length > 0 && keys.every((key) => used.has(key));
}

/** Whether this can be an attribute's name: not empty, and not too long. */
export function isAttributeName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.length <= MAX_NAME_LENGTH;
}

/** Whether this is an object with members of its own, and not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { DynamoDBRecord } from 'aws-lambda';

/** Which records reach the function, as `FilterCriteria` says it: those that match any of the patterns. */
export interface FilterCriteria {
  /** Each pattern is the text of a JSON object, as in CreateEventSourceMapping. */
  readonly filters: readonly { readonly pattern: string }[];
}

type Matches = (value: unknown) => boolean;

/**
 * Whether a record passes the criteria. A member that no pattern names may be anything; one that is named matches one of its list.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
 *
 * @throws Error that says what of a pattern Lambda would not take
 */
export function readFilter({ filters }: FilterCriteria): (record: DynamoDBRecord) => boolean {
  const patterns = filters.map(({ pattern }) => {
    const parsed: unknown = JSON.parse(pattern);
    if (!isObject(parsed)) throw new Error(`${pattern} is no JSON object`);
    return members(parsed);
  });
  return (record) => patterns.length === 0 || patterns.some((matches) => matches(record));
}

/** All members match: those of the value, or of an element where it is a list. */
function members(pattern: Record<string, unknown>): Matches {
  const all = Object.entries(pattern).map(([name, inner]): Matches => {
    if (name === '$or') return any(listOf(name, inner), (each) => members(objectOf(name, each)));
    const matches = isObject(inner) ? members(inner) : leaf(listOf(name, inner), name);
    return (value) => matches(isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined);
  });
  const matchesAll: Matches = (value) => all.every((matches) => matches(value));
  return (value) => (Array.isArray(value) ? value.some(matchesAll) : matchesAll(value));
}

/** Any of the rules matches the value, or an element where it is a list. What has members of its own is no leaf, and as if absent. */
function leaf(rules: readonly unknown[], name: string): Matches {
  const matches = any(rules, (rule) => (isObject(rule) ? operator(rule, name) : (value) => value === rule));
  return (value) =>
    Array.isArray(value) && value.length > 0
      ? value.some(matches)
      : matches(isLeaf(value) ? value : undefined);
}

/** Of operators each rule has one. Numbers of DynamoDB are texts in a record, which `numeric` does not match. */
function operator(rule: Record<string, unknown>, name: string): Matches {
  const [[word = '', of] = [], ...more] = Object.entries(rule);
  const text = typeof of === 'string' ? of : undefined;
  const onText = (matches: (value: string) => boolean): Matches | undefined =>
    text === undefined ? undefined : (value) => typeof value === 'string' && matches(value);
  const operators: Record<string, () => Matches | undefined> = {
    prefix: () => onText((value) => value.startsWith(text ?? '')),
    suffix: () => onText((value) => value.endsWith(text ?? '')),
    'equals-ignore-case': () => onText((value) => value.toLowerCase() === text?.toLowerCase()),
    exists: () => (typeof of === 'boolean' ? (value) => (value !== undefined) === of : undefined),
    'anything-but': () => {
      const others = [of].flat();
      if (others.length === 0 || others.some((other) => isObject(other))) return undefined;
      return (value) => value !== undefined && !others.includes(value);
    },
    numeric: () => numeric([of].flat()),
  };
  const matches = more.length === 0 && Object.hasOwn(operators, word) ? operators[word]?.() : undefined;
  if (matches === undefined) throw new Error(`${JSON.stringify(rule)} of ${name} is no rule`);
  return matches;
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** `["=", 7]`, or a range such as `[">", 0, "<=", 7]`. */
function numeric(parts: readonly unknown[]): Matches | undefined {
  const pairs = Array.from({ length: Math.ceil(parts.length / 2) }, (_, index) =>
    parts.slice(2 * index, 2 * index + 2),
  );
  const isValid = pairs.every(([sign, to]) => Object.hasOwn(COMPARE, String(sign)) && typeof to === 'number');
  if (!isValid || pairs.length === 0 || pairs.length > 2) return undefined;
  return (value) =>
    typeof value === 'number' && pairs.every(([sign, to]) => COMPARE[String(sign)]?.(value, to as number));
}

function any(rules: readonly unknown[], compile: (rule: unknown) => Matches): Matches {
  const compiled = rules.map(compile);
  return (value) => compiled.some((matches) => matches(value));
}

function listOf(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new Error(`${name} is neither an object nor a list with rules`);
  return value;
}

function objectOf(name: string, value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw new Error(`${name} has what is no object`);
  return value;
}

function isLeaf(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return !isLeaf(value) && !Array.isArray(value);
}

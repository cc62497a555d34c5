import { type AttributeMap, type AttributeValue, setOwn } from '../attributes.js';
import { isAttributeName, readExpressions, type Token } from './expression.js';

/**
 * What a read keeps of an item, or of a value in it: the `'whole'`, or what lies behind some names of a map or some
 * indexes of a list.
 */
export type Projection = 'whole' | ReadonlyMap<string | number, Projection>;

/** The members of a GetItem, or of one table in a BatchGetItem, that say which attributes to return. */
export interface ProjectionMembers {
  ProjectionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  /** The legacy parameter: names of top-level attributes. */
  AttributesToGet?: string[] | undefined;
}

/**
 * The projection that a request asks for: `'whole'` when it asks for none, `undefined` when it is not understood.
 *
 * Whatever DynamoDB would refuse is not understood, and a few things that it takes (attribute names of more than 255
 * characters). Such a request has to go to DynamoDB untouched: its answer, or its error, is the caller's.
 *
 * @example parseProjection({ ProjectionExpression: 'address.city, #n', ExpressionAttributeNames: { '#n': 'name' } })
 */
export function parseProjection(request: ProjectionMembers): Projection | undefined {
  const { ProjectionExpression, ExpressionAttributeNames, AttributesToGet } = request;
  if (AttributesToGet !== undefined) {
    if (ProjectionExpression !== undefined || ExpressionAttributeNames !== undefined) return undefined;
    return select(topLevelPaths(AttributesToGet));
  }
  if (ProjectionExpression === undefined) return ExpressionAttributeNames === undefined ? 'whole' : undefined;
  const tokens = readExpressions({ ProjectionExpression, ExpressionAttributeNames })?.ProjectionExpression;
  return tokens && select(documentPaths(tokens));
}

/**
 * The part of a whole item that DynamoDB would return for a projection: `{}` when there is nothing of it.
 *
 * Uses the item up: the result is made of its values. Every answer has an item of its own, decoded or read for it.
 */
export function project(item: AttributeMap, projection: Projection): AttributeMap {
  return projection === 'whole' ? item : projectMap(item, projection);
}

/** The attributes that a projection has paths into. */
export function parents(projection: Projection): string[] {
  if (projection === 'whole') return [];
  return [...projection].flatMap(([name, inner]) => (inner === 'whole' ? [] : [name as string]));
}

/** The member of a request that says which attributes to return, rightly or not. */
export function projectionMember(request: ProjectionMembers): string {
  if (request.AttributesToGet !== undefined) return 'AttributesToGet';
  return request.ProjectionExpression !== undefined ? 'ProjectionExpression' : 'ExpressionAttributeNames';
}

/** The names and list indexes that lead to a value. */
type Path = (string | number)[];

/** DynamoDB's limit for the depth of documents, and of paths into them. */
const MAX_PATH_LENGTH = 32;

function topLevelPaths(names: unknown): Path[] | undefined {
  return Array.isArray(names) && names.every(isAttributeName) ? names.map((name) => [name]) : undefined;
}

/** Reads `path, path …`, where a path is a name and then any number of `.name` and `[index]`. */
function documentPaths(tokens: readonly Token[]): Path[] | undefined {
  const paths: Path[] = [];
  let before = ',';
  for (const token of tokens) {
    if (token.kind === 'name' && before === ',') paths.push([token.name]);
    else if (token.kind === 'name' && before === '.') paths.at(-1)?.push(token.name);
    else if (token.kind === 'index' && before === 'step') paths.at(-1)?.push(token.index);
    else if (token.kind !== 'symbol' || !/[.,]/.test(token.text) || before !== 'step') return undefined;
    before = token.kind === 'symbol' ? token.text : 'step';
  }
  return before === 'step' ? paths : undefined;
}

/** Joins paths into one tree. `undefined` when there are none, or when DynamoDB would not have them together. */
function select(paths: readonly Path[] | undefined): Projection | undefined {
  if (paths === undefined || paths.length === 0) return undefined;
  const root: Branch = new Map();
  return paths.every((path) => addPath(root, path)) ? root : undefined;
}

type Branch = Map<string | number, Branch | 'whole'>;

function addPath(root: Branch, path: Path): boolean {
  if (path.length > MAX_PATH_LENGTH) return false;
  let branch = root;
  for (const [position, step] of path.entries()) {
    const [sibling] = branch.keys();
    // No value has both names and indexes: such paths conflict.
    if (sibling !== undefined && typeof sibling !== typeof step) return false;
    const next = branch.get(step);
    if (position === path.length - 1) {
      // What is selected already, as a whole or in part, overlaps.
      if (next !== undefined) return false;
      branch.set(step, 'whole');
    } else {
      if (next === 'whole') return false;
      const child: Branch = next ?? new Map();
      branch.set(step, child);
      branch = child;
    }
  }
  return true;
}

function projectMap(map: AttributeMap, branch: Exclude<Projection, 'whole'>): AttributeMap {
  const kept: AttributeMap = {};
  for (const [name, projection] of branch) {
    if (typeof name !== 'string' || !Object.hasOwn(map, name)) continue;
    const value = projectValue(map[name], projection);
    if (value !== undefined) setOwn(kept, name, value);
  }
  return kept;
}

/** A map or list of which nothing is selected is not returned at all, unlike one that is selected and empty. */
function projectValue(value: AttributeValue | undefined, projection: Projection): AttributeValue | undefined {
  if (value === undefined) return undefined;
  if (projection === 'whole') return value;
  if ('M' in value) {
    const M = projectMap(value.M, projection);
    return Object.keys(M).length > 0 ? { M } : undefined;
  }
  if ('L' in value) {
    // In the list's order, whatever the order of the paths, and without holes.
    const L = value.L.flatMap((element, index) => {
      const inner = projection.get(index);
      return (inner && projectValue(element, inner)) ?? [];
    });
    return L.length > 0 ? { L } : undefined;
  }
  return undefined;
}

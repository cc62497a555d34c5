import type { AttributeMap } from '../attributes.js';
import { groupBy } from '../group-by.js';
import { itemSettings } from '../item-rules.js';
import type { Begun, Lease } from '../store/store.js';
import { type CacheMetadata, CLIENT, isCapacityWord, zeroCapacity } from './answer.js';
import { type Call, isStrong, type Operation, type Request, type Response, wholeItems } from './call.js';
import { decline } from './decline.js';
import {
  beginItems,
  decodeItem,
  fillItems,
  findItems,
  isUnvoided,
  type KnownItem,
  keyOfItem,
  textOf,
  type Wanted,
  wantedItem,
} from './items.js';
import { learnKeyNames, mayBeKeysOf } from './key-names.js';
import { learnKeyPaths, mayEnterKeys } from './key-paths.js';
import { type Projection, parseProjection, project, projectionMember } from './projection.js';
import type { Reader, Table } from './reader.js';
import { joined } from './rounds.js';
import type { Session } from './session.js';
import { awaitItems, giveBack, orGiveBack } from './wait.js';

type TableRequest = Request & { Keys?: AttributeMap[] };
type RequestItems = Record<string, TableRequest>;

/** What a batch asks of one table, when the cache may answer that. */
interface TablePart {
  readonly table: Table;
  readonly request: TableRequest;
  readonly projection: Projection;
  readonly items: readonly Asked[];
}

/** One key of a batch, and what has been found out about it. */
interface Asked extends Wanted {
  /** A rule of `items` keeps it out of the cache: it is read with those that are missing. */
  readonly isLeftOut: boolean;
  /** `null` when it is known not to exist, `undefined` when it has to be read. */
  found?: AttributeMap | null;
  lease?: Lease;
  /** When it is read, if it has to be. */
  round?: Round;
  /** It has just changed, or the cache did not confirm to have voided a write of this process. */
  needsStrongRead?: boolean;
}

/** By the table's name as the request gives it, which may be an ARN. */
type Parts = Map<string, TablePart>;

/** The limit of a BatchGetItem. A larger one is DynamoDB's to refuse. */
const MAX_KEYS = 100;

/**
 * Answers a BatchGetItem from the cache, and with one BatchGetItem for what is missing or has to be consistent. Whole
 * items are read and offered to the cache; what DynamoDB did not process is handed back as the caller asked for it.
 */
export function batchGetItem(reader: Reader): Operation {
  return async (call) => {
    const requestItems = call.input.RequestItems as RequestItems | null | undefined;
    if (!requestItems) return undefined;
    const parts = partsOf(reader, requestItems, call.input.ReturnConsumedCapacity);
    if (parts === undefined) return undefined;

    const session = reader.session();
    const missing = await find(reader, session, parts);
    if (missing === undefined) return ask(reader, call, parts);
    await begin(reader, session, missing);
    prepare(reader, parts);
    const [first] = await Promise.all([
      readRound(reader, session, call, parts, 1),
      awaitOthers(reader, session, parts, call.signal),
    ]);
    const rounds = [first, await readRound(reader, session, call, parts, 2)].filter(
      (round) => round !== undefined,
    );
    return answer(
      call.input,
      parts,
      joined(rounds.map(({ response }) => response)),
      rounds.flatMap(({ read }) => read),
    );
  };
}

/** What others are reading is waited for, and asked for in a second round when that was in vain. */
type Round = 1 | 2;

/** Reads what is left for a round, and offers it to the cache at once: others may be waiting for it. */
async function readRound(reader: Reader, session: Session, call: Call, parts: Parts, round: Round) {
  const requestItems = call.input.RequestItems as RequestItems;
  if (Object.keys(remaining(requestItems, parts, round)).length === 0) return undefined;
  const asked = [...parts.values()].flatMap((part) => toRead(part, round)).filter(hasLease);
  const response = await orGiveBack(session, asked, () =>
    call.send((input) => ({
      ...input,
      RequestItems: remaining(input.RequestItems as RequestItems, parts, round),
    })),
  );
  learnFrom(reader, requestItems, parts, round);
  const read = readParts(reader, parts, response, round);
  const items = read.flatMap((part) => part.items);
  await fillItems(reader, session, items.filter(hasLease));
  const processed = new Set(items.map(({ key }) => key));
  await giveBack(
    session,
    asked.filter(({ key }) => !processed.has(key)),
    false,
  );
  return { response, read };
}

/** Waits for the items that other processes are reading. */
async function awaitOthers(
  reader: Reader,
  session: Session,
  parts: Parts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const awaited = [...parts.values()]
    .flatMap(({ items }) => items)
    .filter(hasLease)
    .filter((item) => item.round === 2);
  const groups = groupBy(awaited, ({ table }) => table.settings.rules);
  await Promise.all(
    [...groups].map(async ([rules, items]) => {
      const keys = items.map(({ key }) => key);
      const leases = items.map(({ lease }) => lease);
      const begun = await awaitItems(session, keys, leases, rules, signal);
      items.forEach((item, index) => {
        const answer = begun[index] as Begun;
        const found = 'value' in answer ? decodeItem(reader, item, answer.value) : undefined;
        if (found !== undefined) item.found = found.item;
        if ('generation' in answer) item.lease = answer;
        item.needsStrongRead ||= item.lease.strong;
      });
    }),
  );
  for (const { key, table, found } of awaited) {
    const type = found === undefined ? 'miss' : 'hit';
    reader.report({ type, operation: 'BatchGetItem', tableName: table.name, key });
  }
}

/**
 * The tables of a batch that the cache may answer, less those whose keys here are not those that are known; `undefined`
 * when it may answer none, or DynamoDB may have to refuse the batch.
 */
function partsOf(reader: Reader, requestItems: RequestItems, capacity: unknown): Parts | undefined {
  const parts: Parts = new Map();
  const names = new Set<string>();
  const keys = new Set<string>();
  let count = 0;
  let asked = 0;
  const leave = (name: string, member: string): undefined =>
    decline(reader, 'BatchGetItem', name, 'not-understood', member);
  let hasLegacyNames = false;
  let hasExpressions = false;
  for (const [name, request] of Object.entries(requestItems)) {
    if (!Array.isArray(request?.Keys) || request.Keys.length === 0) return leave(name, 'Keys');
    hasLegacyNames ||= request.AttributesToGet !== undefined;
    hasExpressions ||= (request.ProjectionExpression ?? request.ExpressionAttributeNames) !== undefined;
    // DynamoDB refuses a batch that has both, be it for different tables.
    if (hasLegacyNames && hasExpressions) return leave(name, 'AttributesToGet');
    count += request.Keys.length;
    const table = reader.table(name);
    if (table === undefined) {
      decline(reader, 'BatchGetItem', name, 'table');
      continue;
    }
    // By its name and its ARN it would be twice the same table.
    if (names.has(table.name)) return leave(name, 'RequestItems');
    names.add(table.name);
    if (isStrong(request)) {
      decline(reader, 'BatchGetItem', name, 'consistent-read');
      continue;
    }
    const projection = parseProjection(request);
    if (projection === undefined) return leave(name, projectionMember(request));
    const items = Array.from(request.Keys, (key) => wantedItem(reader, table, key)); // holes, too
    if (!items.every((item) => item !== undefined)) return leave(name, 'Keys');
    for (const { key } of items) keys.add(key);
    asked += items.length;
    if (keys.size < asked) return leave(name, 'Keys');
    if (!mayBeKeysOf(table, items)) {
      leave(name, 'Keys');
      continue;
    }
    const sorted = items.map((item, index) => {
      const key = request.Keys?.[index] as AttributeMap;
      return { ...item, isLeftOut: !itemSettings(table.settings, key).isCached };
    });
    if (sorted.some(({ isLeftOut }) => isLeftOut)) decline(reader, 'BatchGetItem', name, 'item');
    if (sorted.every(({ isLeftOut }) => isLeftOut)) continue;
    parts.set(name, { table, request, projection, items: sorted });
  }
  const [first] = names;
  if (first === undefined) return undefined;
  if (count > MAX_KEYS) return leave(first, 'Keys');
  return isCapacityWord(capacity) ? parts : leave(first, 'ReturnConsumedCapacity');
}

/**
 * Finds what is cached, and returns what is not; `undefined` when DynamoDB has to say whether it has the paths of a
 * projection.
 */
async function find(reader: Reader, session: Session, parts: Parts): Promise<Asked[] | undefined> {
  const asked = [...parts.values()].flatMap(({ items }) => items.filter(({ isLeftOut }) => !isLeftOut));
  const findings = await findItems(reader, session, asked);
  const missing: Asked[] = [];
  asked.forEach((item, index) => {
    const finding = findings[index];
    if (typeof finding === 'object') item.found = finding.item;
    else if (finding === 'miss') missing.push(item);
  });
  const doubtful = [...parts].find(([, { table, projection, items }]) =>
    items.some(({ found }) => mayEnterKeys(table, projection, found)),
  );
  if (doubtful === undefined) return missing;
  return decline(reader, 'BatchGetItem', doubtful[0], 'key-path');
}

/** Lets DynamoDB say whether it has the request's paths. */
async function ask(reader: Reader, call: Call, parts: Parts): Promise<Response> {
  const response = await call.send();
  learnFrom(reader, call.input.RequestItems as RequestItems, new Map(), 1);
  for (const { table, projection } of parts.values()) learnKeyPaths(table, projection);
  return response;
}

/** Gets leases for what is not cached. */
async function begin(reader: Reader, session: Session, missing: readonly Asked[]): Promise<void> {
  const begun = await beginItems(reader, session, missing);
  missing.forEach((item, index) => {
    const answer = begun[index];
    if (answer && 'item' in answer) item.found = answer.item;
    else if (answer) item.lease = answer.lease;
    item.round = item.lease?.heldMs === undefined ? 1 : 2;
  });
}

/** Says what was found and what has to be read, and how. Tables of which the cache knows nothing are left out. */
function prepare(reader: Reader, parts: Parts): void {
  for (const [name, { table, items }] of parts) {
    const hit = table.keyNames === undefined ? items.find(({ found }) => found !== undefined) : undefined;
    if (hit !== undefined) learnKeyNames(reader, table, hit.keyNames, 'cache');
    for (const item of items) item.needsStrongRead = item.lease?.strong || isUnvoided(reader, item);
    if (items.some(({ needsStrongRead }) => needsStrongRead)) {
      reader.report({ type: 'strong-read', operation: 'BatchGetItem', tableName: table.name });
    } else if (items.every(({ found, lease }) => found === undefined && lease === undefined)) {
      parts.delete(name);
    }
    for (const { key, found, round, isLeftOut } of items) {
      if (isLeftOut) continue;
      if (round === 2) continue; // nobody knows yet
      const type = found === undefined ? 'miss' : 'hit';
      reader.report({ type, operation: 'BatchGetItem', tableName: table.name, key });
    }
  }
}

function toRead(part: TablePart, round: Round): readonly Asked[] {
  return part.items.filter((item) => isToRead(item, round));
}

function isToRead(item: Asked | undefined, round: Round): boolean {
  return item !== undefined && item.found === undefined && (item.round ?? 1) === round;
}

/** The request with what is left for a round, in the caller's own form: keys keep their places in it. */
function remaining(requestItems: RequestItems, parts: Parts, round: Round): RequestItems {
  const rest: RequestItems = {};
  for (const [name, request] of Object.entries(requestItems)) {
    const part = parts.get(name);
    if (part === undefined) {
      if (round === 1) rest[name] = request;
      continue;
    }
    const Keys = request.Keys?.filter((_, index) => isToRead(part.items[index], round)) ?? [];
    if (Keys.length === 0) continue;
    const needsStrong = part.items.some(({ needsStrongRead }) => needsStrongRead);
    rest[name] = { ...wholeItems(request), Keys, ...(needsStrong && { ConsistentRead: true }) };
  }
  return rest;
}

/** What DynamoDB said about one table. */
interface ReadPart {
  readonly name: string;
  /** The items that it was asked for, found or not: not those that it did not process. */
  readonly items: readonly (Asked & Omit<KnownItem, 'lease'>)[];
  /** What it returned and nobody can say for which of the keys. */
  readonly strays: readonly AttributeMap[];
}

/** What DynamoDB said about the keys that it was asked for. An item counts as absent only if all others are accounted for. */
function readParts(reader: Reader, parts: Parts, response: Response, round: Round): ReadPart[] {
  const responses = (response.Responses ?? {}) as Record<string, AttributeMap[]>;
  const unprocessed = (response.UnprocessedKeys ?? {}) as RequestItems;
  return [...parts].flatMap(([name, part]) => {
    const asked = toRead(part, round);
    // What is not listed at all has not been found absent.
    if (asked.length === 0 || responses[name] === undefined) return [];
    const wanted = new Map(asked.map((item) => [item.key, item]));
    const { keyNames } = asked[0] as Asked; // all keys of a table have the same, or DynamoDB refuses them
    const keyOf = (item: AttributeMap) => keyOfItem(reader, part.table, keyNames, item) ?? '';

    const found = new Map<string, AttributeMap>();
    const strays: AttributeMap[] = [];
    for (const item of responses[name]) {
      const key = keyOf(item);
      if (wanted.has(key) && !found.has(key)) found.set(key, item);
      else strays.push(item);
    }
    const left = new Set((unprocessed[name]?.Keys ?? []).map(keyOf));
    const isCertain = strays.length === 0 && [...left].every((key) => wanted.has(key));
    const items = asked
      .filter(({ key }) => found.has(key) || (isCertain && !left.has(key)))
      .map((item) => ({ ...item, item: found.get(item.key), text: textOf(found.get(item.key)) }));
    return [{ name, items, strays }];
  });
}

/** Learns the names of keys that DynamoDB has accepted: those that it was asked for. */
function learnFrom(reader: Reader, requestItems: RequestItems, parts: Parts, round: Round): void {
  for (const [name, { Keys = [] }] of Object.entries(requestItems)) {
    const table = reader.table(name);
    const part = parts.get(name);
    if (table === undefined || (part !== undefined && toRead(part, round).length === 0)) continue;
    const wanted = wantedItem(reader, table, Keys[0]);
    if (wanted !== undefined) learnKeyNames(reader, table, wanted.keyNames, 'DynamoDB');
  }
}

function hasLease<T extends { lease?: Lease }>(item: T): item is T & { lease: Lease } {
  return item.lease !== undefined;
}

function answer(
  { RequestItems, ReturnConsumedCapacity }: Request,
  parts: Parts,
  response: Response,
  read: readonly ReadPart[],
): Response {
  const requestItems = RequestItems as RequestItems;
  const items = new Map(read.flatMap((part) => part.items.map(({ key, item }) => [key, item])));
  const strays = new Map(read.map((part) => [part.name, part.strays]));
  const responses = { ...(response.Responses as Record<string, AttributeMap[]> | undefined) };
  const unprocessed = { ...(response.UnprocessedKeys as RequestItems | undefined) };
  for (const [name, { items: asked, projection, request }] of parts) {
    responses[name] = [...asked.map(({ key, found }) => found ?? items.get(key)), ...(strays.get(name) ?? [])]
      .filter((item) => item !== undefined)
      .map((item) => project(item, projection));
    const left = unprocessed[name];
    if (left !== undefined) unprocessed[name] = { ...request, Keys: left.Keys ?? [] };
  }
  return {
    ...response,
    Responses: responses,
    UnprocessedKeys: unprocessed,
    ...capacity(Object.keys(requestItems), response, ReturnConsumedCapacity),
    CacheMetadata: metadata(requestItems, parts),
  };
}

/** DynamoDB's capacity for the tables that it was asked about, zero for the others. */
function capacity(
  names: readonly string[],
  response: Response,
  asked: string | undefined,
): { ConsumedCapacity?: unknown } {
  const consumed = (response.ConsumedCapacity ?? []) as { TableName?: string }[];
  const free = names
    .filter((name) => !consumed.some(({ TableName }) => TableName === name))
    .map((name) => zeroCapacity({ TableName: name, ReturnConsumedCapacity: asked }))
    .filter((zero) => zero !== undefined);
  return consumed.length + free.length === 0 ? {} : { ConsumedCapacity: [...consumed, ...free] };
}

function metadata(requestItems: RequestItems, parts: Parts): CacheMetadata {
  const requests = Object.values(requestItems);
  const count = (some: readonly TableRequest[]) => some.reduce((sum, { Keys = [] }) => sum + Keys.length, 0);
  const consistent = count(requests.filter(isStrong));
  const hits = [...parts.values()]
    .flatMap(({ items }) => items)
    .filter(({ found }) => found !== undefined).length;
  return {
    CacheHitCount: hits,
    CacheMissCount: count(requests) - consistent - hits,
    StronglyConsistentCount: consistent,
    Time: new Date(),
    Client: CLIENT,
  };
}

import type { AttributeMap } from '../attributes.js';
import { isPartitionCached } from '../item-rules.js';
import { indexTag, partitionTag, resultKey, tableTag } from '../key.js';
import { expiryOf, jittered } from '../lifetime.js';
import type { Lease, Settled } from '../store/store.js';
import { capacityMember, hitResponse, zeroCapacity } from './answer.js';
import { type Call, isStrong, type Operation, type Request, type Response } from './call.js';
import { decline } from './decline.js';
import { isPartial, learnFromPage } from './key-names.js';
import { queryPartition } from './partition.js';
import type { Reader, Table } from './reader.js';
import { decodeResult, encodeResult, type StoredRequest, type StoredResult } from './result-codec.js';
import { beginResult, type ResultLease } from './result-lease.js';
import type { Session } from './session.js';
import { misunderstoodMember, querySignature, scanSignature } from './signature.js';

/** One Query or Scan that the cache may answer. */
interface ResultRequest {
  readonly operation: 'Query' | 'Scan';
  readonly table: Table;
  /** The tags of what it reads. The first is where its result is stored; a change moves at least one of them. */
  readonly tags: readonly [string, ...string[]];
  readonly key: string;
  readonly ttlMs: number;
  /** Whether the table can be read with strong consistency for it: an index cannot, and a scan would cost twice. */
  readonly canBeStrong: boolean;
}

/** Stands in a scan's place after its first request: scans that are not repeated are not worth their space. */
const SEEN = 'seen';

/** Answers Query from results that the stream has not invalidated. */
export function query(reader: Reader): Operation {
  return async (call) => {
    const asked = cachedRequest(reader, 'Query', call.input);
    if (asked === undefined) return undefined;
    const { table, signature } = asked;
    const tags = queryTags(reader, table, call.input);
    return serve(reader, call, {
      operation: 'Query',
      table,
      tags,
      key: resultKey(tags[0], signature),
      ttlMs: table.settings.ttlMs.query,
      canBeStrong: call.input.IndexName === undefined,
    });
  };
}

/** Answers Scan from results that the stream has not invalidated, from the second identical request on. */
export function scan(reader: Reader): Operation {
  return async (call) => {
    const asked = cachedRequest(reader, 'Scan', call.input);
    if (asked === undefined) return undefined;
    const { table, signature } = asked;
    const tag = tableTag(reader.namespace, table.name);
    return serve(reader, call, {
      operation: 'Scan',
      table,
      tags: [tag],
      key: resultKey(tag, signature),
      ttlMs: table.settings.ttlMs.scan,
      canBeStrong: false,
    });
  };
}

/** Whether a result may hold items whose changes do not reach the handler. */
function mayChangeUnseen(operation: 'Query' | 'Scan', { settings }: Table, input: Request): boolean {
  const { isFiltered, partitionKey = '' } = settings;
  if (!isFiltered) return false;
  const isOfTable = operation === 'Query' && input.IndexName === undefined;
  return (
    !isOfTable || !isPartitionCached(settings, partitionKey, queryPartition(input as never, [partitionKey]))
  );
}

/** The table and the signature of a request that the cache may answer. */
function cachedRequest(reader: Reader, operation: 'Query' | 'Scan', input: Request) {
  const table = reader.table(input.TableName);
  if (table === undefined) return decline(reader, operation, input.TableName, 'table');
  if (isStrong(input)) return decline(reader, operation, table.name, 'consistent-read');
  if (mayChangeUnseen(operation, table, input)) return decline(reader, operation, table.name, 'item');
  const signature = operation === 'Query' ? querySignature(input as never) : scanSignature(input as never);
  if (signature !== undefined) return { table, signature };
  const member = misunderstoodMember(operation, input as never);
  return decline(reader, operation, table.name, 'not-understood', member);
}

/**
 * The tags of a Query: its partition where that is declared and told, else its whole table. A result of an index also
 * stands under the whole index, which moves when nobody knows in which partition an item was before.
 */
function queryTags(reader: Reader, { name, settings }: Table, input: Request): [string, ...string[]] {
  const { namespace } = reader;
  const indexName = input.IndexName as string | undefined;
  const { partitionKey } = settings;
  const ofTable = partitionKey === undefined ? undefined : [partitionKey];
  const names = indexName === undefined ? ofTable : settings.indexes.get(indexName);
  const partition = names === undefined ? undefined : queryPartition(input as never, names);
  if (partition === undefined) return [tableTag(namespace, name)];
  const tag = partitionTag(namespace, name, indexName, partition);
  return indexName === undefined ? [tag] : [tag, indexTag(namespace, name, indexName)];
}

async function serve(reader: Reader, call: Call, request: ResultRequest): Promise<Response | undefined> {
  const { operation, table, tags, key } = request;
  const session = reader.session();
  await moveAgain(reader, session, request);
  if (isUnmoved(reader, request)) {
    reader.report({ type: 'miss', operation, tableName: table.name, key });
    return request.canBeStrong ? readStrongly(reader, call, table) : undefined;
  }

  const [[text], generations] = await Promise.all([session.get([key]), session.generations(tags)]);
  if (text instanceof Error || !areKnown(generations)) return undefined;
  const stored = text === undefined ? undefined : decodeResult(generations, text);
  if (typeof stored === 'object') {
    reader.report({ type: 'hit', operation, tableName: table.name, key });
    return hit(call.input, stored);
  }
  if (stored === 'damaged') {
    // It has the place of any other that is read under the same generations.
    reader.report({ type: 'undecodable', tableName: table.name, key });
    await session.delete([key]);
  }

  const miss = () => reader.report({ type: 'miss', operation, tableName: table.name, key });
  if (operation === 'Scan' && text === undefined) {
    miss();
    await put(reader, session, request, SEEN);
    return undefined;
  }
  const beginning = beginTags(session, request);
  // Where there was no generation the first reader has just made one.
  const under = generations.includes(undefined)
    ? ((await beginning) ?? []).map(({ generation }) => generation)
    : generations;
  const turn = await beginResult(session, key, under, table.settings.rules);
  let leases = await beginning;
  if (turn.isHeld && leases !== undefined && (request.canBeStrong || !isUnsettled(leases))) {
    const found = await awaitResult(session, request, turn, under, call.signal);
    if (found !== undefined) {
      reader.report({ type: 'hit', operation, tableName: table.name, key });
      return hit(call.input, found);
    }
    leases = await beginTags(session, request); // what it began with may have moved
  }
  miss();
  if (leases === undefined || (isUnsettled(leases) && !request.canBeStrong)) return undefined;
  return readAndStore(reader, session, call, request, leases, turn);
}

/** Reads the table, and offers what it read to the cache. */
async function readAndStore(
  reader: Reader,
  session: Session,
  call: Call,
  request: ResultRequest,
  leases: readonly Lease[],
  turn: ResultLease,
): Promise<Response> {
  let isStored = false;
  try {
    const response = isUnsettled(leases)
      ? await readStrongly(reader, call, request.table)
      : await call.send();
    learnFromPage(reader, request.table, call.input, response);
    const result = encoded(response, leases, { operation: request.operation, input: call.input });
    const ttlMs = lifeMs(reader, request, call.input, response);
    isStored = result !== undefined && ttlMs > 0;
    if (result !== undefined && ttlMs > 0) await put(reader, session, { ...request, ttlMs }, result);
    return response;
  } finally {
    if (!isStored) await turn.giveBack();
  }
}

/** Leases of tags, which nobody waits for: each result under them has one of its own. `undefined` when the cache gave none. */
async function beginTags(session: Session, { tags, table }: ResultRequest): Promise<Lease[] | undefined> {
  const leases = await session.begin(tags, { ...table.settings.rules, leaseMs: 0 });
  const isLease = (lease: (typeof leases)[number]): lease is Lease =>
    !(lease instanceof Error) && 'generation' in lease;
  return leases.every(isLease) ? leases : undefined;
}

function isUnsettled(leases: readonly Lease[]): boolean {
  return leases.some(({ strong }) => strong);
}

/** Waits for the result that another reader is reading under the same generations. */
async function awaitResult(
  session: Session,
  { key, tags }: ResultRequest,
  turn: ResultLease,
  under: readonly (string | undefined)[],
  signal: AbortSignal | undefined,
): Promise<StoredResult | undefined> {
  let stored: StoredResult | undefined;
  await turn.wait(async () => {
    const [[text], generations] = await Promise.all([session.get([key]), session.generations(tags)]);
    if (text instanceof Error || !areKnown(generations)) return false;
    const result = text === undefined ? undefined : decodeResult(generations, text);
    if (typeof result === 'object') {
      stored = result;
      return text;
    }
    return under.every((each, index) => each === generations[index]) ? undefined : false;
  }, signal);
  return stored;
}

/** How long a result may be stored, in milliseconds: like the entry of an item, it does not outlive any item in it. */
function lifeMs(
  reader: Reader,
  { operation, table, ttlMs }: ResultRequest,
  input: Request,
  response: Response,
) {
  const { name, settings } = table;
  const { ttlAttribute } = settings;
  const items = (response.Items ?? []) as AttributeMap[];
  if (ttlAttribute === undefined || response.Count === 0) return ttlMs;
  if (isPartial(input) && !items.some((item) => Object.hasOwn(item, ttlAttribute))) {
    decline(reader, operation, name, 'ttl-unread');
    return 0;
  }
  const left = items.map((item) => (expiryOf(item, ttlAttribute) ?? Number.POSITIVE_INFINITY) - Date.now());
  return Math.min(ttlMs, ...left);
}

function areKnown(
  generations: readonly Settled<string | undefined>[],
): generations is (string | undefined)[] {
  return !generations.some((generation) => generation instanceof Error);
}

function readStrongly(reader: Reader, call: Call, table: Table): Promise<Response> {
  reader.report({ type: 'strong-read', operation: 'Query', tableName: table.name });
  return call.send((input) => ({ ...input, ConsistentRead: true }));
}

function hit(input: Request, stored: StoredResult): Response {
  const { items, count, scannedCount, lastEvaluatedKey, cachedAt } = stored;
  return hitResponse(
    {
      ...(items && { Items: items }),
      Count: count,
      ScannedCount: scannedCount,
      ...(lastEvaluatedKey && { LastEvaluatedKey: lastEvaluatedKey }),
      ...capacityMember(zeroCapacity(input)),
    },
    { CacheHit: true, CachedTime: new Date(cachedAt) },
  );
}

/** A response as stored, under the generations it was read in; `undefined` when it cannot be stored. */
function encoded(response: Response, leases: readonly Lease[], request: StoredRequest): string | undefined {
  try {
    const generations = leases.map(({ generation }) => generation);
    const result = {
      cachedAt: Date.now(),
      items: response.Items as AttributeMap[] | undefined,
      count: response.Count as number,
      scannedCount: response.ScannedCount as number,
      lastEvaluatedKey: response.LastEvaluatedKey as AttributeMap | undefined,
    };
    return encodeResult(generations, result, request);
  } catch {
    return undefined;
  }
}

async function put(
  reader: Reader,
  session: Session,
  { table, key, ttlMs }: ResultRequest,
  value: string,
): Promise<void> {
  const [answer] = await session.put([{ key, value, ttlMs: jittered(ttlMs, table.settings.ttlJitter) }]);
  const outcome = answer === 'stored' ? 'filled' : answer === 'occupied' ? 'occupied' : 'failed';
  if (value !== SEEN) reader.report({ type: 'fill', tableName: table.name, key, outcome });
}

/** Whether a result may be stored as it was before a write of this process. */
function isUnmoved({ unvoided }: Reader, { tags, table }: ResultRequest): boolean {
  return !unvoided.isEmpty && tags.some((tag) => unvoided.has('tags', table.name, tag));
}

/** Moves tags that an earlier write of this process could not. */
async function moveAgain(reader: Reader, session: Session, { tags, table }: ResultRequest): Promise<void> {
  if (reader.unvoided.isEmpty) return;
  const noted = tags.flatMap((tag) => {
    const note = reader.unvoided.note('tags', table.name, tag);
    return note === undefined ? [] : [{ tag, note }];
  });
  const answers = await session.move(
    noted.map(({ tag }) => tag),
    table.settings.rules,
  );
  noted.forEach(({ tag, note }, index) => {
    if (answers[index] === 'moved') reader.unvoided.remove('tags', table.name, tag, note);
  });
}

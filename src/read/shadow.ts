import type { AttributeMap } from '../attributes.js';
import { encode } from '../codec.js';
import type { Settings } from '../config.js';
import type { ShadowReport } from '../report.js';
import type { CacheMetadata } from './answer.js';
import { type Call, type Operation, type Request, type Response, tableNameOf } from './call.js';
import { newModes } from './modes.js';
import type { Reader } from './reader.js';

export type ReadName = ShadowReport['operation'];

/**
 * Lets the operations of reads answer as far as the mode permits. The switch is looked at beside the operation's own look: that costs no
 * round trip. An operation that had nothing cached has answered from the table, whatever the mode.
 */
export function newPermit(
  reader: Reader,
  settings: Settings,
): (name: ReadName, operation: Operation) => Operation {
  const modes = newModes(settings);
  return (name, operation) => {
    const shadow = newShadow(reader, name, operation);
    return async (call) => {
      const asked = modes();
      const most = asked instanceof Promise ? settings.reader : asked;
      if (most === 'off' || (most === 'shadow' && Math.random() >= settings.shadowShare)) return undefined;
      const answer = await operation(call);
      const mode = asked instanceof Promise ? await asked : asked;
      if (mode === 'on' || answer === undefined || !isFromCache(answer)) return answer;
      return mode === 'off' ? call.send() : shadow(call, answer);
    };
  };
}

/** Whether any of an answer is from the cache. */
function isFromCache({ CacheMetadata }: Response): boolean {
  const { CacheHit, CacheHitCount = 0 } = (CacheMetadata ?? {}) as Partial<CacheMetadata>;
  return CacheHit === true || CacheHitCount > 0;
}

/** So many stale answers are remembered, to tell since when they are. */
const MOST_STALE = 1_000;

/** Answers from the table, and reports whether the cache would have answered the same. */
function newShadow(reader: Reader, name: ReadName, operation: Operation) {
  const staleSince = new Map<string, number>();

  function say(request: Request, outcome: ShadowReport['outcome']): void {
    const tableName = tableNameOf(String(request.TableName ?? Object.keys(request.RequestItems ?? {})[0]));
    const ageMs = outcome === 'stale' ? ageOf(request) : undefined;
    if (ageMs === undefined && staleSince.size > 0) staleSince.delete(JSON.stringify(request));
    reader.report({
      type: 'shadow',
      operation: name,
      tableName,
      outcome,
      ...(ageMs !== undefined && { ageMs }),
    });
  }

  function ageOf(request: Request): number {
    const id = JSON.stringify(request);
    const now = Date.now();
    const since = staleSince.get(id) ?? now;
    if (staleSince.size >= MOST_STALE) staleSince.delete(staleSince.keys().next().value as string);
    staleSince.set(id, since);
    return now - since;
  }

  return async (call: Call, answer: Response): Promise<Response> => {
    const response = await call.send();
    const outcome = await compared(name, operation, call, contentOf(answer), contentOf(response));
    if (outcome !== undefined) say(call.input, outcome);
    return response;
  };
}

/** What is to be said of a cached answer; `undefined` when the table has not told all of it. */
async function compared(
  name: ReadName,
  operation: Operation,
  call: Call,
  cached: string | undefined,
  table: string | undefined,
): Promise<ShadowReport['outcome'] | undefined> {
  if (cached === undefined || table === undefined) return undefined;
  if (cached === table) return 'same';
  if (canBeStrong(name, call.input)) {
    // The cache may be the newer one.
    const strong = await contentOfStrongRead(call);
    if (strong === undefined) return undefined;
    if (cached === strong) return 'same';
  }
  // Of a batch a part may have been read, and is not to be read again.
  const isStillCached = name === 'BatchGetItem' || (await cachedNow(operation, call)) === cached;
  return isStillCached ? 'stale' : 'changed';
}

/** The caller has his answer: whatever becomes of this read is not his. */
async function contentOfStrongRead(call: Call): Promise<string | undefined> {
  try {
    return contentOf(await call.ask(strongly));
  } catch {
    return undefined;
  }
}

/** What the cache would answer now, without asking the table. */
async function cachedNow(operation: Operation, call: Call): Promise<string | undefined> {
  try {
    const answer = await operation({ ...call, send: () => Promise.reject(NOT_SENT) });
    return answer === undefined ? undefined : contentOf(answer);
  } catch {
    return undefined;
  }
}

const NOT_SENT = new Error('The table is not asked for this.');

function canBeStrong(name: ReadName, { IndexName }: Request): boolean {
  return name !== 'Scan' && IndexName === undefined;
}

function strongly(request: Request): Request {
  if (request.RequestItems === undefined) return { ...request, ConsistentRead: true };
  const tables = Object.entries(request.RequestItems as Record<string, object>);
  return {
    ...request,
    RequestItems: Object.fromEntries(
      tables.map(([name, asked]) => [name, { ...asked, ConsistentRead: true }]),
    ),
  };
}

/** What an answer says of the table, as a text that is the same for equal ones; `undefined` when it is not all that was asked for. */
function contentOf(response: Response): string | undefined {
  const { Item, Items, Responses, Count, ScannedCount, LastEvaluatedKey, UnprocessedKeys = {} } = response;
  if (Object.keys(UnprocessedKeys as object).length > 0) return undefined;
  try {
    const tables = Object.entries((Responses ?? {}) as Record<string, AttributeMap[]>);
    return JSON.stringify([
      Item && encode(Item),
      (Items as AttributeMap[] | undefined)?.map(encode),
      // In the order of nothing: DynamoDB promises none.
      tables.map(([name, items]) => [name, items.map(encode).sort()]).sort(),
      Count,
      ScannedCount,
      LastEvaluatedKey && encode(LastEvaluatedKey as AttributeMap),
    ]);
  } catch {
    return undefined; // what cannot be stored is not in the cache either
  }
}

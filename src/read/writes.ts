import type { AttributeMap } from '../attributes.js';
import { groupBy } from '../group-by.js';
import type { UncertainReport } from '../report.js';
import type { Call, Operation, Request, Response } from './call.js';
import type { Wanted } from './items.js';
import { readKeyNames } from './key-names.js';
import type { Reader, Table } from './reader.js';
import type { Session } from './session.js';
import { giveBack } from './wait.js';
import { claimItems, isStoredAsSent, type Result, storeResults } from './write-through.js';
import { knownItems, look, type Shape, type Target, tablesOfItems, type Written } from './written.js';

type WriteRequest = Request & { Key?: unknown; Item?: unknown };

export function putItem(reader: Reader): Operation {
  return write(reader, { written: (request) => [put(request)] });
}

export function updateItem(reader: Reader): Operation {
  return write(reader, {
    written: (request) => [change(request)],
    known: (request) => (request.ReturnValues === 'ALL_NEW' ? [change(request)] : []),
  });
}

export function deleteItem(reader: Reader): Operation {
  return write(reader, { written: (request) => [change(request)] });
}

/** BatchWriteItem, except for what DynamoDB did not process. */
export function batchWriteItem(reader: Reader): Operation {
  type Requests = Record<string, ({ PutRequest?: WriteRequest; DeleteRequest?: WriteRequest } | null)[]>;
  const written = (requests: unknown) =>
    Object.entries((requests ?? {}) as Requests).flatMap(([TableName, ofTable]) =>
      (ofTable ?? []).flatMap((request) => {
        if (request?.PutRequest) return [put({ ...request.PutRequest, TableName })];
        if (request?.DeleteRequest) return [change({ ...request.DeleteRequest, TableName })];
        return []; // null, which the SDK leaves out of a list, or nothing that DynamoDB takes
      }),
    );
  return write(reader, {
    written: ({ RequestItems }) => written(RequestItems),
    unprocessed: ({ UnprocessedItems }) => written(UnprocessedItems),
  });
}

/** TransactWriteItems. */
export function transactWriteItems(reader: Reader): Operation {
  type Actions = ({ Put?: WriteRequest; Update?: WriteRequest; Delete?: WriteRequest } | null)[];
  return write(reader, {
    written: ({ TransactItems }) =>
      ((TransactItems ?? []) as Actions).flatMap((action) => {
        if (action?.Put) return [put(action.Put)];
        const changed = action?.Update ?? action?.Delete; // a ConditionCheck writes nothing
        return changed ? [change(changed)] : [];
      }),
  });
}

/** The success of a request with a token of the caller's may be that of an earlier one, up to ten minutes ago. */
function mayRepeat({ ClientRequestToken }: Request): boolean {
  return ClientRequestToken !== undefined;
}

function put({ TableName, Item }: WriteRequest): Written {
  return { tableName: TableName, item: Item };
}

function change({ TableName, Key }: WriteRequest): Written {
  return { tableName: TableName, key: Key };
}

/**
 * Passes a write on to DynamoDB, and before it answers voids what the cache holds of its items: the caller's next read
 * finds its own write. What DynamoDB has definitely refused leaves the entries alone. With the option `writeThrough` the
 * items are voided before as well, and stored in the place of the second time when that was confirmed.
 */
function write(reader: Reader, shape: Shape): Operation {
  return async (call) => {
    const session = reader.session();
    const tables = tablesOfItems(reader, shape, call.input);
    const told = readKeyNames(reader, session, tables);
    if (tables.some(({ settings, keyNames }) => settings.writeThrough && keyNames === undefined)) await told;
    const toClaim = call.isSent ? [] : claimable(reader, shape, call.input);
    const claimed = await claimItems(reader, session, toClaim);
    // A cache that did not confirm it in time gets a second chance after the write.
    const after = claimed.length === toClaim.length ? session : reader.session();
    let response: Response | undefined;
    let failure: unknown;
    try {
      response = await call.send();
    } catch (error) {
      if (isRefusal(error)) {
        await giveBack(session, claimed, false);
        throw error;
      }
      failure = error;
    }
    await told;
    const { targets, unclear } = look(reader, shape, call, response);
    const results = response && claimed.length > 0 ? resultsOf(reader, shape, call, response, targets) : [];
    const storing = results.length > 0 ? storeResults(reader, after, claimed, results) : undefined;
    const unwritten = claimed.filter((claim) => targets.every(({ key }) => key !== claim.key));
    await Promise.all([voidTargets(reader, after, targets, storing), giveBack(after, unwritten, false)]);
    for (const table of unclear) noteUnclear(reader, table);
    if (response === undefined) throw failure;
    return response;
  };
}

/** The items of which will be known what they are, once a request has succeeded, in tables that are written through. */
function claimable(reader: Reader, shape: Shape, request: Request): Wanted[] {
  if (mayRepeat(request)) return [];
  const items = knownItems(reader, shape, request, 'given').map(({ table, key, written }) => ({
    table,
    key,
    keyNames: table.keyNames ?? Object.keys(written.key as object),
  }));
  return [...new Map(items.map((item) => [item.key, item])).values()];
}

/** What a request has made of its items, as it was sent. Of one that it names twice nobody knows which was last. */
function resultsOf(
  reader: Reader,
  shape: Shape,
  call: Call,
  response: Response,
  targets: readonly Target[],
): Result[] {
  const sent = call.serialised() ?? {};
  return knownItems(reader, shape, sent, 'sent').flatMap(({ key, written }) => {
    const given = written.item as AttributeMap | undefined;
    const item = given ?? (response.Attributes as AttributeMap | undefined);
    const isWrittenOnce = targets.filter((target) => target.key === key).length === 1;
    return isWrittenOnce && item && !(given && !isStoredAsSent(given)) ? [{ key, item }] : [];
  });
}

/**
 * Whether an error says for sure that nothing was written: DynamoDB answered that the request is at fault, and it was
 * sent only once. An earlier attempt may have been carried out, and be the very reason why the last one was refused.
 */
function isRefusal(error: unknown): boolean {
  const { $fault, $metadata, name } = (error ?? {}) as {
    $fault?: string;
    $metadata?: { attempts?: number; httpStatusCode?: number };
    name?: string;
  };
  return (
    $fault === 'client' &&
    $metadata?.httpStatusCode === 400 &&
    $metadata.attempts === 1 &&
    name !== 'TransactionInProgressException'
  );
}

/**
 * Voids items, but for those that are stored, and moves the tags that they may stand under. What the cache does not
 * confirm is not read until it has.
 */
async function voidTargets(
  reader: Reader,
  session: Session,
  targets: readonly Target[],
  storing?: Promise<ReadonlySet<string>>,
): Promise<void> {
  const voidTable = async ([table, ofTable]: [Table, Target[]]) => {
    const { rules } = table.settings;
    const keys = [...new Set(ofTable.flatMap(({ key, isLeftOut }) => (isLeftOut ? [] : (key ?? []))))];
    const tags = [...new Set(ofTable.flatMap((target) => target.tags))];
    const nameless = ofTable.filter(({ key }) => key === undefined);
    noteNameless(reader, table, nameless); // before anything is waited for
    const voidOthers = async () => {
      const stored = storing && (await storing);
      const others = keys.filter((key) => !stored?.has(key));
      const voided = await session.void(others, rules);
      return others.filter((_, index) => voided[index] !== 'voided');
    };
    const [unvoided, moved] = await Promise.all([voidOthers(), session.move(tags, rules)]);
    const unmoved = tags.filter((_, index) => moved[index] !== 'moved');
    reader.unvoided.add('keys', table.name, unvoided);
    reader.unvoided.add('tags', table.name, unmoved);
    const isDone = unvoided.length + unmoved.length + nameless.length === 0;
    reader.report({ type: 'void', outcome: isDone ? 'voided' : 'failed', tableName: table.name, keys });
  };
  await Promise.all([...groupBy(targets, ({ table }) => table)].map(voidTable));
}

/** Notes items of which nobody knows which attributes are their key. */
function noteNameless(reader: Reader, table: Table, targets: readonly Target[]): void {
  if (targets.length === 0) return;
  if (table.isContradicted) {
    reader.unvoided.addAll('keys', table.name);
    return;
  }
  for (const { attributes } of targets) reader.unvoided.addItem(table.name, attributes as AttributeMap);
  reader.sayUncertain(
    table,
    'key-names-unknown',
    'Nobody knows yet which attributes are the key of the table: other processes see what this one writes when the stream brings it. Declare its partitionKey and sortKey (null for none) in the option tables.',
  );
}

/** Something was written, and nobody could make out what: all that is cached of the table may be older. */
function noteUnclear(reader: Reader, table: Table | 'any'): void {
  if (table === 'any') {
    reader.unvoided.addEverything();
    reader.sayUncertain(ANY, 'unclear-write', UNCLEAR);
    return;
  }
  reader.unvoided.addAll('keys', table.name);
  reader.unvoided.addAll('tags', table.name);
  reader.report({ type: 'void', outcome: 'failed', tableName: table.name, keys: [] });
  reader.sayUncertain(table, 'unclear-write', UNCLEAR);
}

/** In the place of a table where not even that is clear. */
const ANY = { name: '*', said: new Set<UncertainReport['reason']>() };

const UNCLEAR =
  'Until all that is cached now has ended, this process does not answer reads of the table from the cache. Give keys as plain attribute values, without undefined or null members.';

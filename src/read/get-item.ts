import type { AttributeMap } from '../attributes.js';
import { itemSettings } from '../item-rules.js';
import type { Lease } from '../store/store.js';
import { capacityMember, hitResponse, isCapacityWord, zeroCapacity } from './answer.js';
import {
  type Call,
  isStrong,
  type Operation,
  type Request,
  type Response,
  unlessAborted,
  wholeItems,
} from './call.js';
import { decline } from './decline.js';
import type { Flight } from './flights.js';
import {
  beginItems,
  decodeItem,
  fillItems,
  findItems,
  isUnvoided,
  textOf,
  type Wanted,
  wantedItem,
} from './items.js';
import { learnKeyNames, mayBeKeysOf } from './key-names.js';
import { learnKeyPaths, mayEnterKeys } from './key-paths.js';
import { type Projection, parseProjection, project, projectionMember } from './projection.js';
import type { Reader } from './reader.js';
import type { Session } from './session.js';
import { awaitItems, orGiveBack } from './wait.js';

/** One GetItem, once it is clear that the cache may answer it. */
interface Get {
  readonly call: Call;
  readonly wanted: Wanted;
  readonly projection: Projection;
}

/**
 * Answers GetItem from the cache. A miss reads the whole item, which costs the same capacity as a part of it, offers it
 * to the cache, and answers the part that was asked for; who misses the same item meanwhile waits for that read.
 */
export function getItem(reader: Reader): Operation {
  return async (call) => {
    const { input } = call;
    const table = reader.table(input.TableName);
    if (table === undefined) return decline(reader, 'GetItem', input.TableName, 'table');
    if (isStrong(input)) return decline(reader, 'GetItem', table.name, 'consistent-read');
    const wanted = wantedItem(reader, table, input.Key);
    const projection = parseProjection(input);
    if (table.isContradicted) return decline(reader, 'GetItem', table.name, 'not-understood', 'Key');
    if (wanted === undefined || projection === undefined || !isCapacityWord(input.ReturnConsumedCapacity))
      return decline(
        reader,
        'GetItem',
        table.name,
        'not-understood',
        misunderstood(input, wanted, projection),
      );

    if (!itemSettings(table.settings, input.Key as AttributeMap).isCached)
      return decline(reader, 'GetItem', table.name, 'item');
    const get = { call, wanted, projection };
    if (!mayBeKeysOf(table, [wanted])) {
      decline(reader, 'GetItem', table.name, 'not-understood', 'Key');
      return sendAccepted(reader, get);
    }
    const session = reader.session();
    const [finding = 'unknown'] = await findItems(reader, session, [wanted]);
    if (typeof finding === 'object') return found(reader, get, finding.item);
    if (finding === 'miss' && mayEnterKeys(table, projection, undefined)) return ask(reader, get);
    const [begun] = finding === 'miss' ? await beginItems(reader, session, [wanted]) : [];
    if (begun === undefined) return readAround(reader, get);
    if ('item' in begun) return found(reader, get, begun.item);
    return miss(reader, session, get, begun.lease);
  };
}

/** The member of a request that is why it is left to DynamoDB. */
function misunderstood(input: Request, wanted?: Wanted, projection?: Projection): string {
  if (wanted === undefined) return 'Key';
  return projection === undefined ? projectionMember(input) : 'ReturnConsumedCapacity';
}

function found(reader: Reader, get: Get, item: AttributeMap | null): Response | Promise<Response> {
  const { wanted, projection } = get;
  return mayEnterKeys(wanted.table, projection, item) ? ask(reader, get) : hit(reader, get, item);
}

/** Lets DynamoDB say whether it has the request's paths. */
async function ask(reader: Reader, get: Get): Promise<Response> {
  const { table } = get.wanted;
  decline(reader, 'GetItem', table.name, 'key-path');
  const response = await sendAccepted(reader, get);
  learnKeyPaths(table, get.projection);
  return response;
}

function hit(
  reader: Reader,
  { call: { input }, wanted: { table, key, keyNames }, projection }: Get,
  item: AttributeMap | null,
): Response {
  reader.report({ type: 'hit', operation: 'GetItem', tableName: table.name, key });
  if (table.keyNames === undefined) learnKeyNames(reader, table, keyNames, 'cache');
  return hitResponse(
    {
      ...(item && { Item: project(item, projection) }),
      ...capacityMember(zeroCapacity(input)),
    },
    { CacheHit: true },
  );
}

/** Leaves the call to DynamoDB: strongly consistent when the cache did not confirm to have voided a write of this process. */
async function readAround(reader: Reader, get: Get): Promise<Response | undefined> {
  const { table, key } = get.wanted;
  reader.report({ type: 'miss', operation: 'GetItem', tableName: table.name, key });
  if (!isUnvoided(reader, get.wanted)) return undefined;
  reader.report({ type: 'strong-read', operation: 'GetItem', tableName: table.name });
  return sendAccepted(reader, get, (input) => ({ ...input, ConsistentRead: true }));
}

/** Sends a call whose key has to be one of the table, or DynamoDB refuses it. */
async function sendAccepted(
  reader: Reader,
  { call, wanted: { table, keyNames } }: Get,
  edit?: (input: Request) => Request,
): Promise<Response> {
  const response = await call.send(edit);
  learnKeyNames(reader, table, keyNames, 'DynamoDB');
  return response;
}

/** Waits for the read of whoever misses with the same lease in the same client, and if that comes to nothing for one more; else reads. */
async function miss(reader: Reader, session: Session, get: Get, lease: Lease): Promise<Response> {
  const { wanted, call } = get;
  const id = `${wanted.key} ${lease.generation}`;
  for (let waits = 0; waits < 2; waits += 1) {
    const flight = call.flights.get(id);
    if (flight === undefined) break;
    const text = await unlessAborted(flight, call.signal);
    const found = text === undefined ? undefined : decodeItem(reader, wanted, text);
    if (found !== undefined) return hit(reader, get, found.item);
  }
  return read(reader, session, get, lease, call.flights.start(id));
}

async function read(
  reader: Reader,
  session: Session,
  get: Get,
  lease: Lease,
  flight: Flight,
): Promise<Response> {
  const { wanted, call } = get;
  const { table, key } = wanted;
  try {
    const [begun = lease] = await awaitItems(session, [key], [lease], table.settings.rules, call.signal);
    const found = 'value' in begun ? decodeItem(reader, wanted, begun.value) : undefined;
    if ('value' in begun && found !== undefined) {
      flight.land(begun.value);
      return hit(reader, get, found.item);
    }
    if ('generation' in begun) lease = begun;
    reader.report({ type: 'miss', operation: 'GetItem', tableName: table.name, key });
    const response = await orGiveBack(session, [{ table, key, lease }], () => readTable(reader, get, lease));
    const item = response.Item;
    const text = textOf(item);
    flight.land(text);
    await fillItems(reader, session, [{ ...wanted, lease, item, text }]);
    return item === undefined ? response : { ...response, Item: project(item, get.projection) };
  } finally {
    flight.end();
  }
}

function readTable(reader: Reader, get: Get, lease: Lease): Promise<Response> {
  const { table } = get.wanted;
  if (lease.strong) reader.report({ type: 'strong-read', operation: 'GetItem', tableName: table.name });
  return sendAccepted(reader, get, (input) => ({
    ...wholeItems(input),
    ...(lease.strong && { ConsistentRead: true }),
  }));
}

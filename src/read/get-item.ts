import type { AttributeMap } from '../attributes.js';
import type { Lease } from '../store/store.js';
import { capacityMember, hitResponse, zeroCapacity } from './answer.js';
import { type Call, type Operation, type Response, unlessAborted, wholeItems } from './call.js';
import { beginItems, decodeItem, fillItems, findItems, textOf, type Wanted, wantedItem } from './items.js';
import { type Projection, parseProjection, project } from './projection.js';
import type { Reader } from './reader.js';
import type { Session } from './session.js';

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
    if (table === undefined || input.ConsistentRead) return undefined;
    const projection = parseProjection(input);
    const wanted = wantedItem(reader, table, input.Key);
    if (projection === undefined || wanted === undefined) return undefined;

    const get = { call, wanted, projection };
    const session = reader.session();
    const [finding = 'unknown'] = await findItems(reader, session, [wanted]);
    if (typeof finding === 'object') return hit(reader, get, finding.item);
    if (finding === 'unknown') return undefined;
    return (await joinFlight(reader, get)) ?? (await miss(reader, session, get));
  };
}

function hit(
  reader: Reader,
  { call: { input }, wanted: { table, key }, projection }: Get,
  item: AttributeMap | null,
): Response {
  reader.report({ type: 'hit', operation: 'GetItem', tableName: table.name, key });
  return hitResponse(
    {
      ...(item && { Item: project(item, projection) }),
      ...capacityMember(zeroCapacity(table.name, input.ReturnConsumedCapacity)),
    },
    { CacheHit: true },
  );
}

/** The answer of a read of the same item that is under way; `undefined` when there is none or it came to nothing. */
async function joinFlight(reader: Reader, get: Get): Promise<Response | undefined> {
  const flight = reader.flights.get(get.wanted.key);
  const text = flight && (await unlessAborted(flight, get.call.signal));
  const found = text === undefined ? undefined : decodeItem(text);
  return found && hit(reader, get, found.item);
}

async function miss(reader: Reader, session: Session, get: Get): Promise<Response | undefined> {
  const { wanted } = get;
  const flight = reader.flights.start(wanted.key);
  try {
    const [begun] = await beginItems(session, [wanted]);
    if (begun === undefined) return undefined;
    if ('item' in begun) return hit(reader, get, begun.item);
    reader.report({ type: 'miss', operation: 'GetItem', tableName: wanted.table.name, key: wanted.key });

    const response = await readTable(reader, get, begun.lease);
    const item = response.Item;
    const text = textOf(item);
    flight.land(text);
    await fillItems(reader, session, [{ ...wanted, lease: begun.lease, item, text }]);
    return item === undefined ? response : { ...response, Item: project(item, get.projection) };
  } finally {
    flight.end();
  }
}

async function readTable(reader: Reader, { call, wanted: { table } }: Get, lease: Lease): Promise<Response> {
  if (lease.strong) reader.report({ type: 'strong-read', operation: 'GetItem', tableName: table.name });
  const response = await call.send((input) => ({
    ...wholeItems(input),
    ...(lease.strong && { ConsistentRead: true }),
  }));
  table.keyNames ??= Object.keys(call.input.Key as object);
  return response;
}

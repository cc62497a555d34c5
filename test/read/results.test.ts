import { QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import type { DeclaredTable } from '../../src/options.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import { event } from '../support/records.js';
import { recordOf } from '../support/table.js';
import { newPair, type Pair } from './rig.js';

const DECLARED: Record<string, DeclaredTable> = {
  orders: {
    partitionKey: 'customerId',
    indexes: { byState: { partitionKey: 'state' }, byPlace: { partitionKey: ['country', 'town'] } },
  },
};

const order = (customerId: string, orderId: string, state: string) => ({
  customerId: { S: customerId },
  orderId: { N: orderId },
  state: { S: state },
});

const query = (name: string, value: string, IndexName?: string) =>
  new QueryCommand({
    TableName: 'orders',
    ...(IndexName && { IndexName }),
    KeyConditionExpression: '#name = :value',
    ExpressionAttributeNames: { '#name': name },
    ExpressionAttributeValues: { ':value': { S: value } },
  });
const ofCustomer = (customer: string) => query('customerId', customer);
const inState = (state: string) => query('state', state, 'byState');
const scan = new ScanCommand({ TableName: 'orders' });

let pair: Pair;
const change = (item: AttributeMap) => pair.table.put(item, 'orders');
const remove = ({ customerId, orderId }: ReturnType<typeof order>) =>
  pair.table.delete({ customerId, orderId }, 'orders');

async function read(command: QueryCommand | ScanCommand): Promise<unknown[]> {
  const { Items = [] } = await pair.client.send(command as QueryCommand);
  return Items.map(({ orderId }) => orderId?.N);
}

/** Reads until the cache has it. */
async function warm(...commands: (QueryCommand | ScanCommand)[]): Promise<void> {
  for (const command of commands) {
    for (const _ of [1, 2]) await read(command);
    expect(await isStored(command)).toBe(true);
  }
}

async function isStored(command: QueryCommand | ScanCommand): Promise<boolean> {
  const reached = pair.table.log.length;
  await read(command);
  return pair.table.log.length === reached;
}

function start(config: Parameters<typeof newPair>[0] = {}): void {
  pair = newPair(config);
  change(order('a', '1', 'open'));
  change(order('b', '2', 'paid'));
}

describe('of a table whose keys are not declared', () => {
  beforeEach(() => start());

  test('every change ends every query and scan', async () => {
    await warm(ofCustomer('a'), ofCustomer('b'), inState('open'), scan);
    await pair.deliver(change(order('c', '3', 'new')));
    for (const command of [ofCustomer('a'), ofCustomer('b'), inState('open')])
      expect(await isStored(command)).toBe(false);
    expect(await read(scan)).toEqual(['1', '2', '3']);
  });

  test('a change of another table ends none of them', async () => {
    await warm(ofCustomer('a'), scan);
    await pair.deliver(pair.table.put({ id: { S: '1' } }));
    for (const command of [ofCustomer('a'), scan]) expect(await isStored(command)).toBe(true);
  });
});

describe('of a table whose keys are declared', () => {
  beforeEach(() => start({ tables: DECLARED }));

  test('a change ends the queries of its partition, and those of no other', async () => {
    await warm(ofCustomer('a'), ofCustomer('b'), scan);
    await pair.deliver(change(order('a', '3', 'open')));
    expect(await read(ofCustomer('a'))).toEqual(['1', '3']);
    expect(await isStored(ofCustomer('b'))).toBe(true);
    expect(await read(scan)).toEqual(['1', '3', '2']);
  });

  test('a query of an index that is not declared ends with every change of its table', async () => {
    const elsewhere = query('state', 'open', 'notDeclared');
    await warm(elsewhere);
    await pair.deliver(change(order('b', '3', 'paid')));
    expect(await isStored(elsewhere)).toBe(false);
  });

  test('a change ends the queries of the index partitions in which the item was and is, and those of no other', async () => {
    change(order('c', '3', 'new'));
    await warm(inState('open'), inState('paid'), inState('new'));
    await pair.deliver(change(order('a', '1', 'paid')));
    expect(await read(inState('open'))).toEqual([]);
    expect(await read(inState('paid'))).toEqual(['1', '2']);
    expect(await isStored(inState('new'))).toBe(true);
  });

  test('of an index with several partition keys a change ends the queries of those partitions alone', async () => {
    const placed = (orderId: string, country: string, town: string) => ({
      ...order('a', orderId, 'open'),
      country: { S: country },
      town: { S: town },
    });
    const inTown = (country: string, town: string) =>
      new QueryCommand({
        TableName: 'orders',
        IndexName: 'byPlace',
        KeyConditionExpression: 'town = :town AND country = :country',
        ExpressionAttributeValues: { ':country': { S: country }, ':town': { S: town } },
      });
    change(placed('4', 'fr', 'Paris'));
    change(placed('5', 'us', 'Paris'));
    change(placed('6', 'fr', 'Nice'));
    await warm(inTown('fr', 'Paris'), inTown('us', 'Paris'), inTown('fr', 'Nice'));
    await pair.deliver(change(placed('4', 'fr', 'Nice')));
    expect(await read(inTown('fr', 'Paris'))).toEqual([]);
    expect(await read(inTown('fr', 'Nice'))).toEqual(['4', '6']);
    expect(await isStored(inTown('us', 'Paris'))).toBe(true);
  });

  test('a removal ends the queries of the partitions in which the item was', async () => {
    await warm(ofCustomer('a'), ofCustomer('b'), inState('open'), inState('paid'));
    await pair.deliver(remove(order('a', '1', 'open')));
    expect(await read(ofCustomer('a'))).toEqual([]);
    expect(await read(inState('open'))).toEqual([]);
    for (const command of [ofCustomer('b'), inState('paid')]) expect(await isStored(command)).toBe(true);
  });

  test('a change without its old image ends every query of the index', async () => {
    await warm(inState('open'), inState('paid'), ofCustomer('b'));
    const made = change(order('a', '1', 'paid'));
    await NewStreamCacheHandler(pair.options)(event(recordOf({ ...made, oldImage: undefined })));
    for (const command of [inState('open'), inState('paid')]) expect(await isStored(command)).toBe(false);
    expect(await isStored(ofCustomer('b'))).toBe(true);
  });

  test('a change without any image ends every query of the index, and those of its partition', async () => {
    await warm(inState('open'), inState('paid'), ofCustomer('a'), ofCustomer('b'));
    const made = change(order('a', '1', 'paid'));
    await pair.deliver({ ...made, oldImage: undefined, newImage: undefined });
    for (const command of [inState('open'), inState('paid'), ofCustomer('a')])
      expect(await isStored(command)).toBe(false);
    expect(await isStored(ofCustomer('b'))).toBe(true);
  });
});

describe('just after a change', () => {
  beforeEach(() => start({ tables: DECLARED }));

  test('H4: a query of the table is read with strong consistency, and stored', async () => {
    pair.table.lag();
    await pair.deliver(change(order('a', '3', 'open')));
    expect(await read(ofCustomer('a'))).toEqual(['1', '3']);
    expect(pair.table.log.at(-1)?.input.ConsistentRead).toBe(true);
    expect(pair.reports).toContainEqual({ type: 'strong-read', operation: 'Query', tableName: 'orders' });
    pair.table.catchUp();
    expect(await isStored(ofCustomer('a'))).toBe(true);
  });

  test.each<[string, QueryCommand | ScanCommand]>([
    ['query of an index', inState('open')],
    ['scan', scan],
  ])(
    'H4: a %s, which cannot be strongly consistent, is not stored until its table has settled',
    async (_name, command) => {
      await warm(command);
      pair.table.lag();
      await pair.deliver(change(order('a', '3', 'open')));
      const stale = await read(command); // as DynamoDB itself answers
      expect(pair.table.log.at(-1)?.input.ConsistentRead).toBeUndefined();
      pair.table.catchUp();
      expect(await read(command)).not.toEqual(stale);
      expect(await isStored(command)).toBe(false);
      pair.clock.pass(5_001);
      await read(command);
      expect(await isStored(command)).toBe(true);
    },
  );

  test.each<[string, QueryCommand | ScanCommand]>([
    ['query', ofCustomer('a')],
    ['query of an index', inState('open')],
    ['scan', scan],
  ])('H3: a %s whose read began before it is not served after it', async (_name, command) => {
    if (command === scan) await read(scan);
    const held = pair.table.hold(command instanceof ScanCommand ? 'Scan' : 'Query', 'after');
    const slow = read(command);
    await held.reached;
    await pair.deliver(change(order('a', '3', 'open')));
    held.release();
    expect(await slow).not.toContain('3');
    expect(pair.outcomes('fill')).toEqual(['filled']); // yet under a generation that has gone
    expect(await read(command)).toContain('3');
  });
});

describe('a stored result', () => {
  beforeEach(() => start({ tables: DECLARED }));

  test('is served as often as it is asked for, and ends with its time to live', async () => {
    await warm(ofCustomer('a'));
    pair.clock.pass(50_000);
    expect(await isStored(ofCustomer('a'))).toBe(true);
    pair.clock.pass(10_001);
    expect(await isStored(ofCustomer('a'))).toBe(false);
  });

  test('is not served once the guard of its tag has gone', async () => {
    await warm(ofCustomer('a'));
    pair.memory.guards.delete('orders*customerId=a');
    expect(await isStored(ofCustomer('a'))).toBe(false);
  });

  test('that has been damaged is a miss, and is stored again', async () => {
    for (const value of ['{', 'null', '[]', '{"generations":["1"]}', '{"id":"1"}', 'seen', '"text"']) {
      await warm(ofCustomer('a'));
      const key = pair.reports.flatMap((report) => (report.type === 'hit' ? [report.key] : [])).at(-1);
      await pair.memory.store.put([{ key: key ?? '', value, ttlMs: 60_000 }]);
      pair.clock.pass(25); // nobody is reading it any more
      expect(await isStored(ofCustomer('a'))).toBe(false);
      expect(await isStored(ofCustomer('a'))).toBe(true);
    }
  });

  test.each([
    ['is cut off', (body: string) => body.slice(0, -1)],
    ['is another value', () => 'null'],
    ['has a number that no item can have', (body: string) => body.replace('"orderId":1', '"orderId":1e300')],
    ['has more items than it says', (body: string) => body.replace('"count":1', '"count":0')],
    ['counts what cannot be counted', (body: string) => body.replace('"count":1', '"count":1.5')],
    ['counts more than it scanned', (body: string) => body.replace('"scannedCount":1', '"scannedCount":0')],
    ['has no such time', (body: string) => body.replace(/"cachedAt":\d+/, '"cachedAt":9e15')],
  ])('of the right generations, whose text %s, is a miss, and is stored again', async (_, damaged) => {
    await warm(ofCustomer('a'));
    const key = pair.reports.flatMap((report) => (report.type === 'hit' ? [report.key] : [])).at(-1) ?? '';
    const [line, body = ''] = pair.memory.values.get(key)?.split('\n') ?? [];
    expect(damaged(body)).not.toBe(body);
    pair.memory.values.set(key, `${line}\n${damaged(body)}`, 60_000);
    pair.clock.pass(25);
    expect(await read(ofCustomer('a'))).toEqual(['1']);
    expect(pair.reports).toContainEqual({ type: 'undecodable', tableName: 'orders', key });
    expect(await isStored(ofCustomer('a'))).toBe(true);
  });

  test('is the same however the request is spelled', async () => {
    await warm(ofCustomer('a'));
    const spelled = new QueryCommand({
      TableName: 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders',
      KeyConditionExpression: 'customerId=:c',
      ExpressionAttributeValues: { ':c': { S: 'a' } },
      ScanIndexForward: true,
      ReturnConsumedCapacity: 'NONE',
    });
    expect(await isStored(spelled)).toBe(true);
  });
});

test('no step back: of two readers under one generation the slower does not replace what the faster stored', async () => {
  start({ tables: DECLARED });
  const { table, client } = pair;
  const slow = table.hold('Query', 'after');
  const older = client.send(ofCustomer('a'));
  await slow.reached;
  change(order('a', '3', 'open')); // its record has not been delivered yet
  expect(await read(ofCustomer('a'))).toEqual(['1', '3']);
  slow.release();
  await older;
  expect(await isStored(ofCustomer('a'))).toBe(true);
  expect(await read(ofCustomer('a'))).toEqual(['1', '3']);
});

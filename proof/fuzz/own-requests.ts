import fc from 'fast-check';
import { type Input, mostly, tablesArbitrary } from './near-keys.js';
import { ITEM_SECRET } from './witness.js';

export type OwnOperation =
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'BatchWriteItem'
  | 'TransactWriteItems'
  | 'ExecuteStatement';

/** One write, for one kind of client. */
export interface Own {
  readonly operation: OwnOperation;
  readonly isDocument: boolean;
  readonly input: Input;
  /** The keys that it names, as it spells them. */
  readonly touched: readonly Touched[];
}

export interface Touched {
  readonly isDocument: boolean;
  readonly tableName: string;
  readonly key: Input;
}

/** One item's part of a write. */
interface Part {
  readonly action: Input;
  readonly touched: Touched;
}

/** Writes of all operations, through a document client or a low-level one. */
export function ownArbitrary(): fc.Arbitrary<Own> {
  return fc.boolean().chain((isDocument) => {
    const of = (operation: OwnOperation, some: fc.Arbitrary<Omit<Own, 'operation' | 'isDocument'>>) =>
      some.map((own): Own => ({ operation, isDocument, ...own }));
    const single = (part: fc.Arbitrary<Part>, more: fc.Arbitrary<Input> = fc.constant({})) =>
      fc.tuple(part, more).map(([{ action, touched }, members]) => ({
        input: { TableName: touched.tableName, ...action, ...members },
        touched: [touched],
      }));
    return fc.oneof(
      { weight: 4, arbitrary: of('PutItem', single(put(isDocument), optionsOf('ALL_OLD'))) },
      {
        weight: 4,
        arbitrary: of(
          'UpdateItem',
          single(update(isDocument), optionsOf('ALL_NEW', 'ALL_NEW', 'UPDATED_NEW', 'ALL_OLD')),
        ),
      },
      { weight: 2, arbitrary: of('DeleteItem', single(deletion(isDocument), optionsOf('ALL_OLD'))) },
      { weight: 2, arbitrary: of('BatchWriteItem', batch(isDocument)) },
      { weight: 2, arbitrary: of('TransactWriteItems', transaction(isDocument)) },
      { weight: 1, arbitrary: of('ExecuteStatement', statement(isDocument)) },
    );
  });
}

/** In the words of the client: plain, or DynamoDB's. */
const text = (isDocument: boolean, plain: string): unknown => (isDocument ? plain : { S: plain });
const number = (isDocument: boolean, plain: number): unknown => (isDocument ? plain : { N: String(plain) });

/** Where a client differs from the wire: what the SDK drops, or turns into text. */
const UNUSUAL: readonly Input[] = [{ extra: undefined }, { extra: null }, { [Symbol('extra')]: 1 } as Input];

function keyed(isDocument: boolean): fc.Arbitrary<Touched> {
  return tablesArbitrary(isDocument).chain(({ name, key }) =>
    key.map((some) => ({ isDocument, tableName: name, key: some })),
  );
}

function put(isDocument: boolean): fc.Arbitrary<Part> {
  const attributes = fc.record({
    v: fc.nat(9),
    many: mostly([0], [12, 120]),
    more: mostly<Input>([{}], UNUSUAL),
    status: fc.constantFrom('open', 'done'),
  });
  return fc.tuple(keyed(isDocument), attributes).map(([touched, { v, many, more, status }]) => ({
    touched,
    action: {
      Item: {
        ...touched.key,
        v: number(isDocument, v),
        secret: text(isDocument, ITEM_SECRET),
        status: text(isDocument, status),
        ...Object.fromEntries(
          Array.from({ length: many }, (_, index) => [`a${index}`, text(isDocument, String(index % 3))]),
        ),
        ...more,
      },
    },
  }));
}

function update(isDocument: boolean): fc.Arbitrary<Part> {
  const plus = number(isDocument, 1);
  const v = number(isDocument, 5);
  const expressions: readonly Input[] = [
    {
      UpdateExpression: 'SET #v = :v',
      ExpressionAttributeNames: { '#v': 'v' },
      ExpressionAttributeValues: { ':v': v },
    },
    { UpdateExpression: 'ADD v :v', ExpressionAttributeValues: { ':v': plus } },
    { UpdateExpression: 'REMOVE m, l' },
    { AttributeUpdates: { v: { Action: 'ADD', Value: plus } } },
    {},
  ];
  const conditions: readonly Input[] = [
    { ConditionExpression: 'attribute_exists(secret)' },
    { ConditionExpression: 'attribute_exists(nope)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' },
  ];
  return fc
    .tuple(keyed(isDocument), fc.constantFrom(...expressions), mostly<Input>([{}], conditions))
    .map(([touched, expression, condition]) => ({
      touched,
      action: { Key: touched.key, ...expression, ...condition },
    }));
}

function deletion(isDocument: boolean): fc.Arbitrary<Part> {
  return keyed(isDocument).map((touched) => ({ touched, action: { Key: touched.key } }));
}

function optionsOf(...returned: readonly string[]): fc.Arbitrary<Input> {
  return fc
    .tuple(
      fc.option(fc.constantFrom('NONE', ...returned), { nil: undefined }),
      mostly<Input>([{}], [{ ReturnConsumedCapacity: 'TOTAL' }, { ReturnItemCollectionMetrics: 'SIZE' }]),
    )
    .map(([ReturnValues, more]) => ({ ...(ReturnValues && { ReturnValues }), ...more }));
}

function batch(isDocument: boolean): fc.Arbitrary<Omit<Own, 'operation' | 'isDocument'>> {
  const request = fc.oneof(
    {
      weight: 3,
      arbitrary: put(isDocument).map(({ action, touched }) => ({ touched, action: { PutRequest: action } })),
    },
    {
      weight: 1,
      arbitrary: deletion(isDocument).map(({ action, touched }) => ({
        touched,
        action: { DeleteRequest: action },
      })),
    },
  );
  return fc
    .tuple(fc.array(request, { minLength: 1, maxLength: 4 }), mostly([false], [true]))
    .map(([requests, hasNull]) => {
      const RequestItems: Record<string, unknown[]> = {};
      for (const { action, touched } of requests) {
        RequestItems[touched.tableName] ??= hasNull ? [null] : [];
        RequestItems[touched.tableName]?.push(action);
      }
      return { input: { RequestItems }, touched: requests.map(({ touched }) => touched) };
    });
}

function transaction(isDocument: boolean): fc.Arbitrary<Omit<Own, 'operation' | 'isDocument'>> {
  const named = (name: string, part: fc.Arbitrary<Part>): fc.Arbitrary<Part> =>
    part.map(({ action, touched }) => ({
      touched,
      action: { [name]: { TableName: touched.tableName, ...action } },
    }));
  const check = deletion(isDocument).map(({ action, touched }) => ({
    touched,
    action: { ...action, ConditionExpression: 'attribute_not_exists(nope)' },
  }));
  const action = fc.oneof(
    { weight: 3, arbitrary: named('Put', put(isDocument)) },
    { weight: 2, arbitrary: named('Update', update(isDocument)) },
    { weight: 1, arbitrary: named('Delete', deletion(isDocument)) },
    { weight: 1, arbitrary: named('ConditionCheck', check) },
  );
  const token = fc.option(fc.nat(999), { nil: undefined, freq: 4 });
  return fc.tuple(fc.array(action, { minLength: 1, maxLength: 3 }), token).map(([actions, used]) => ({
    input: {
      TransactItems: actions.map((some) => some.action),
      ...(used !== undefined && { ClientRequestToken: `token ${used}` }),
    },
    touched: actions.map(({ touched }) => touched),
  }));
}

/** PartiQL, which the middleware leaves to the stream. */
function statement(isDocument: boolean): fc.Arbitrary<Omit<Own, 'operation' | 'isDocument'>> {
  return fc.constantFrom('1', '01', '{').map((id) => ({
    input: {
      Statement: `UPDATE "users" SET v = ? WHERE id = ?`,
      Parameters: [number(isDocument, 7), text(isDocument, id)],
    },
    touched: [{ isDocument, tableName: 'users', key: { id: text(isDocument, id) } }],
  }));
}

import { ITEM_SECRET, KEY_SECRET } from './witness.js';

export const OPERATIONS = [
  ...(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'PutItem', 'UpdateItem', 'DeleteItem'] as const),
  ...(['BatchWriteItem', 'TransactWriteItems', 'TransactGetItems'] as const),
];
export type Operation = (typeof OPERATIONS)[number];

/** An attribute value in the form of the client: DynamoDB's own, or plain JavaScript. */
export type Value = (plain: string | number) => unknown;

/** One of the well-formed inputs of an operation, chosen by a number. */
export function inputsOf(operation: Operation, variant: number, value: Value): object {
  const pick = <T>(...from: readonly T[]): T => from[variant % from.length] as T;
  const id = pick('1', '2', '3', KEY_SECRET);
  const userKey = (of = id) => ({ id: value(of) });
  const user = (of = id) => ({ ...userKey(of), name: value(ITEM_SECRET), logins: value(variant % 5) });
  const orderKey = (order = variant % 3) => ({ customer: value(id), order: value(order) });
  const isOrder = variant % 7 === 0;
  const TableName = isOrder ? 'orders' : 'users';
  const Key = isOrder ? orderKey() : userKey();
  const Item = isOrder ? { ...orderKey(), status: value('open') } : user();
  const options = pick<object>(
    ...[{}, {}, {}, { ConsistentRead: true }, { ReturnConsumedCapacity: 'TOTAL' }],
    ...[
      { ProjectionExpression: '#n, logins', ExpressionAttributeNames: { '#n': 'name' } },
      { AttributesToGet: ['id'] },
    ],
  );
  switch (operation) {
    case 'GetItem':
      return { TableName, Key, ...options };
    case 'BatchGetItem':
      return {
        RequestItems: {
          users: {
            Keys: ['1', '2', '3'].slice(variant % 3).map((of) => userKey(of)),
            ...batchOptions(options),
          },
        },
      };
    case 'Query':
      return {
        TableName: 'users',
        KeyConditionExpression: pick('id = :id', '#k = :id'),
        ...(variant % 2 === 1 && { ExpressionAttributeNames: { '#k': 'id' } }),
        ExpressionAttributeValues: { ':id': value(id) },
        ...pick<object>({}, { Limit: 1 }, { Select: 'COUNT' }, { ScanIndexForward: false }),
      };
    case 'Scan':
      return { TableName, ...pick<object>({}, { Limit: 1 }, { Select: 'COUNT' }, { ConsistentRead: true }) };
    case 'PutItem':
      return { TableName, Item };
    case 'UpdateItem':
      return {
        ...{ TableName: 'users', Key: userKey(), UpdateExpression: 'SET #n = :n' },
        ExpressionAttributeNames: { '#n': 'name' },
        ExpressionAttributeValues: { ':n': value(`${ITEM_SECRET} ${variant}`) },
      };
    case 'DeleteItem':
      return { TableName, Key };
    case 'BatchWriteItem':
      return {
        RequestItems: {
          users: [{ PutRequest: { Item: user('1') } }, { DeleteRequest: { Key: userKey('2') } }],
        },
      };
    case 'TransactWriteItems':
      return {
        TransactItems: [
          { Put: { TableName: 'users', Item: user('2') } },
          { Delete: { TableName: 'users', Key: userKey('3') } },
        ],
      };
    case 'TransactGetItems':
      return { TransactItems: [{ Get: { TableName, Key } }] };
  }
}

function batchOptions({ ReturnConsumedCapacity, ...options }: { ReturnConsumedCapacity?: string }): object {
  return options;
}

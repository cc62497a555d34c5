import { expect, test } from 'vitest';
import { joined } from '../../src/read/rounds.js';

const key = (id: string) => ({ id: { S: id } });

test('no round is the response of a hit, and one round is its own', () => {
  expect(joined([])).toEqual({ $metadata: { httpStatusCode: 200, attempts: 0, totalRetryDelay: 0 } });
  const response = { $metadata: { attempts: 1 }, Responses: { users: [key('1')] } };
  expect(joined([response])).toBe(response);
});

test('two rounds are one response: by table, with the capacity of both', () => {
  const first = {
    $metadata: { attempts: 1 },
    Responses: { users: [key('1')], orders: [key('7')] },
    UnprocessedKeys: { users: { Keys: [key('2')], ConsistentRead: true } },
    ConsumedCapacity: [
      { TableName: 'users', CapacityUnits: 0.5, Table: { CapacityUnits: 0.5 } },
      { TableName: 'orders', CapacityUnits: 1 },
    ],
  };
  const second = {
    $metadata: { attempts: 2 },
    Responses: { users: [key('3')] },
    UnprocessedKeys: { users: { Keys: [key('4')] } },
    ConsumedCapacity: [{ TableName: 'users', CapacityUnits: 1.5, Table: { CapacityUnits: 1.5 } }],
  };
  expect(joined([first, second])).toEqual({
    $metadata: { attempts: 2 },
    Responses: { users: [key('1'), key('3')], orders: [key('7')] },
    UnprocessedKeys: { users: { Keys: [key('2'), key('4')], ConsistentRead: true } },
    ConsumedCapacity: [
      { TableName: 'users', CapacityUnits: 2, Table: { CapacityUnits: 2 } },
      { TableName: 'orders', CapacityUnits: 1 },
    ],
  });
});

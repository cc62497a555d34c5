import { describe, expect, it } from 'vitest';
import type { AttributeMap } from '../../src/attributes.js';
import { parseProjection, project } from '../../src/read/projection.js';
import { isReservedWord } from '../../src/read/reserved-words.js';

const ITEM: AttributeMap = {
  id: { S: '42' },
  name: { S: 'Ada' },
  address: { M: { city: { S: 'London' }, zip: { S: 'NW1' }, geo: { L: [{ N: '51.5' }, { N: '-0.1' }] } } },
  orders: {
    L: [{ M: { sku: { N: '1' }, paid: { BOOL: true } } }, { S: 'lost' }, { M: { sku: { N: '3' } } }],
  },
  tags: { SS: ['a', 'b'] },
  nothing: { M: {} },
  'a.b': { S: 'dotted' },
};

/** What a request returns of ITEM; 'untouched' when it is not understood. */
function read(ProjectionExpression: string, names?: Record<string, string>, item = ITEM) {
  const projection = parseProjection({ ProjectionExpression, ExpressionAttributeNames: names });
  return projection === undefined ? 'untouched' : project(item, projection);
}

describe('parseProjection', () => {
  it('understands a request without a projection as one for the whole item', () => {
    expect(parseProjection({})).toBe('whole');
    expect(parseProjection({ ProjectionExpression: undefined, AttributesToGet: undefined })).toBe('whole');
  });

  it.each([
    ['an empty expression', ''],
    ['an expression of spaces', '  '],
    ['a comma too many', 'id,'],
    ['a comma with nothing before it', ',id'],
    ['a dot with nothing behind it', 'address.'],
    ['two names without a comma', 'id tags'],
    ['an index with nothing before it', '[0]'],
    ['an index behind a dot', 'orders.[0]'],
    ['an index with a leading zero', 'orders[01]'],
    ['a negative index', 'orders[-1]'],
    ['an index beyond 32 bits', 'orders[2147483648]'],
    ['a name that begins with an underscore', '_id'],
    ['a name that begins with a digit', '1st'],
    ['a name with a hyphen', 'first-name'],
    ['whitespace of another kind', 'id\u00a0'],
    ['parentheses', '(id)'],
    ['a function', 'size(id)'],
    ['a placeholder', ':v'],
    ['an undefined alias', '#id'],
    ['a reserved word', 'name'],
    ['a reserved word in another case', 'nAmE'],
    ['a reserved word inside a path', 'address.data'],
    ['a keyword', 'address.and'],
    ['one path twice', 'id, id'],
    ['a path into another', 'address, address.city'],
    ['a path around another', 'address.city, address'],
    ['a name and an index in one place', 'orders[0], orders.sku'],
    ['an index and a name in one place', 'orders.sku, orders[0]'],
    ['a path of 33 steps', `a${'.b'.repeat(32)}`],
    ['an expression over 4 KB', `id${' '.repeat(4095)}`],
  ])('leaves %s to DynamoDB', (_, expression) => {
    expect(read(expression)).toBe('untouched');
  });

  it.each<[string, string, Record<string, string>]>([
    ['unused', '#id', { '#id': 'id', '#tags': 'tags' }],
    ['empty', 'id', {}],
    ['without a name', '#id', { '#id': '' }],
    ['with a long name', '#id', { '#id': 'x'.repeat(256) }],
    ['long', `#${'x'.repeat(255)}`, { [`#${'x'.repeat(255)}`]: 'id' }],
    ['only inherited', '#id, #t', Object.assign(Object.create({ '#id': 'id' }), { '#t': 'tags' })],
  ])('leaves aliases that are %s to DynamoDB', (_, expression, names) => {
    expect(read(expression, names)).toBe('untouched');
  });

  it('leaves two aliases of one name to DynamoDB', () => {
    expect(read('#a, #b', { '#a': 'id', '#b': 'id' })).toBe('untouched');
  });

  it.each([
    ['nothing', { AttributesToGet: [] }],
    ['one name twice', { AttributesToGet: ['id', 'id'] }],
    ['an empty name', { AttributesToGet: [''] }],
    ['names and an expression', { AttributesToGet: ['id'], ProjectionExpression: 'id' }],
    ['names and aliases', { AttributesToGet: ['id'], ExpressionAttributeNames: { '#id': 'id' } }],
    ['aliases alone', { ExpressionAttributeNames: { '#id': 'id' } }],
  ])('leaves a request for %s to DynamoDB', (_, request) => {
    expect(parseProjection(request)).toBeUndefined();
  });
});

describe('project', () => {
  it('keeps whole attributes, whatever the whitespace', () => {
    expect(read(' id\t,\r\ntags ')).toEqual({ id: { S: '42' }, tags: { SS: ['a', 'b'] } });
  });

  it('keeps what paths lead to, in the maps it was in', () => {
    expect(read('address.city, id')).toEqual({ address: { M: { city: { S: 'London' } } }, id: { S: '42' } });
  });

  it('merges paths into one parent', () => {
    expect(read('address.city, address.geo[1]')).toEqual({
      address: { M: { city: { S: 'London' }, geo: { L: [{ N: '-0.1' }] } } },
    });
  });

  it("puts selected list elements close together, in the list's order", () => {
    expect(read('orders[2], orders[9], orders[0].paid')).toEqual({
      orders: { L: [{ M: { paid: { BOOL: true } } }, { M: { sku: { N: '3' } } }] },
    });
  });

  it('merges paths into one list element', () => {
    expect(read('orders[0].paid, orders[0].sku')).toEqual({
      orders: { L: [{ M: { sku: { N: '1' }, paid: { BOOL: true } } }] },
    });
  });

  it.each([
    'absent',
    'absent.city',
    'id.city',
    'id[0]',
    'tags[0]',
    'address[0]',
    'orders.sku',
    'orders[3]',
    'orders[1].sku',
    'nothing.whatsoever',
  ])('answers an empty item when there is nothing at %s', (expression) => {
    expect(read(expression)).toEqual({});
  });

  it('keeps an empty map that is selected itself', () => {
    expect(read('nothing')).toEqual({ nothing: { M: {} } });
  });

  it('reads an alias as one name, whatever is in it', () => {
    expect(read('#x, #n', { '#x': 'a.b', '#n': 'name' })).toEqual({
      'a.b': { S: 'dotted' },
      name: { S: 'Ada' },
    });
  });

  it('takes the names of the legacy AttributesToGet as they are', () => {
    const projection = parseProjection({ AttributesToGet: ['a.b', 'name', 'address.city'] });
    expect(project(ITEM, projection ?? new Map())).toEqual({ 'a.b': { S: 'dotted' }, name: { S: 'Ada' } });
  });

  it('handles an attribute named __proto__ like any other', () => {
    const item: AttributeMap = JSON.parse('{"__proto__":{"M":{"__proto__":{"S":"own"},"b":{"S":"c"}}}}');
    for (const projected of [read('#p.#p', { '#p': '__proto__' }, item), project(item, 'whole')]) {
      expect(Object.getPrototypeOf(projected)).toBe(Object.prototype);
    }
    expect(JSON.stringify(read('#p.#p', { '#p': '__proto__' }, item))).toBe(
      '{"__proto__":{"M":{"__proto__":{"S":"own"}}}}',
    );
    expect(JSON.stringify(project(item, 'whole'))).toBe(JSON.stringify(item));
  });

  it('finds no attribute that an item only inherits', () => {
    expect(read('#p, #c, toString', { '#p': '__proto__', '#c': 'constructor' })).toEqual({});
  });
});

describe('isReservedWord', () => {
  it('knows a word in any case, and no word that only contains one', () => {
    expect(['NAME', 'name', 'Zone', 'abort'].every(isReservedWord)).toBe(true);
    expect(['', 'names_', 'id', 'toString', '__proto__'].some(isReservedWord)).toBe(false);
  });
});

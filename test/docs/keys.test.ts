import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encode, itemKey } from '../../src/index.js';
import { guardKey, tableTag } from '../../src/key.js';
import { recorded } from '../support/examples.js';
import { code, page } from '../support/pages.js';
import { Decimal, plainMembers, readLikePython } from './python-reader.js';

const PAGE = page('docs/keys.md');

describe('the keys', () => {
  const rows = PAGE.tables('Keys').flat();

  test.each(rows)('of %s with key %s is %s', (table, keys, expected) => {
    const [, name = '', namespace] = /^`(\w+)`(?:, in namespace `(\w+)`)?$/.exec(table ?? '') ?? [];
    expect(itemKey(namespace, name, JSON.parse(code(keys)))).toBe(code(expected));
  });

  test('over 1,024 bytes are hashed as described', () => {
    const id = 'x'.repeat(1_024);
    const digest = createHash('sha256').update(`shop:users:id=${id}`).digest('base64url');
    expect(itemKey('shop', 'users', { id: { S: id } })).toBe(`shop:users:sha256.${digest}`);
    expect(itemKey(undefined, 'users', { id: { S: id.slice('users:id='.length) } })).toMatch(/^users:id=x+$/);
  });

  test('of guards are as described', () => {
    expect(PAGE.section('Keys')).toContain(`\`${guardKey('K')}\``);
    expect(guardKey('user:{42}')).toMatch(/^user:\{42\}.*:guard$/);
    expect(PAGE.section('Keys')).toContain(`\`${guardKey(tableTag(undefined, 'users'))}\``);
  });
});

describe('the stored values', () => {
  const rows = PAGE.tables('Stored values').flat();

  test.each(rows)('of %s is %s, type %s', (attribute, json, type) => {
    const [value, stored, kind] = [JSON.parse(code(attribute)), code(json), code(type)];
    const types = kind === '' ? '' : `,"$types":{"/it":"${kind}"}`;
    expect(encode({ it: value })).toBe(`{"it":${stored}${types}}`);
  });

  test('name every type of DynamoDB', () => {
    const types = rows.map(([attribute]) => Object.keys(JSON.parse(code(attribute)))[0]);
    expect([...new Set(types)].sort()).toEqual(['B', 'BOOL', 'BS', 'L', 'M', 'N', 'NS', 'NULL', 'S', 'SS']);
  });

  test('are read by what the Python example does, whatever the item', () => {
    const item = recorded('every-attribute-type.json').Records[0]?.dynamodb?.NewImage as never;
    expect(PAGE.blocks('python')).toHaveLength(1);
    expect(readLikePython(encode(item))).toEqual(plainMembers(item));
    expect(readLikePython(encode({ $types: { S: 'own' }, $$types: { NS: ['1'] } }))).toEqual(
      new Map<string, unknown>([
        ['$types', 'own'],
        ['$$types', new Set([new Decimal('1')])],
      ]),
    );
    expect(readLikePython('null')).toBeNull();
  });
});

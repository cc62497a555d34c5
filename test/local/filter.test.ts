import type { DynamoDBRecord } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import { readFilter } from '../../src/local/filter.js';
import { readOptions } from '../../src/local/options.js';
import { record } from '../support/records.js';
import { streamRecord } from '../support/scripted-stream.js';
import { createRig } from './rig.js';

const CHANGED = record({
  eventName: 'MODIFY',
  id: 'user-42',
  item: {
    tags: { SS: ['a', 'b'] },
    none: { NULL: true },
    empty: { S: '' },
    list: { L: [{ S: 'x' }, { N: '7' }] },
  },
});

const passes =
  (...patterns: object[]) =>
  (one: DynamoDBRecord) =>
    readFilter({ filters: patterns.map((pattern) => ({ pattern: JSON.stringify(pattern) })) })(one);
const keys = (...S: unknown[]) => ({ dynamodb: { Keys: { id: { S } } } });
const image = (NewImage: object) => ({ dynamodb: { NewImage } });

describe('a record passes', () => {
  test.each<[string, object, boolean]>([
    ['a pattern that names nothing', {}, true],
    ['its own key', keys('user-42'), true],
    ['another key', keys('user-43'), false],
    ['one of several keys', keys('user-41', 'user-42'), true],
    ['a prefix', keys({ prefix: 'user-' }), true],
    ['another prefix', keys({ prefix: 'order-' }), false],
    ['a suffix', keys({ suffix: '-42' }), true],
    ['another suffix', keys({ suffix: 'user' }), false],
    ['its key in capitals', keys({ 'equals-ignore-case': 'USER-42' }), true],
    ['its key in capitals, exactly', keys('USER-42'), false],
    ['anything but another', keys({ 'anything-but': ['user-1', 'user-2'] }), true],
    ['anything but it', keys({ 'anything-but': ['user-1', 'user-42'] }), false],
    ['anything but one text', keys({ 'anything-but': 'user-1' }), true],
    ['anything but, of what is not there', image({ gone: { S: [{ 'anything-but': ['x'] }] } }), false],
    ['an attribute that is there', image({ name: { S: [{ exists: true }] } }), true],
    ['an attribute that is not', image({ gone: { S: [{ exists: true }] } }), false],
    ['the absence of one', image({ gone: { S: [{ exists: false }] } }), true],
    ['the absence of one that is there', image({ name: { S: [{ exists: false }] } }), false],
    [
      'the existence of what has members: that is no leaf',
      { dynamodb: { NewImage: [{ exists: true }] } },
      false,
    ],
    ['a member of a set', image({ tags: { SS: ['b', 'c'] } }), true],
    ['no member of a set', image({ tags: { SS: ['c'] } }), false],
    ['a prefix of a member of a set', image({ tags: { SS: [{ prefix: 'b' }] } }), true],
    ['an element of a list', image({ list: { L: { N: ['7'] } } }), true],
    ['no element of a list', image({ list: { L: { N: ['8'] } } }), false],
    ['a value of BOOL or NULL', image({ none: { NULL: [true] } }), true],
    ['null, which it is not', image({ none: { NULL: [null] } }), false],
    ['an empty text', image({ empty: { S: [''] } }), true],
    ['a number, as the text that it is', image({ logins: { N: ['1'] } }), true],
    [
      'a number of DynamoDB by its size, which its text has none of',
      image({ logins: { N: [{ numeric: ['=', 1] }] } }),
      false,
    ],
    ['a size within a range', { dynamodb: { SizeBytes: [{ numeric: ['>', 0, '<=', 100] }] } }, true],
    ['a size out of a range', { dynamodb: { SizeBytes: [{ numeric: ['>', 100, '<=', 200] }] } }, false],
    ['a size', { dynamodb: { SizeBytes: [{ numeric: ['=', 100] }] } }, true],
    ['all of several members', { eventName: ['MODIFY'], ...keys('user-42') }, true],
    ['not all of several members', { eventName: ['INSERT'], ...keys('user-42') }, false],
    ['one of several with $or', { $or: [{ eventName: ['INSERT'] }, keys('user-42')] }, true],
    ['none of several with $or', { $or: [{ eventName: ['INSERT'] }, keys('user-43')] }, false],
    [
      'one of several with $or, and not what stands beside it',
      { $or: [keys('user-42')], eventName: ['REMOVE'] },
      false,
    ],
  ])('%s: %j: %s', (_, pattern, expected) => {
    expect(passes(pattern)(CHANGED)).toBe(expected);
  });

  test('when any of the filters lets it through, and when there is none', () => {
    expect(passes(keys('user-43'), keys('user-42'))(CHANGED)).toBe(true);
    expect(passes(keys('user-43'), keys('user-44'))(CHANGED)).toBe(false);
    expect(passes()(CHANGED)).toBe(true);
  });
});

test.each<[string, string]>([
  ['{', 'takes filterCriteria of patterns as Lambda does'],
  ['[]', '[] is no JSON object'],
  ['{"eventName":"INSERT"}', 'eventName is neither an object nor a list with rules'],
  ['{"eventName":[]}', 'eventName is neither an object nor a list with rules'],
  ['{"$or":[["INSERT"]]}', '$or has what is no object'],
  ['{"eventName":[{"regex":"I.*"}]}', '{"regex":"I.*"} of eventName is no rule'],
  ['{"eventName":[{"prefix":7}]}', 'is no rule'],
  ['{"eventName":[{"exists":"yes"}]}', 'is no rule'],
  ['{"eventName":[{"prefix":"I","suffix":"T"}]}', 'is no rule'],
  ['{"eventName":[{"anything-but":{"prefix":"I"}}]}', 'is no rule'],
  ['{"eventName":[{"numeric":["about",7]}]}', 'is no rule'],
  ['{"eventName":[{"numeric":["="]}]}', 'is no rule'],
])('a mapping refuses the pattern %s', (pattern, message) => {
  const create = () =>
    readOptions({ handler: async () => {}, tableName: 'users', filterCriteria: { filters: [{ pattern }] } });
  expect(create).toThrow(ConfigError);
  expect(create).toThrow(message);
});

test('what is filtered out is not delivered, fills no batch, and is done with', async () => {
  const pattern = JSON.stringify(keys({ prefix: 'x' }));
  const rig = createRig({ batchSize: 2, filterCriteria: { filters: [{ pattern }] } });
  const names = ['x', 'y', 'y', 'x', 'y', 'x', 'y'];
  rig.stream.write('a', ...names.map((id, index) => streamRecord(id, index + 1, rig.clock.now())));
  await rig.start();
  await rig.drained();
  expect(rig.delivered).toEqual(['x1 x4', 'x6']);
  await rig.stop();
});

import { describe, expect, test } from 'vitest';
import { readResponse } from '../../src/local/response.js';
import { sequenceNumber, streamRecord } from '../support/scripted-stream.js';

const records = [streamRecord('a', 1), streamRecord('b', 2), streamRecord('c', 3)];
const failing = (...identifiers: unknown[]) => ({
  batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })),
});
const failedFrom = (response: unknown) => readResponse(response, records).failedFrom;

describe('a success is', () => {
  test.each([
    ['no response', undefined],
    ['a null response', null],
    ['an empty response', {}],
    ['an empty list', { batchItemFailures: [] }],
    ['a null list', { batchItemFailures: null }],
    ['a response that is only a text', 'done'],
  ])('%s', (_, response) => {
    expect(failedFrom(response)).toBeUndefined();
  });
});

describe('the checkpoint is', () => {
  test('the reported record', () => {
    expect(failedFrom(failing(sequenceNumber(2)))).toBe(1);
  });

  test('the lowest of several, in whatever order they are reported', () => {
    expect(failedFrom(failing(sequenceNumber(3), sequenceNumber(2)))).toBe(1);
  });
});

describe('the whole batch has failed with', () => {
  test.each([
    ['an empty identifier', failing('')],
    ['a null identifier', failing(null)],
    ['an unknown identifier', failing(sequenceNumber(99))],
    ['a wrong key name', { batchItemFailures: [{ itemIdentifer: sequenceNumber(2) }] }],
    ['an entry that is no object', { batchItemFailures: [null] }],
    ['a list that is no list', { batchItemFailures: 'all' }],
    ['one bad identifier among good ones', failing(sequenceNumber(3), '')],
  ])('%s', (_, response) => {
    expect(failedFrom(response)).toBe(0);
  });
});

import { expect, test } from 'vitest';
import type { Invocation, RecordResult } from '../../src/cli/invocation.js';
import { closingText, invocationText, openingText } from '../../src/cli/invocation-text.js';
import { painter } from '../../src/cli/terminal.js';
import { CacheError } from '../../src/index.js';

const PLAIN = { width: 80, paint: painter(false) };
const RUN = { cache: 'memory:', handler: null, restamped: true };

test('shows each record, the response, and what is in the cache', () => {
  const invocation = invocationOf([written('101'), { ...written('102'), outcome: 'superseded' }], {
    contents: new Map([
      ['users:id=1', '{"id":"1"}'],
      ['users:id=2', undefined],
    ]),
  });
  expect(invocationText(invocation, PLAIN)).toBe(`
event.json
  record  event   key         outcome
  101     INSERT  users:id=1  written
  102     INSERT  users:id=1  superseded
  response  {"batchItemFailures":[]}
  cache     users:id=1  {"id":"1"}
            users:id=2  (not cached)
`);
});

test('says why records failed, once for each reason, and what cannot be read', () => {
  const failed = (error: string): RecordResult => ({
    ...written('101'),
    outcome: 'failed',
    error: new CacheError(error),
  });
  const invocation = invocationOf([failed('Gone.'), failed('Gone.'), failed('Slow.')], {
    response: { batchItemFailures: [{ itemIdentifier: '101' }] },
    contents: new Map([['users:id=1', new CacheError('Gone.')]]),
  });
  const text = invocationText(invocation, PLAIN);
  expect(text).toContain('  ! 2 records failed: Gone.\n  ! 1 record failed: Slow.\n');
  expect(text).toContain('  response  {"batchItemFailures":[{"itemIdentifier":"101"}]}\n');
  expect(text).toContain('  cache     users:id=1  (not readable: Gone.)\n');
});

test('says which record is poison, and which table can only invalidate', () => {
  const poisoned: RecordResult = { ...written('101'), outcome: 'deleted', poison: new Error('What is X?') };
  const text = invocationText(
    invocationOf([poisoned], {
      invalidatesOnly: [{ type: 'invalidates-only', tableName: 'sessions', reason: 'no-new-image' }],
    }),
    PLAIN,
  );
  expect(text).toContain('  101     INSERT  users:id=1  deleted (poison)\n');
  expect(text).toContain('  ! 101 is poison, what can be deleted is: What is X?\n');
  expect(text).toContain('  ! records of sessions can only delete their keys:');
});

test('says of how many records a handler reported nothing', () => {
  const text = invocationText(invocationOf([], { size: 2, response: undefined }), PLAIN);
  expect(text).toContain('! nothing was reported of 2 records');
  expect(text).toContain('response  (none)');
});

test('keeps tables and stored text within the width of the terminal', () => {
  const key = `users:id=${'k'.repeat(100)}`;
  const invocation = invocationOf([{ ...written('101'), key }], {
    response: { batchItemFailures: new Array(50).fill({ itemIdentifier: '101' }) },
    contents: new Map([[key, `{"text":"${'t'.repeat(500)}\u001b[2J"}`]]),
  });
  const lines = invocationText(invocation, { ...PLAIN, width: 60 }).split('\n');
  expect(Math.max(...lines.map((line) => [...line].length))).toBe(60);
});

test('colours do not shift the columns', () => {
  const invocation = invocationOf([written('101')], { contents: new Map([['users:id=1', undefined]]) });
  const coloured = invocationText(invocation, { width: 80, paint: painter(true) });
  expect(coloured).toContain('\u001b[32mwritten\u001b[39m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(invocationText(invocation, PLAIN));
});

test('opens with the cache, and with what was done to the times', () => {
  expect(openingText(RUN)).toMatch(/^Invoking the handler on the cache memory:\n.* times are moved.*\n$/);
  expect(openingText({ ...RUN, restamped: false })).toBe('Invoking the handler on the cache memory:\n');
  expect(openingText({ ...RUN, handler: 'l.mjs' })).toContain('cannot be looked into');
});

test('closes with the outcomes of all invocations and what they mean', () => {
  const invocation = invocationOf([written('101'), { ...written('102'), outcome: 'superseded' }]);
  const text = closingText([invocation, invocation], RUN, PLAIN);
  expect(text).toContain('\n2 invocations, 4 records\n  2  written     the new image is in the cache\n');
  expect(text).toContain('\n  2  superseded  a newer record of the same item');
});

test('explains records that are disordered only because their times were moved twice', () => {
  const invocation = invocationOf([{ ...written('101'), outcome: 'disordered' }]);
  expect(closingText([invocation], RUN, PLAIN)).toContain('invoked before');
  expect(closingText([invocation], { ...RUN, restamped: false }, PLAIN)).not.toContain('invoked before');
});

function written(sequenceNumber: string): RecordResult {
  return {
    type: 'record',
    outcome: 'written',
    tableName: 'users',
    eventName: 'INSERT',
    sequenceNumber,
    key: 'users:id=1',
  };
}

function invocationOf(records: readonly RecordResult[], rest: Partial<Invocation> = {}): Invocation {
  return {
    file: 'event.json',
    size: records.length,
    records,
    invalidatesOnly: [],
    response: { batchItemFailures: [] },
    ...rest,
  };
}

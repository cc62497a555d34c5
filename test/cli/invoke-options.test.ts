import { expect, test } from 'vitest';
import { CommandError } from '../../src/cli/command-error.js';
import { localContext } from '../../src/cli/context.js';
import { invokeOptions } from '../../src/cli/invoke-options.js';

test('paths alone leave every option at its default', () => {
  expect(invokeOptions(['events', 'more.json'])).toEqual({
    paths: ['events', 'more.json'],
    asRecorded: false,
    timeoutMs: 60_000,
    json: false,
    verbose: false,
    help: false,
  });
});

test('every option is read, before and behind the paths', () => {
  const args =
    '--cache redis://h --mode refresh events --namespace n --handler h.mjs --as-recorded --timeout 1.5 --json --verbose';
  expect(invokeOptions(args.split(' '))).toEqual({
    paths: ['events'],
    cache: 'redis://h',
    mode: 'refresh',
    namespace: 'n',
    handler: 'h.mjs',
    asRecorded: true,
    timeoutMs: 1500,
    json: true,
    verbose: true,
    help: false,
  });
});

test('help needs no paths', () => {
  expect(invokeOptions(['-h'])).toMatchObject({ help: true, paths: [] });
});

test.each([
  [['events', '--nope'], "Unknown option '--nope'."],
  [['events', '--cache'], "Option '--cache <value>' argument missing."],
  [[], 'no event is named.'],
  [['events', '--timeout', 'soon'], '--timeout soon is not a number of seconds up to 900.'],
  [['events', '--timeout', '0'], '--timeout 0 is not a number of seconds up to 900.'],
  [['events', '--timeout', '901'], '--timeout 901 is not a number of seconds up to 900.'],
])('%j is refused in one sentence, with where to look', (args, message) => {
  const thrown = thrownBy(() => invokeOptions(args));
  expect(thrown).toBeInstanceOf(CommandError);
  expect(thrown).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) });
  expect(thrown.message).toMatch(/^stream-cache invoke: .* See stream-cache invoke --help\.$/);
});

test("a local context's time runs down from the timeout, to zero at the least", () => {
  const remaining = localContext(60_000).getRemainingTimeInMillis();
  expect(remaining).toBeGreaterThan(50_000);
  expect(remaining).toBeLessThanOrEqual(60_000);
  expect(localContext(-1).getRemainingTimeInMillis()).toBe(0);
});

function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('Nothing was thrown.');
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the benchmarks run, with servers and processes of their own, and print a table', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['scripts/run.mjs', 'bench/main.ts'],
    ...['--only', 'S1,S7', '--scale', '0.001', '--rounds', '1'],
  ]);
  const ids = stdout.split('\n').flatMap((line) => /^\| (S\d+) .*\d/.exec(line)?.[1] ?? []);
  expect(new Set(ids)).toEqual(new Set(['S1', 'S2', 'S7']));
});

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

test('the workloads say of each cache how much it answers and how stale', async () => {
  const { stdout } = await run(process.execPath, [
    ...['scripts/run.mjs', 'bench/workload/main.ts', '--scale', '0.02', '--only', 'YCSB A'],
  ]);
  const [hits, stale] = [1, 5].map((column) => (name: string) => {
    const row = stdout.split('\n').find((line) => line.startsWith(`| ${name} `));
    return Number.parseFloat(row?.split('|')[column + 1] ?? '');
  }) as [Figure, Figure];
  expect(hits('no cache')).toBe(0);
  expect(hits('this pair, writes through')).toBeGreaterThan(hits('this pair'));
  expect(hits('the limit: told of each write')).toBeGreaterThan(hits('this pair, writes through'));
  expect(stale('the limit: told of each write')).toBe(0);
  expect(stale('this pair')).toBeLessThan(stale('SET and DEL per record, read-through'));
});

type Figure = (name: string) => number;

test('the benchmarks run, with servers and processes of their own, and print a table', async () => {
  const { stdout } = await run(process.execPath, [
    ...['scripts/run.mjs', 'bench/main.ts'],
    ...['--only', 'S1,S7', '--scale', '0.001', '--rounds', '1'],
  ]);
  const ids = stdout.split('\n').flatMap((line) => /^\| (S\d+) .*\d/.exec(line)?.[1] ?? []);
  expect(new Set(ids)).toEqual(new Set(['S1', 'S2', 'S7']));
});

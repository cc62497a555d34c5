import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compare } from '../../proof/compare.js';
import { OURS, PROMISING } from '../../proof/names.js';
import { MODES } from '../../proof/options.js';
import { RULES, withoutRule } from '../../proof/rules.js';
import type { Tally, Task } from '../../proof/task.js';
import { newWorkers, type Workers } from '../../proof/workers.js';
import { bundleProgram } from '../../scripts/bundle.mjs';
import { rounds } from '../support/thorough.js';

let workers: Workers<Task, Tally>;
beforeAll(async () => {
  workers = newWorkers<Task, Tally>(await bundleProgram('proof/worker.ts', { variant: '-test' }));
});
afterAll(() => workers.close());

test('the pair keeps its promises where what people use today breaks them', {
  timeout: 120_000,
}, async () => {
  const worlds = rounds(50, 100);
  const { tallies } = await compare(workers, worlds);
  for (const system of PROMISING)
    for (const mode of MODES)
      expect(tallies.get(`${system}, mode ${mode}`)).toMatchObject({ runs: worlds, broken: {} });
  const others = [...tallies].filter(([name]) => !name.startsWith(OURS));
  expect(others).toHaveLength(4);
  for (const [, { broken }] of others) {
    expect(broken['no step back']).toBeGreaterThan(0);
    expect(broken.convergence).toBeGreaterThan(0);
  }
});

test('the same seed gives the same run, whatever was run before', async () => {
  const tallies: Tally[] = [];
  const task: Task = { system: OURS, mode: 'write', seeds: { from: 7, to: 9 } };
  await workers.all([task, task, task], (_, tally) => tallies.push(tally));
  expect(tallies[1]).toEqual(tallies[0]);
  expect(tallies[2]).toEqual(tallies[0]);
});

const page = await readFile('docs/coherence.md', 'utf8');
const documented = page
  .slice(page.indexOf('<!-- rules -->'), page.indexOf('<!-- /rules -->'))
  .split('\n')
  .filter((line) => /^\| .* \| +\d+ \|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('the page has every rule', () => {
  expect(documented.map(([, name]) => name)).toEqual(RULES.map(({ name }) => name));
});

describe('without a rule, a promise breaks as the page says', () => {
  test.each(documented)(
    '%s%s: seed %s, mode %s, %s',
    { timeout: 60_000 },
    async (_, name, seed, mode, what) => {
      const rules = RULES.filter((rule) => rule.name === name);
      const program = await bundleProgram('proof/worker.ts', {
        variant: `-test-without-${seed}`,
        plugins: rules.map(withoutRule),
      });
      const without = newWorkers<Task, Tally>(program, 1);
      const seeds = { from: Number(seed), to: Number(seed) + 1 };
      const found: string[] = [];
      const system = rules[0]?.system ?? OURS;
      await without.all([{ system, mode: mode as 'write', seeds }], (_task, { first }) => {
        if (first) found.push(`${first.violation.promise}: ${first.violation.text}`);
      });
      await without.close();
      expect(found).toEqual([what]);
    },
  );
});

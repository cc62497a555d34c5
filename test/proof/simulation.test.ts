import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compare } from '../../proof/compare.js';
import { MODES } from '../../proof/options.js';
import { RULES, withoutRule } from '../../proof/rules.js';
import { OURS } from '../../proof/systems.js';
import type { Tally } from '../../proof/task.js';
import { newWorkers, type Workers } from '../../proof/workers.js';
import { bundleProgram } from '../../scripts/bundle.mjs';

let workers: Workers;
beforeAll(async () => {
  workers = newWorkers(await bundleProgram('proof/worker.ts', { variant: '-test' }));
});
afterAll(() => workers.close());

test('the pair keeps its promises where what people use today breaks them', {
  timeout: 120_000,
}, async () => {
  const { tallies } = await compare(workers, 100);
  for (const mode of MODES)
    expect(tallies.get(`${OURS}, mode ${mode}`)).toMatchObject({ runs: 100, broken: {} });
  const others = [...tallies].filter(([name]) => !name.startsWith(OURS));
  expect(others).toHaveLength(4);
  for (const [, { broken }] of others) {
    expect(broken['no step back']).toBeGreaterThan(0);
    expect(broken.convergence).toBeGreaterThan(0);
  }
});

test('the same seed gives the same run', async () => {
  const task = { system: OURS, mode: 'write' as const, seeds: { from: 7, to: 9 } };
  const tallies: Tally[] = [];
  await workers.all([task, task, task], (_, tally) => tallies.push(tally));
  expect(tallies[1]).toEqual(tallies[0]);
  expect(tallies[2]).toEqual(tallies[0]);
});

describe.each(RULES)('$name', (rule) => {
  test(`is missed in seed ${rule.broken.seed}, mode ${rule.broken.mode}`, { timeout: 60_000 }, async () => {
    const program = await bundleProgram('proof/worker.ts', {
      variant: `-test-${RULES.indexOf(rule)}`,
      plugins: [withoutRule(rule)],
    });
    const { seed, mode } = rule.broken;
    const without = newWorkers(program, 1);
    const task = { system: OURS, mode, seeds: { from: seed, to: seed + 1 } };
    let found: Tally | undefined;
    await without.all([task], (_, tally) => {
      found = tally;
    });
    await without.close();
    expect(found?.first?.violation.promise).toBe(rule.broken.promise);
  });
});

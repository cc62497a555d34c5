// How much of what is asked the cache answers, and how much of what is answered is stale, for this package and for what one
// would use instead: `npm run bench:workload [-- --scale 1 --only 'YCSB A']`. The code is the real one, the clock and the network
// are simulated: the figures are the same on every machine.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { withoutRule } from '../../proof/rules.js';
import { textTable } from '../../proof/text-table.js';
import { newWorkers } from '../../proof/workers.js';
import { bundleProgram } from '../../scripts/bundle.mjs';
import { twoDigits } from '../figure.js';
import type { Result, Setup } from './run.js';
import { drawScatter } from './scatter.js';
import { CONTENDERS, type Contender } from './systems.js';
import { WORKLOADS } from './traffic.js';

const REPORT = 'docs/performance.md';
const OURS = 'this pair';
const THROUGH = 'this pair, writes through';
const ONE_TABLE = 'one table';

/** The code as it was: a record whose text is what is stored voids it as any other that overlaps. */
const WITHOUT_SAME = {
  name: 'same',
  file: 'src/coherence.ts',
  code: "return isStored() ? 'same' : 'overlapping';",
  without: "return 'overlapping';",
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { scale: { type: 'string', default: '1' }, only: { type: 'string' } },
  });
  const scale = Number(values.scale);
  const usual = {
    ...{ processes: 50, perSecond: 500, streamDelayMs: 150, leaseMs: 25 },
    ...{ warmUpSeconds: Math.min(60, 600 * scale), seconds: 240 * scale },
  };
  const workloads = Object.keys(WORKLOADS).filter((name) => !values.only || name === values.only);

  const byContender = workloads.flatMap((workload) =>
    CONTENDERS.map(({ name }): Setup => ({ ...usual, workload, contender: name })),
  );
  const bySize = [1, 20, 100, 500].flatMap((processes) =>
    ['this pair, without hot-item rules', OURS, THROUGH].map(
      (contender): Setup => ({ ...usual, workload: ONE_TABLE, contender, processes }),
    ),
  );
  const byDelay = [150, 1_000, 5_000].flatMap((streamDelayMs) =>
    ['SET and DEL per record, read-through', OURS, THROUGH].map(
      (contender): Setup => ({ ...usual, workload: ONE_TABLE, contender, streamDelayMs }),
    ),
  );
  const byLease = [0, 5, 10, 25, 50, 100].map(
    (leaseMs): Setup => ({
      ...usual,
      workload: 'YCSB A',
      contender: OURS,
      perSecond: 2_000,
      seconds: 60 * scale,
      leaseMs,
    }),
  );
  const extra = values.only ? [] : [...bySize, ...byDelay, ...byLease];
  const results = await simulate([...byContender, ...extra]);
  const resultOf = (setup: Setup) => results.get(JSON.stringify(setup)) as Result;

  const tables = workloads.map(
    (workload) =>
      `**${workload}**: ${WORKLOADS[workload]?.().what}\n\n${textTable(
        ['', ...COLUMNS],
        byContender
          .filter((setup) => setup.workload === workload)
          .map((setup) => [setup.contender, ...row(resultOf(setup))]),
      )}`,
  );
  if (!values.only) {
    tables.push(
      `**Processes** that share the calls of *${ONE_TABLE}*:\n\n${textTable(
        ['processes', '', ...COLUMNS],
        bySize.map((setup) => [String(setup.processes), setup.contender, ...row(resultOf(setup))]),
      )}`,
      `**The stream's delay** beside polling, *${ONE_TABLE}*:\n\n${textTable(
        ['delay, ms', '', ...COLUMNS],
        byDelay.map((setup) => [String(setup.streamDelayMs), setup.contender, ...row(resultOf(setup))]),
      )}`,
      `**\`leaseMs\`**, *YCSB A* at 2,000 calls a second:\n\n${textTable(
        ['leaseMs', 'reads of the table per 1,000', 'per write', 'of a miss: p50, ms', 'p99', 'max'],
        byLease.map((setup) => leaseRow(setup.leaseMs, resultOf(setup))),
      )}`,
    );
  }
  console.log(tables.join('\n\n'));
  if (scale !== 1 || values.only) return;
  await writeSection(tables.join('\n\n'));
  const points = byContender.filter(({ workload }) => workload === ONE_TABLE);
  await drawScatter(
    points.map((setup) => ({
      name: setup.contender,
      ...pointOf(resultOf(setup)),
      isOurs: contenderOf(setup).isOurs === true,
    })),
  );
}

function contenderOf({ contender }: Setup): Contender {
  return CONTENDERS.find(({ name }) => name === contender) as Contender;
}

async function simulate(setups: readonly Setup[]): Promise<Map<string, Result>> {
  const results = new Map<string, Result>();
  const distinct = [...new Map(setups.map((setup) => [JSON.stringify(setup), setup])).values()];
  const programs = [
    { isBefore: false, plugins: [] },
    { isBefore: true, plugins: [withoutRule(WITHOUT_SAME)] },
  ];
  for (const { isBefore, plugins } of programs) {
    const program = await bundleProgram('bench/workload/worker.ts', {
      variant: isBefore ? '-before' : '',
      plugins,
    });
    const workers = newWorkers<Setup, Result>(program);
    const tasks = distinct.filter((setup) => (contenderOf(setup).isBefore === true) === isBefore);
    await workers.all(
      tasks.map((setup) => (isBefore ? { ...setup, leaseMs: 0 } : setup)),
      (setup, result) => {
        process.stderr.write(`${setup.workload}, ${setup.contender}, ${setup.processes} processes\n`);
        const asked = isBefore ? distinct.filter((other) => same(other, setup)) : [setup];
        for (const one of asked) results.set(JSON.stringify(one), result);
      },
    );
    await workers.close();
  }
  return results;
}

/** Whether they differ in the lease alone, of which the code of before knows nothing. */
function same(one: Setup, other: Setup): boolean {
  return JSON.stringify({ ...one, leaseMs: 0 }) === JSON.stringify({ ...other, leaseMs: 0 });
}

const COLUMNS = [
  ...['hits', 'reads of the table per 1,000', 'per write', 'read units per 1,000'],
  ...['stale answers', 'their age: p50', 'p99', 'max'],
];

function row(result: Result): string[] {
  const { reads, hits, writes, tableReads, strongReads, staleAges } = result;
  const units = strongReads + (tableReads - strongReads) / 2;
  return [
    percent(hits / reads),
    twoDigits((1000 * tableReads) / reads),
    writes === 0 ? '–' : twoDigits(tableReads / writes),
    twoDigits((1000 * units) / reads),
    percent(staleAges.length / reads),
    ...[0.5, 0.99, 1].map((share) => (staleAges.length === 0 ? '–' : duration(quantile(staleAges, share)))),
  ];
}

function leaseRow(leaseMs: number, { reads, writes, tableReads, missMs }: Result): string[] {
  return [
    String(leaseMs),
    twoDigits((1000 * tableReads) / reads),
    twoDigits(tableReads / writes),
    ...[0.5, 0.99, 1].map((share) => twoDigits(quantile(missMs, share))),
  ];
}

function pointOf({ reads, hits, staleAges }: Result) {
  return { hits: hits / reads, stale: staleAges.length / reads };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function duration(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Puts the tables where they are shown. */
async function writeSection(text: string): Promise<void> {
  const report = await readFile(REPORT, 'utf8');
  const shown = report.replace(
    /(<!-- workload -->\n)[\s\S]*(\n<!-- \/workload -->)/,
    (_, start, end) => `${start}\n${text}\n${end}`,
  );
  await writeFile(REPORT, shown);
}

await main();

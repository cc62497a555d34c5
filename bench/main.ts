import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Bench } from './bench.js';
import { coldStart } from './cold-start.js';
import { runDelay } from './delay.js';
import { type Figure, tableOf } from './figure.js';
import { glide } from './glide.js';
import { memcached } from './memcached.js';
import { processMemory, redisMemory, runSoak } from './memory.js';
import { ownWrites } from './own-writes.js';
import { drawPictures } from './pictures.js';
import { batchHits, hits } from './read-path.js';
import { cpuBySteps } from './steps.js';
import { batchSizes, cluster, standalone } from './write-path.js';

const BENCHMARKS: { ids: string[]; run(bench: Bench): Promise<Figure[]> }[] = [
  { ids: ['S1', 'S2'], run: standalone },
  { ids: ['S3'], run: cluster },
  { ids: ['S4'], run: batchSizes },
  { ids: ['S5', 'S6'], run: hits },
  { ids: ['S7'], run: batchHits },
  { ids: ['S12'], run: ownWrites },
  { ids: ['S13'], run: memcached },
  { ids: ['S14'], run: glide },
  { ids: ['S8'], run: coldStart },
  { ids: ['S9'], run: redisMemory },
  { ids: ['S11'], run: cpuBySteps },
  { ids: ['S10'], run: processMemory },
];

const REPORT = 'docs/performance.md';

/** What this program does in a process of its own; see child.ts. */
const ROLES: Record<string, (args: readonly string[]) => Promise<void>> = { delay: runDelay, soak: runSoak };

const [role = '', ...roleArgs] = process.argv.slice(2);
if (ROLES[role]) await ROLES[role](roleArgs);
else await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '9' },
      scale: { type: 'string', default: '1' },
    },
  });
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc');

  const bench: Bench = {
    rounds: Number(values.rounds),
    scale: Number(values.scale),
    rates: {},
    costs: new Map(),
    latencies: new Map(),
    held: [],
    steps: new Map(),
  };
  const only = values.only?.split(',');
  const figures: Figure[] = [];
  for (const { ids, run } of BENCHMARKS) {
    if (only && !ids.some((id) => only.includes(id))) continue;
    process.stderr.write(`${ids.join(', ')} …\n`);
    const some = await run(bench);
    process.stderr.write(`${tableOf(some)}\n`);
    figures.push(...some);
  }
  figures.sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
  const table = tableOf(figures);
  console.log(table);
  // A run at another scale shows that everything runs; its figures are none.
  if (bench.scale === 1) {
    await drawPictures(bench);
    if (only === undefined) await writeTable(table);
  }
  process.exit();
}

/** Puts the table where it is shown, and says there which Node it was. */
async function writeTable(table: string): Promise<void> {
  const text = await readFile(REPORT, 'utf8');
  const [node = ''] = /^\d+\.\d+/.exec(process.versions.node) ?? [];
  const shown = text
    .replace(/\(Node \d+\.\d+, Redis/, `(Node ${node}, Redis`)
    .replace(
      /(<!-- table -->\n)[\s\S]*(\n<!-- \/table -->)/,
      (_, start, end) => `${start}\n${table}\n${end}`,
    );
  await writeFile(REPORT, shown);
}

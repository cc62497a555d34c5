import { pair } from './simulation/pair.js';
import { run } from './simulation/run.js';

const [from, count, mode] = process.argv.slice(2);
const t = process.hrtime.bigint();
let bad = 0;
let hits = 0,
  misses = 0;
for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  const o = await run(pair, (mode ?? 'write') as never, seed, count === '1' ? console.log : undefined);
  hits += o.hits;
  misses += o.misses;
  if (o.violations.length) {
    bad++;
    if (bad < 10) console.log(seed, o.violations[0]);
  }
}
console.log(
  'bad',
  bad,
  'hits',
  hits,
  'misses',
  misses,
  'cpu ms/run',process.cpuUsage().user/1e3/Number(count),'ms/run',
  Number(process.hrtime.bigint() - t) / 1e6 / Number(count),
);
process.exit(0);

// Breaks the heart of the package in every small way and looks whether a test notices: `npm run proof:mutants`.
// `-- --only lua` or `-- --only ts` runs one half, `--file key` what begins so. What survives has to be explained in survivors.json.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.js';
import { runLua } from './run-lua.js';
import { runStryker } from './run-stryker.js';
import { type Survivor, unexplained } from './survivors.js';

const { values } = parseArgs({
  options: { only: { type: 'string' }, file: { type: 'string', default: '' } },
});
if (![undefined, 'lua', 'ts'].includes(values.only)) throw new Error('--only takes lua or ts.');
const explained: Survivor[] = JSON.parse(await readFile('proof/mutants/survivors.json', 'utf8'));

const start = performance.now();
const mutants: Mutant[] = [];
if (values.only !== 'ts') mutants.push(...(await runLua(values.file, tell)));
if (values.only !== 'lua') mutants.push(...(await runStryker(values.file)));

console.log('\n  mutants  killed  score  explained  file');
const files = [...new Set(mutants.map(({ file }) => file))].sort();
for (const file of files)
  console.log(
    line(
      file,
      mutants.filter((mutant) => mutant.file === file),
    ),
  );
console.log(line('all', mutants));
console.log(`in ${((performance.now() - start) / 60_000).toFixed(1)} min`);

const relevant = explained.filter(({ file }) => files.includes(file));
const { survivors, explanations } = unexplained(mutants, relevant);
for (const mutant of survivors) console.log(`\nSURVIVED, not explained: ${describe(mutant)}`);
for (const { file, original } of explanations)
  console.log(`\nEXPLAINED, but killed or gone: ${file}: ${original}`);
process.exit(survivors.length + explanations.length === 0 ? 0 : 1);

function line(file: string, of: readonly Mutant[]): string {
  const killed = of.filter(({ isKilled }) => isKilled).length;
  const score = `${((100 * killed) / of.length).toFixed(1)} %`;
  const cells = [String(of.length).padStart(9), String(killed).padStart(6), score.padStart(7)];
  return `${cells.join('  ')}  ${String(of.length - killed - unexplained(of, explained).survivors.length).padStart(7)}  ${file}`;
}

/** A survivor at once: a run takes minutes. */
function tell(mutant: Mutant): void {
  if (!mutant.isKilled) console.log(`survived: ${describe(mutant)}`);
}

function describe({ file, line: number, original, mutated }: Mutant): string {
  return `${file}:${number}\n  - ${original}\n  + ${mutated}`;
}

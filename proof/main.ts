import { pathToFileURL } from 'node:url';
import { bundleProgram } from '../scripts/bundle.mjs';
import { compare } from './compare.js';
import { PROMISING } from './names.js';
import { necessity } from './necessity.js';
import { MODES, readOptions, USAGE } from './options.js';
import { withoutRule } from './rules.js';
import type { Tally, Task } from './task.js';
import { newWorkers } from './workers.js';

type Options = ReturnType<typeof readOptions>;

/** Runs the real code in a simulated world, and prints what came of it. Exits with 1 when a promise was broken. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const start = performance.now();
  if (options.help) return console.log(USAGE);
  if (options.seed !== undefined) return tellStory(options, options.seed);
  await (options.rules ? proveNecessity(options) : provePromises(options));
  console.log(`\n${((performance.now() - start) / 1000).toFixed(0)} s`);
}

async function provePromises({ seeds }: Options): Promise<void> {
  const workers = newWorkers<Task, Tally>(await bundleProgram('proof/worker.ts'));
  const { text, tallies } = await compare(workers, seeds);
  await workers.close();
  console.log(text);
  for (const [system, mode] of PROMISING.flatMap((system) => MODES.map((mode) => [system, mode] as const))) {
    const first = tallies.get(`${system}, mode ${mode}`)?.first;
    if (first === undefined) continue;
    process.exitCode = 1;
    console.log(`\n${system}, mode ${mode}, ${first.violation.promise}: ${first.violation.text}`);
    console.log(`Its story: npm run proof -- --seed ${first.seed} --mode ${mode} --system '${system}'`);
  }
}

async function proveNecessity({ without, seeds }: Options): Promise<void> {
  const { text, unbroken } = await necessity(without, seeds, (line) => console.error(line));
  console.log(text);
  console.log("\nA run's story: npm run proof -- --seed SEED --mode MODE --without 'PART OF THE NAME'");
  if (unbroken.length === 0) return;
  process.exitCode = 1;
  console.log(`\nNothing was broken without: ${unbroken.join('; ')}`);
}

async function tellStory({ system, mode, without }: Options, seed: number): Promise<void> {
  const program = await bundleProgram('proof/story.ts', {
    variant: `-${process.pid}`,
    plugins: without.map(withoutRule),
  });
  const { story } = (await import(pathToFileURL(program).href)) as typeof import('./story.js');
  await story(system, mode, seed, console.log);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});

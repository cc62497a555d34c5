import { pathToFileURL } from 'node:url';
import { bundleProgram } from '../scripts/bundle.mjs';
import { compare } from './compare.js';
import { necessity } from './necessity.js';
import { MODES, readOptions, USAGE } from './options.js';
import { withoutRule } from './rules.js';
import { OURS } from './systems.js';
import { newWorkers } from './workers.js';

/** Runs the real code in a simulated world, and prints what came of it. Exits with 1 when a promise was broken. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(USAGE);
  if (options.seed !== undefined) return tellStory({ ...options, seed: options.seed });

  const start = performance.now();
  const workers = newWorkers(await bundleProgram('proof/worker.ts'));
  const { text, tallies } = await compare(workers, options.seeds);
  await workers.close();
  console.log(text);
  for (const mode of MODES) {
    const first = tallies.get(`${OURS}, mode ${mode}`)?.first;
    if (first === undefined) continue;
    process.exitCode = 1;
    console.log(`\nMode ${mode}, ${first.violation.promise}: ${first.violation.text}`);
    console.log(`Its story: npm run proof -- --seed ${first.seed} --mode ${mode}`);
  }

  if (options.rules) {
    const { text, unbroken } = await necessity(options.seeds, console.error);
    console.log(`\n${text}`);
    if (unbroken.length > 0) process.exitCode = 1;
    console.log("\nA run's story: npm run proof -- --seed SEED --mode MODE --without 'PART OF THE NAME'");
  }
  console.log(`\n${((performance.now() - start) / 1000).toFixed(0)} s`);
}

async function tellStory({ system, mode, seed, without }: ReturnType<typeof readOptions> & { seed: number }) {
  const program = await bundleProgram('proof/story.ts', {
    variant: `-${process.pid}`,
    plugins: without === undefined ? [] : [withoutRule(without)],
  });
  const { story } = (await import(pathToFileURL(program).href)) as typeof import('./story.js');
  await story(system, mode, seed, console.log);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});

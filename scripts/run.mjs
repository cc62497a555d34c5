// Runs a TypeScript program of this repository: `node scripts/run.mjs <entry.ts> [arguments]`.
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { lambdaBundle } from '../esbuild.config.mjs';

const [entry] = process.argv.splice(2, 1);
if (entry === undefined) throw new Error('Usage: node scripts/run.mjs <entry.ts> [arguments]');

// Inside the repository, so that packages are found from it.
const name = entry.replace(/\.ts$/, '').replaceAll('/', '-');
const program = fileURLToPath(new URL(`../node_modules/.cache/programs/${basename(name)}.mjs`, import.meta.url));
await build({
  ...lambdaBundle(entry, program),
  minify: false,
  keepNames: false,
  banner: {},
  packages: 'external',
  sourcemap: true,
});
process.setSourceMapsEnabled(true);
process.argv[1] = program;
await import(pathToFileURL(program).href);

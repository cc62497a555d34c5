import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { lambdaBundle } from '../esbuild.config.mjs';

/**
 * Bundles a TypeScript program of this repository, its packages left where they are.
 *
 * @type {import('./bundle.d.mts').bundleProgram}
 */
export async function bundleProgram(entry, { variant = '', plugins = [] } = {}) {
  const name = entry.replace(/\.ts$/, '').replaceAll('/', '-') + variant;
  // Inside the repository, so that packages are found from it: its own by its name, which node_modules would hide.
  const outfile = `${process.cwd()}/.cache/programs/${basename(name)}.mjs`;
  const { plugins: own, ...options } = lambdaBundle(entry, outfile);
  await build({
    ...options,
    plugins: [...plugins, ...own, ownUrl],
    minify: false,
    keepNames: false,
    banner: {},
    packages: 'external',
    sourcemap: true,
  });
  return outfile;
}

/** Each module of the tests and proofs finds what lies beside it, as if it had not been bundled. */
const ownUrl = {
  name: 'own-url',
  setup({ onLoad }) {
    onLoad({ filter: /\/(?:test|proof)\/[^?]*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: text.replaceAll('import.meta.url', url), loader: 'ts' };
    });
  },
};

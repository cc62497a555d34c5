import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuildOptions, build } from 'esbuild';
import { build as buildWithVite } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cachingClients } from '../../esbuild.config.mjs';

const ENTRY = fileURLToPath(new URL('applications/many-imports.mjs', import.meta.url));

/** As it is built: it names files beside itself. */
const rollup: typeof import('../../src/adopt/rollup-plugin.js') = await import(
  new URL('../../dist/rollup.js', import.meta.url).href
);

/** Below the project, from which what is not in a bundle is found. */
const PLACE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
let folder: string;
beforeAll(async () => {
  await mkdir(PLACE, { recursive: true });
  folder = await mkdtemp(join(PLACE, 'bundles-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type External = string | RegExp[] | ((source: string) => boolean);

const ALL = 'named,namespace,required,dynamic';
const hitsOf = async (bundle: string) => {
  const ofCache = { STREAM_CACHE_URL: 'memory:', STREAM_CACHE_READ_TIMEOUT_MS: '5000' }; // the machine may be busy
  const env = { ...process.env, ...ofCache, POWERTOOLS_LOG_LEVEL: 'WARN' };
  return (await promisify(execFile)(process.execPath, [bundle], { env })).stdout;
};

describe('with cachingClients() every client of a bundle reads through the cache', () => {
  test.each<[string, BuildOptions]>([
    ['an ES module', { format: 'esm' }],
    ['CommonJS', { format: 'cjs' }],
    ['an ES module, minified', { format: 'esm', minify: true, mainFields: ['module', 'main'] }],
    ['an ES module beside the SDK of Lambda', { format: 'esm', external: ['@aws-sdk/*'] }],
    ['CommonJS beside the SDK of Lambda', { format: 'cjs', external: ['@aws-sdk/*'] }],
    ['an ES module beside all packages', { format: 'esm', packages: 'external' }],
  ])('of esbuild, %s', async (name, options) => {
    const outfile = join(
      folder,
      `${name.replaceAll(/\W/g, '-')}.${options.format === 'esm' ? 'mjs' : 'cjs'}`,
    );
    const common: BuildOptions = { entryPoints: [ENTRY], outfile, bundle: true, platform: 'node' };
    await build({ ...common, ...options, plugins: [cachingClients()] });
    expect(await hitsOf(outfile)).toBe(ALL);
  });

  test.each<[string, { noExternal?: true; external?: External }]>([
    ['all in it', { noExternal: true }],
    ['beside its packages', {}],
    [
      'beside an SDK that stays outside by its name',
      { noExternal: true, external: '@aws-sdk/client-dynamodb' },
    ],
    ['beside an SDK that stays outside by an expression', { noExternal: true, external: [/^@aws-sdk\//] }],
    [
      'beside what a function keeps outside',
      { noExternal: true, external: (source) => source.startsWith('@') },
    ],
  ])('of Vite, %s', async (name, { noExternal, external }) => {
    const outDir = join(folder, `vite-${name.replaceAll(' ', '-')}`);
    await buildWithVite({
      configFile: false,
      logLevel: 'error',
      ...(noExternal && { ssr: { noExternal } }),
      build: { ssr: ENTRY, outDir, emptyOutDir: true, ...(external && { rollupOptions: { external } }) },
      plugins: [rollup.cachingClients()],
    });
    expect(await hitsOf(join(outDir, 'many-imports.js'))).toBe(ALL);
  });
});

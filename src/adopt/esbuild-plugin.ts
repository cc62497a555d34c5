import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';
import {
  ADOPTED,
  adoptModule,
  type CachingClientsOptions,
  SIGNATURES,
  sdkModule,
} from './bundled-modules.js';

const NAME = 'caching-clients';
const ADOPT = `${NAME}/adopt`;
const OURS = fileURLToPath(new URL('.', import.meta.url));
/** Told to our own hook: not again. */
const AS_IT_IS = Symbol(NAME);

/**
 * esbuild: all clients of DynamoDB that a bundle makes, in its libraries too, read through the cache that the environment names.
 *
 * @example await esbuild.build({ entryPoints: ['src/app.ts'], bundle: true, platform: 'node', outfile: 'dist/app.cjs', plugins: [cachingClients()] });
 */
export function cachingClients(options: CachingClientsOptions = {}): Plugin {
  return {
    name: NAME,
    setup(build) {
      allowRequire(build.initialOptions);

      build.onResolve({ filter: ADOPTED }, async ({ path, importer, resolveDir, kind, pluginData }) => {
        if (pluginData === AS_IT_IS) return undefined;
        const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: AS_IT_IS });
        if (found.errors.length > 0) return { errors: found.errors };
        const sdk = found.external ? path : found.path;
        return { path: sdk, namespace: NAME, pluginData: { sdkPackage: path, resolveDir } };
      });
      build.onLoad({ filter: /./, namespace: NAME }, ({ path, pluginData: { sdkPackage, resolveDir } }) => ({
        contents: sdkModule(sdkPackage, path, ADOPT),
        resolveDir,
        pluginData: AS_IT_IS,
      }));

      build.onResolve({ filter: new RegExp(`^${ADOPT}$`) }, () => ({ path: ADOPT, namespace: ADOPT }));
      build.onLoad({ filter: /./, namespace: ADOPT }, async () => {
        const signatures = await build.resolve(SIGNATURES, { resolveDir: OURS, kind: 'import-statement' });
        return { contents: adoptModule(OURS, options, signatures.errors.length === 0), resolveDir: OURS };
      });
    },
  };
}

/** ioredis is CommonJS and requires Node's own modules, which an ES module has to be given the means for. */
function allowRequire(options: BuildOptions): void {
  if (options.format !== 'esm' || /\brequire\b|createRequire/.test(options.banner?.js ?? '')) return;
  const js = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`;
  options.banner = { ...options.banner, js: `${js}${options.banner?.js ?? ''}` };
}

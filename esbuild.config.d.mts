import type { BuildOptions, Plugin } from 'esbuild';

/**
 * esbuild options that bundle a Lambda function, with everything it imports, into one minified ES module.
 *
 * @param entry your handler's file
 * @param outfile where the bundle goes; a name that ends in `.mjs` needs no package.json beside it
 * @example await esbuild.build(lambdaBundle('src/handler.ts', 'dist/handler.mjs'));
 */
export function lambdaBundle(entry: string, outfile: string): BuildOptions;

/**
 * esbuild plugin: all clients of DynamoDB that a bundle makes, in its libraries too, read through the cache that the environment
 * names, as `STREAM_CACHE_AUTO` says.
 *
 * @example await esbuild.build({ entryPoints: ['src/app.ts'], bundle: true, platform: 'node', outfile: 'dist/app.cjs', plugins: [cachingClients()] });
 */
export function cachingClients(options?: {
  /** Whether the cache is one of Momento's: its SDK is several times as large as all the rest. Default `false`. */
  readonly momento?: boolean | undefined;
}): Plugin;

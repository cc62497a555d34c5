import type { BuildOptions } from 'esbuild';

/**
 * esbuild options that bundle a Lambda function, with everything it imports, into one minified ES module.
 *
 * @param entry your handler's file
 * @param outfile where the bundle goes; a name that ends in `.mjs` needs no package.json beside it
 * @example await esbuild.build(lambdaBundle('src/handler.ts', 'dist/handler.mjs'));
 */
export function lambdaBundle(entry: string, outfile: string): BuildOptions;

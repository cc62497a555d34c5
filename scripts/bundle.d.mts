import type { Plugin } from 'esbuild';

/** @returns the path of the program */
export declare function bundleProgram(
  entry: string,
  options?: { readonly variant?: string; readonly plugins?: readonly Plugin[] },
): Promise<string>;

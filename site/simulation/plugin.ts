import { join } from 'node:path';
import type { UserConfig } from 'vitepress';

/** Modules of Node, and packages that need more of it than a browser can stand in for. */
const ABSENT = /^(?:node:.*|ioredis|@aws-lambda-powertools\/logger)$/;

/** Lets a browser have the code of the package: what the simulation does not come by is stood in for. */
export function withoutNode() {
  return {
    name: 'without-node',
    enforce: 'pre',
    resolveId: (source: string, importer = '') =>
      ABSENT.test(source) && !importer.includes('/vitepress/')
        ? join(import.meta.dirname, 'stand-ins.ts')
        : undefined,
  } satisfies NonNullable<NonNullable<UserConfig['vite']>['plugins']>[number];
}

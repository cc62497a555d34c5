import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Cache } from './cache.js';

/** The bundled handler of this very version of the package: a zip in `dist`, found from wherever this code stands. */
export function lambdaZip(name: Cache['zip'] | 'lambda-verify.zip', from = import.meta.filename): string {
  for (let folder = dirname(from); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'dynamodb-stream-cache') {
      const zip = join(folder, 'dist', name);
      if (existsSync(zip)) return zip;
      throw new Error(
        `StreamCache: there is no ${zip}. In a clone of the package, run \`npm run build\` first.`,
      );
    }
  }
  throw new Error(
    `StreamCache: cannot find the package dynamodb-stream-cache from ${from}. Where your CDK app is bundled, leave the package out of the bundle, or give \`handler.code\`.`,
  );
}

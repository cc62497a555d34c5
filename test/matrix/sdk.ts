import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetched } from './fetched.js';

/** One pair of the SDK's packages, as an application may have them. */
export interface Sdk {
  readonly client: typeof import('@aws-sdk/client-dynamodb');
  readonly lib: typeof import('@aws-sdk/lib-dynamodb');
}

/** Which `client-dynamodb`, and which `lib-dynamodb` beside it. */
export interface SdkVersion {
  readonly client: string;
  readonly lib: string;
}

/** Loads exactly these versions, fetched from the npm registry once and kept between runs; or the project's own. */
export async function loadSdk(version: SdkVersion | 'own'): Promise<Sdk> {
  const folder = version === 'own' ? PROJECT : await folderOf(version);
  const load = createRequire(join(folder, 'package.json'));
  return { client: load('@aws-sdk/client-dynamodb'), lib: load('@aws-sdk/lib-dynamodb') };
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(PROJECT, 'node_modules/.cache/sdk');

function folderOf({ client, lib }: SdkVersion): Promise<string> {
  const packages = [`@aws-sdk/client-dynamodb@${client}`, `@aws-sdk/lib-dynamodb@${lib}`];
  return fetched(join(CACHE, client === lib ? client : `${client}-lib-${lib}`), packages);
}

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { thisMachine } from '../support/machine.js';

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

async function folderOf({ client, lib }: SdkVersion): Promise<string> {
  const folder = join(CACHE, client === lib ? client : `${client}-lib-${lib}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, 'fetch-'));
  try {
    const packages = [`@aws-sdk/client-dynamodb@${client}`, `@aws-sdk/lib-dynamodb@${lib}`];
    const how = ['--prefix', work, '--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    const failure = await thisMachine.attempt(['npm', 'install', ...how, ...packages]);
    if (failure !== undefined) throw new Error(`npm could not fetch ${packages.join(' and ')}: ${failure}`);
    await rename(work, folder);
  } catch (error) {
    // Whoever looks for it at the same time and comes first has put the same files there.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

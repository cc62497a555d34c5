import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { thisMachine } from '../support/machine.js';

/**
 * A folder with exactly these packages, fetched from the npm registry once and kept between runs.
 *
 * @param scripts whether their install scripts run
 */
export async function fetched(
  folder: string,
  packages: readonly string[],
  { scripts = false } = {},
): Promise<string> {
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(join(dirname(folder), 'fetch-'));
  try {
    const how = ['--prefix', work, '--save-exact', '--no-audit', '--no-fund', '--silent'];
    if (!scripts) how.push('--ignore-scripts');
    const failure = await thisMachine.attempt(['npm', 'install', ...how, ...packages]);
    if (failure !== undefined) throw new Error(`npm could not fetch ${packages.join(', ')}: ${failure}`);
    await rename(work, folder);
  } catch (error) {
    // Whoever looks for it at the same time and comes first has put the same files there.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startRedis } from '../../test/support/redis.js';
import { luaMutants, withMutant } from './lua-mutants.js';
import type { Mutant } from './mutant.js';

const SCRIPTS = 'src/store/redis';
const AT_ONCE = 2;
/** Of a mutant that makes a test wait for ever. */
const TIMEOUT_MS = 60_000;

/** Runs the tests of the scripts on each mutant of them, in copies of the sources beside the real ones. */
export async function runLua(onMutant: (mutant: Mutant) => void): Promise<Mutant[]> {
  const server = await startRedis();
  // Every name of the clusters' tests is passed over, but an address has to be there.
  const environment = { ...process.env, REDIS_URL: server.url, REDIS_CLUSTER_URL: server.url };
  const files = (await readdir(SCRIPTS)).filter((name) => name.endsWith('.lua'));
  const waiting = (
    await Promise.all(
      files.map(async (name) => luaMutants(name, await readFile(join(SCRIPTS, name), 'utf8'))),
    )
  ).flat();

  const folders = await Promise.all(Array.from({ length: AT_ONCE }, copySources));
  const results: Mutant[] = [];
  try {
    if (!(await passes(folders[0] as string, environment))) {
      throw new Error('The tests of the scripts fail without any mutant: see `npx vitest run test/store`.');
    }
    const next = waiting.values();
    await Promise.all(
      folders.map(async (folder) => {
        for (const mutant of next) {
          const path = join(folder, SCRIPTS, mutant.file);
          const text = await readFile(path, 'utf8');
          await writeFile(path, withMutant(text, mutant));
          const isKilled = !(await passes(folder, environment));
          await writeFile(path, text);
          const { line, original, mutated } = mutant;
          const file = `${SCRIPTS}/${mutant.file}`;
          const result = { file, line, original: original.trim(), mutated: mutated.trim(), isKilled };
          results.push(result);
          onMutant(result);
        }
      }),
    );
  } finally {
    await server.stop();
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }
  return results;
}

async function copySources(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lua-mutants-'));
  for (const name of ['src', 'test', 'proof/mutants', 'package.json', 'tsconfig.json']) {
    await cp(name, join(folder, name), { recursive: true });
  }
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

function passes(folder: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const vitest = resolve('node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--config', 'proof/mutants/vitest.lua.config.ts', '--maxWorkers', '1'];
  const options = { cwd: folder, env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' as const };
  return new Promise((done) => {
    execFile(process.execPath, args, options, (error) => done(error === null));
  });
}

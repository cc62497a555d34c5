import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createVitest, type Vitest } from 'vitest/node';
import { startRedis } from '../../test/support/redis.js';
import { luaMutants, withMutant } from './lua-mutants.js';
import type { Mutant } from './mutant.js';

const SCRIPTS = 'src/store/redis';
/** Those first that find most in the least time. */
const TESTS = [
  'test/store/scripts.test.ts',
  'test/store/contract.test.ts',
  'test/store/differential.test.ts',
];

/** Runs the tests of the scripts on each mutant of those whose names begin with `only`, in a copy of the sources. */
export async function runLua(only: string, onMutant: (mutant: Mutant) => void): Promise<Mutant[]> {
  const server = await startRedis();
  // The tests of a cluster are passed over, but an address has to be there.
  Object.assign(process.env, { REDIS_URL: server.url, REDIS_CLUSTER_URL: server.url });
  const folder = await copySources();
  const vitest = await createVitest('test', {
    root: folder,
    config: join(folder, 'proof/mutants/vitest.lua.config.ts'),
    watch: false,
    reporters: [{}],
  });
  const results: Mutant[] = [];
  try {
    if (!(await passes(vitest, folder))) {
      throw new Error('The tests of the scripts fail without any mutant: see `npx vitest run test/store`.');
    }
    const files = (await readdir(SCRIPTS)).filter((name) => name.endsWith('.lua') && name.startsWith(only));
    for (const name of files) {
      const path = join(folder, SCRIPTS, name);
      const text = await readFile(path, 'utf8');
      for (const mutant of luaMutants(name, text)) {
        await writeFile(path, withMutant(text, mutant));
        vitest.invalidateFile(path);
        const { line, original, mutated } = mutant;
        const isKilled = !(await passes(vitest, folder));
        const file = `${SCRIPTS}/${name}`;
        const result = { file, line, original: original.trim(), mutated: mutated.trim(), isKilled };
        results.push(result);
        onMutant(result);
      }
      await writeFile(path, text);
      vitest.invalidateFile(path);
      // Or whatever failed may have had another cause than its mutant.
      if (!(await passes(vitest, folder)))
        throw new Error(`The tests fail after the mutants of ${name}, too.`);
    }
  } finally {
    await vitest.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
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

async function passes(vitest: Vitest, folder: string): Promise<boolean> {
  for (const test of TESTS) {
    const specifications = await vitest.globTestSpecifications([join(folder, test)]);
    vitest.state.filesMap.clear(); // it would count earlier failures as a reason to give up at once
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
    if (testModules.length === 0) throw new Error(`${test} was not run.`);
    if (unhandledErrors.length > 0 || !testModules.every((module) => module.ok())) return false;
  }
  return true;
}

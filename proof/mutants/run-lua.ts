import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startRedis } from '../../test/support/redis.js';
import { luaMutants, withMutant } from './lua-mutants.js';
import type { Mutant } from './mutant.js';
import { openSandbox } from './sandbox.js';

const SCRIPTS = 'src/store/redis';
/** Those first that find most in the least time. */
const TESTS = [
  'test/store/scripts.test.ts',
  'test/store/contract.test.ts',
  'test/store/differential.test.ts',
];

/** Runs the tests of the scripts on each mutant of those whose names begin with `only`. */
export async function runLua(only: string, onMutant: (mutant: Mutant) => void): Promise<Mutant[]> {
  const server = await startRedis();
  // The tests of a cluster are passed over, but an address has to be there.
  Object.assign(process.env, { REDIS_URL: server.url, REDIS_CLUSTER_URL: server.url });
  const sandbox = await openSandbox('proof/mutants/vitest.lua.config.ts', TESTS);
  const control = async (when: string) => {
    if (!(await sandbox.passes())) throw new Error(`The tests of the scripts fail ${when}.`);
  };
  const results: Mutant[] = [];
  try {
    await control('without any mutant');
    // What only a cluster runs has its tests there: test/store/cross-slot.test.ts.
    const names = (await readdir(SCRIPTS)).filter(
      (name) => name.endsWith('.lua') && name.startsWith(only) && name !== 'cross-slot-keys.lua',
    );
    for (const name of names) {
      const file = join(SCRIPTS, name);
      const text = await readFile(file, 'utf8');
      for (const mutant of luaMutants(name, text)) {
        const isKilled = !(await sandbox.passesWith(file, withMutant(text, mutant)));
        const { line, original, mutated } = mutant;
        const result = { file, line, original: original.trim(), mutated: mutated.trim(), isKilled };
        results.push(result);
        onMutant(result);
      }
      await control(`after the mutants of ${name}, too`);
    }
  } finally {
    await sandbox.close();
    await server.stop();
  }
  return results;
}

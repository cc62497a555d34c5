import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createVitest } from 'vitest/node';

/** A copy of the sources in which files are mutated, and a Vitest that runs their tests there. */
export interface Sandbox {
  /** Whether all tests pass with this text in the place of a file's own; files are tried one after the other. */
  passesWith(file: string, text: string): Promise<boolean>;
  /** Whether they pass with the files as they are: or what fails may fail for another reason. */
  passes(): Promise<boolean>;
  close(): Promise<void>;
}

/** @param tests in the order to run them; after one that fails, none further is run */
export async function openSandbox(config: string, tests: readonly string[]): Promise<Sandbox> {
  const folder = await copySources();
  const vitest = await createVitest('test', {
    root: folder,
    config: join(folder, config),
    watch: false,
    reporters: [{}],
  });

  async function write(file: string, text: string): Promise<void> {
    const path = join(folder, file);
    await writeFile(path, text);
    vitest.invalidateFile(path);
  }

  async function passes(): Promise<boolean> {
    for (const test of tests) {
      const specifications = await vitest.globTestSpecifications([join(folder, test)]);
      vitest.state.filesMap.clear(); // it would count earlier failures as a reason to give up at once
      const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
      if (testModules.length === 0) throw new Error(`${test} was not run.`);
      if (unhandledErrors.length > 0 || !testModules.every((module) => module.ok())) return false;
    }
    return true;
  }

  return {
    passes,
    async passesWith(file, text) {
      const own = await readFile(file, 'utf8');
      await write(file, text);
      const hasPassed = await passes();
      await write(file, own);
      return hasPassed;
    },
    async close() {
      await vitest.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function copySources(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mutants-'));
  for (const name of ['src', 'test', 'proof', 'events', 'package.json', 'tsconfig.json']) {
    await cp(name, join(folder, name), { recursive: true });
  }
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

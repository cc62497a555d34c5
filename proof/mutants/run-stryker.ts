import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Mutant } from './mutant.js';
import { openSandbox } from './sandbox.js';

const FILES = [
  ...['src/coherence.ts', 'src/key.ts', 'src/codec.ts'],
  ...['src/stream/response.ts', 'src/store/memory.ts', 'src/store/steps.ts'],
];
/** Those first that take the least time. */
const TESTS = [
  ...[
    'test/attributes.test.ts',
    'test/coherence.test.ts',
    'test/store/memory.test.ts',
    'test/stream/handler.test.ts',
  ],
  ...['test/key.test.ts', 'test/codec.test.ts'],
];
/** Not a dependency: it would more than double what `npm ci` installs, for a run that few make. */
const PACKAGES = ['@stryker-mutator/core@9.6.1', '@stryker-mutator/vitest-runner@9.6.1'];
/** Below the repository, so that Vitest is found from it. */
const FOLDER = resolve('node_modules/.cache/stryker');

/** Runs Stryker on the TypeScript files whose names begin with `only`, and gives every mutant that its report has. */
export async function runStryker(only: string): Promise<Mutant[]> {
  await install();
  const report = join(FOLDER, 'report.json');
  const config = join(FOLDER, 'stryker.config.json');
  await writeFile(config, JSON.stringify(configuration(report, only)));
  await run(process.execPath, [
    join(FOLDER, 'node_modules/@stryker-mutator/core/bin/stryker.js'),
    'run',
    config,
  ]);
  return triedAgain(JSON.parse(await readFile(report, 'utf8')));
}

/**
 * Runs all tests on what has survived: Stryker runs those alone that it saw reach the mutant, and finds a test by its name,
 * which fails for names of line breaks and the like.
 */
async function triedAgain(report: Report): Promise<Mutant[]> {
  const mutants = mutantsIn(report);
  const sandbox = await openSandbox('proof/mutants/vitest.config.ts', TESTS);
  const control = async () => {
    if (!(await sandbox.passes())) throw new Error('The tests fail without any mutant.');
  };
  try {
    await control();
    const results: Mutant[] = [];
    for (const { text, ...mutant } of mutants) {
      const isKilled = mutant.isKilled || !(await sandbox.passesWith(mutant.file, text));
      results.push({ ...mutant, isKilled });
    }
    await control();
    return results;
  } finally {
    await sandbox.close();
  }
}

function configuration(fileName: string, only: string): object {
  return {
    mutate: FILES.filter((file) => basename(file).startsWith(only)),
    tsconfigFile: 'none.json', // it would ask TypeScript 7 for an interface that it no longer has
    testRunner: 'vitest',
    vitest: { configFile: 'proof/mutants/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    reporters: ['json'],
    jsonReporter: { fileName },
    ignorePatterns: ['dist', 'docs', 'infra', 'bench', 'coverage', '*.zip', '*.tgz'],
    tempDirName: join(tmpdir(), `stryker-${process.pid}`),
    concurrency: 2,
    timeoutMS: 20_000,
    allowConsoleColors: false,
  };
}

async function install(): Promise<void> {
  if (existsSync(join(FOLDER, 'node_modules/@stryker-mutator/vitest-runner'))) return;
  await mkdir(FOLDER, { recursive: true });
  const options = ['--prefix', FOLDER, '--no-save', '--no-package-lock', '--legacy-peer-deps', '--silent'];
  await run('npm', ['install', ...options, ...PACKAGES]);
}

interface Report {
  readonly files: Record<string, { readonly source: string; readonly mutants: readonly ReportedMutant[] }>;
}

interface ReportedMutant {
  readonly status: string;
  readonly replacement?: string;
  readonly location: { readonly start: Position; readonly end: Position };
}

/** Counted from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

const NOT_MUTANTS = ['Ignored', 'CompileError', 'RuntimeError', 'Pending'];

function mutantsIn({ files }: Report): (Mutant & { text: string })[] {
  return Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants
      .filter(({ status }) => !NOT_MUTANTS.includes(status))
      .map(({ status, replacement = '', location: { start, end } }) => ({
        file,
        line: start.line,
        original: oneLine(source.slice(offsetOf(source, start), offsetOf(source, end))),
        mutated: oneLine(replacement),
        text: source.slice(0, offsetOf(source, start)) + replacement + source.slice(offsetOf(source, end)),
        isKilled: status === 'Killed' || status === 'Timeout',
      })),
  );
}

function offsetOf(source: string, { line, column }: Position): number {
  const before = source.split('\n').slice(0, line - 1);
  return before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
}

function oneLine(code: string): string {
  return code.replaceAll(/\s+/g, ' ').trim();
}

function run(program: string, args: string[]): Promise<void> {
  return new Promise((done, fail) => {
    execFile(program, args, { maxBuffer: 1e9 }, (error, stdout, stderr) => {
      if (error === null) done();
      else fail(new Error(`${args[0]} failed:\n${stdout.slice(-3_000)}${stderr.slice(-3_000)}`));
    });
  });
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Mutant } from './mutant.js';

const FILES = [
  ...['src/coherence.ts', 'src/key.ts', 'src/codec.ts'],
  ...['src/stream/response.ts', 'src/store/memory.ts'],
];
/** Not a dependency: it would more than double what `npm ci` installs, for a run that few make. */
const PACKAGES = ['@stryker-mutator/core@9.6.1', '@stryker-mutator/vitest-runner@9.6.1'];
/** Below the repository, so that Vitest is found from it. */
const FOLDER = resolve('node_modules/.cache/stryker');

/** Runs Stryker on the TypeScript files, and gives every mutant that its report has. */
export async function runStryker(): Promise<Mutant[]> {
  await install();
  const report = join(FOLDER, 'report.json');
  const config = join(FOLDER, 'stryker.config.json');
  await writeFile(config, JSON.stringify(configuration(report)));
  await run(process.execPath, [
    join(FOLDER, 'node_modules/@stryker-mutator/core/bin/stryker.js'),
    'run',
    config,
  ]);
  return mutantsIn(JSON.parse(await readFile(report, 'utf8')));
}

function configuration(fileName: string): object {
  return {
    mutate: FILES,
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

function mutantsIn({ files }: Report): Mutant[] {
  return Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants
      .filter(({ status }) => !NOT_MUTANTS.includes(status))
      .map(({ status, replacement = '', location: { start, end } }) => ({
        file,
        line: start.line,
        original: oneLine(between(source, start, end)),
        mutated: oneLine(replacement),
        isKilled: status === 'Killed' || status === 'Timeout',
      })),
  );
}

function between(source: string, start: Position, end: Position): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  lines[last] = (lines[last] ?? '').slice(0, end.column - 1);
  lines[0] = (lines[0] ?? '').slice(start.column - 1);
  return lines.join('\n');
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

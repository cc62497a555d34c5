import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { circlesIn, importsOf as importsBelow } from './support/imports.js';

const ROOT = join(import.meta.dirname, '..');
const SOURCE = join(import.meta.dirname, '../src');

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.(ts|lua)$/.test(name),
);

function textOf(file: string): string {
  return readFileSync(join(SOURCE, file), 'utf8');
}

/** What a file imports of the project's own, as paths below `src`. */
function importsOf(file: string): string[] {
  const own = [...textOf(file).matchAll(/from '(\.[^']+)'/g)].map(([, path]) => path ?? '');
  return own.map((path) => relative(SOURCE, join(SOURCE, dirname(file), path)));
}

function offenders(within: RegExp, allowed: RegExp, mark: RegExp): string[] {
  return files.filter((file) => within.test(file) && !allowed.test(file) && mark.test(textOf(file)));
}

test('the write path and the read path never import each other', () => {
  const crossing = files.filter((file) => {
    const [other] = file.startsWith('stream/') ? ['read/'] : file.startsWith('read/') ? ['stream/'] : [];
    return other !== undefined && importsOf(file).some((path) => path.startsWith(other));
  });
  expect(crossing).toEqual([]);
});

describe('No file needs itself', () => {
  const ROOMS = ['src', 'test', 'bench', 'infra', 'proof', 'scripts', 'site/simulation'];
  const inRooms = ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).map((name) => join(room, name)),
  );
  const files = [...inRooms, 'esbuild.config.mjs', 'vitest.config.ts'];
  const imports = importsBelow(
    ROOT,
    files.filter((name) => /\.m?[jt]s$/.test(name) && !name.includes('cdk.out')),
  );

  test('by way of what it imports', () => {
    expect(circlesIn(imports)).toEqual([]);
  });

  test.each(ROOMS)('and a circle in %s would be seen', (room) => {
    const [file, [needed = ''] = []] =
      [...imports].find(([name, [first]]) => name.startsWith(`${room}/`) && first !== undefined) ?? [];
    const planted = new Map([...imports, [needed, [...(imports.get(needed) ?? []), file ?? '']]]);
    expect(circlesIn(planted)).toContainEqual(expect.arrayContaining([file, needed]));
  });
});

test('what only some functions use is imported by nothing that all use', () => {
  const within = /^(?:iam|metrics|opentelemetry|operate|store\/(?:cas|memcached|glide|momento))\//;
  const others = files.filter((file) => !within.test(file) && !file.startsWith('cli/'));
  expect(others.filter((file) => importsOf(file).some((path) => within.test(path)))).toEqual([]);
});

test('the heart depends on neither path, nor on what is around it', () => {
  const heart = files.filter((file) => /^(?:coherence|key|codec|attributes|errors)\.ts$|^store\//.test(file));
  const leaning = heart.filter((file) =>
    importsOf(file).some((path) => /^(?:stream|read|cli|local|config)\b/.test(path)),
  );
  expect(leaning).toEqual([]);
});

test('the options and what is below them know neither path, nor what is above', () => {
  const ground = files.filter((file) => !file.includes('/') && !/^(?:index|lambda)/.test(file));
  const leaning = ground.filter((file) =>
    importsOf(file).some((path) => /^(?:stream|read|adopt|cli|local|operate)\//.test(path)),
  );
  expect(leaning).toEqual([]);
});

test('only the command line prints or ends the process, and the environment is read in it and in two files', () => {
  expect(offenders(/\.ts$/, /^cli\//, /\bconsole\.|process\.(?:exit|stdout|stderr)/)).toEqual([]);
  expect(offenders(/\.ts$/, /^(?:cli\/|config\.ts|environment\.ts)/, /process\.env/)).toEqual([]);
});

test('scripts stand in .lua files, and every one says what it takes and returns', () => {
  expect(offenders(/\.ts$/, /^$/, /redis\.call/)).toEqual([]);
  const scripts = files.filter((file) => /^store\/redis\/(?!clock|each|guard)\w+\.lua$/.test(file));
  expect(scripts.length).toBeGreaterThan(0);
  expect(scripts.filter((file) => !/-- KEYS .*\n-- ARGV .*\n-- returns /.test(textOf(file)))).toEqual([]);
});

test('batch item failures are named in one place, and stored text, requests and what carries records are parsed in one each', () => {
  expect(
    offenders(/\.ts$/, /^(?:stream\/response\.ts|cli\/|local\/)/, /itemIdentifier|batchItemFailures/),
  ).toEqual([]);
  expect(
    offenders(
      /^(?:stream|read|store)\//,
      /^(?:read\/(?:result-codec|serialised)|stream\/delivered)\.ts$/,
      /JSON\.parse/,
    ),
  ).toEqual([]);
});

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { fileOf, PAGES, page, ROOT } from '../support/pages.js';

/** The pair's configuration with an option that there is not. */
const MISSPELT = 'misspelt/cache.ts';
/** `cdk init` makes its project less strict, and aws-cdk-lib needs it so: test/infra/example.long.test.ts compiles these. */
const CDK_APP = 'deploy/lib/';

let complaints: string;
let compiled: string[];

/** All TypeScript of all pages at once, a folder for each page, since the compiler takes seconds to begin. */
beforeAll(async () => {
  // Inside the repository, where the package's own name and its dependencies resolve; ignored by git and Biome.
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'dist', 'docs-'));
  try {
    const examples = new Map(PAGES.flatMap(examplesOf));
    const config = examples.get('README/cache.ts') ?? '';
    examples.set(MISSPELT, config.replace('ttlSeconds', 'ttlSecond'));
    await Promise.all([...examples].map(([file, text]) => writeInto(folder, file, text)));
    compiled = [...examples.keys()];
    await writeInto(folder, 'tsconfig.json', JSON.stringify(tsconfigFor(compiled)));
    complaints = await complaintsOfTsc(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);

test('every TypeScript example of every page compiles against the types of the package', () => {
  expect(compiled.length).toBeGreaterThan(20);
  expect(complaints.replace(/^.*misspelt.*\n?/gm, '')).toBe('');
});

test('an option that is misspelt in the configuration of the README is found by the compiler', () => {
  expect(complaints).toMatch(/misspelt\/cache\.ts.*ttlSecond/);
});

test('options that are given by a name are those of a StreamCacheConfig: else the compiler finds no misspelt one', () => {
  const examples = PAGES.flatMap((file) => page(file).blocks('ts'));
  const named = examples.flatMap((text) =>
    [...text.matchAll(/New(?:StreamCacheHandler|CachingMiddleware)\((\w+)\)/g)].map(([, name]) => ({
      text,
      name,
    })),
  );
  expect(named.length).toBeGreaterThan(3);
  for (const { text, name } of named) {
    const declared = new RegExp(`const ${name} = \\{[^]*?\\n\\} satisfies StreamCacheConfig;`);
    const imported = new RegExp(`import \\{ ${name} \\} from`);
    expect(declared.test(text) || imported.test(text), text).toBe(true);
  }
});

function examplesOf(file: string): [string, string][] {
  const folder = file.replace('docs/', '').replace('.md', '');
  return page(file)
    .blocks('ts')
    .map((text, index): [string, string] => [`${folder}/${fileOf(text) ?? `example-${index}.ts`}`, text])
    .filter(([name]) => !name.startsWith(CDK_APP));
}

async function writeInto(folder: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), text);
}

function tsconfigFor(files: string[]) {
  const source = (path: string) => [join(ROOT, path)];
  return {
    extends: join(ROOT, 'tsconfig.json'),
    include: [],
    // The sources import Lua as text, and the tests provide addresses, which they declare for themselves.
    files: [...files, join(ROOT, 'src/raw.d.ts'), join(ROOT, 'test/support/servers.ts')],
    compilerOptions: {
      // From the sources, so that no build has to come first.
      paths: {
        'dynamodb-stream-cache': source('src/index.ts'),
        'dynamodb-stream-cache/cdk': source('infra/index.ts'),
        'dynamodb-stream-cache/glide': source('src/store/glide/index.ts'),
        'dynamodb-stream-cache/iam': source('src/iam/index.ts'),
        'dynamodb-stream-cache/local': source('src/local/index.ts'),
        'dynamodb-stream-cache/memcached': source('src/store/memcached/index.ts'),
        'dynamodb-stream-cache/metrics': source('src/metrics/index.ts'),
        'dynamodb-stream-cache/momento': source('src/store/momento/index.ts'),
        'dynamodb-stream-cache/operate': source('src/operate/index.ts'),
      },
    },
  };
}

/** What the compiler says against the files of a folder; what it says against the sources is for `npm run types`. */
async function complaintsOfTsc(folder: string): Promise<string> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const all = await promisify(execFile)(process.execPath, [tsc, '-p', folder], { cwd: ROOT }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; message: string }) => error.stdout || error.message,
  );
  return all.replace(/^src\/.*\n(?: .*\n)*/gm, '').trim();
}

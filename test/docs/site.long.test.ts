import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { DOCS, ROOT } from '../support/pages.js';

const BUILT = join(ROOT, '.cache/site');
let files: string[];
/** What was built, by the path that it is served at. */
const pages = new Map<string, string>();

beforeAll(async () => {
  await promisify(execFile)('npm', ['run', 'site'], { cwd: ROOT });
  files = (await readdir(BUILT, { recursive: true })).map((file) => `/${file}`);
  for (const file of files.filter((name) => name.endsWith('.html')))
    pages.set(file, await readFile(join(BUILT, file), 'utf8'));
}, 240_000);

test('The site has every page of the docs, and one for each path that the package is imported by', () => {
  const served = [...pages.keys()];
  expect(served).toEqual(expect.arrayContaining(DOCS.map((file) => `/${file.replace(/md$/, 'html')}`)));
  expect(served.filter((path) => path.startsWith('/api/dynamodb-stream-cache'))).toHaveLength(12);
});

test('every link of it leads to a page, and to what is on that page', () => {
  const broken: string[] = [];
  for (const [page, html] of pages) {
    for (const [, link = ''] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
      const { host, pathname, hash } = new URL(link, `http://site${page}`);
      if (host !== 'site') continue;
      const file = pathname.replace(/\/$/, '/index.html');
      const isThere =
        hash === '' ? files.includes(file) : pages.get(file)?.includes(` id="${hash.slice(1)}"`);
      if (!isThere) broken.push(`${page}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser } from '../support/chromium.js';
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

describe('In a browser', () => {
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let server: Server;
  let origin: string;
  const problems: string[] = [];
  const hosts = new Set<string>();
  beforeAll(async () => {
    browser = await openBrowser({ viewport: { width: 1_280, height: 900 } });
    server = serve(BUILT);
    origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    server?.closeAllConnections();
  });

  async function open(path: string): Promise<Page> {
    const page = await browser.context.newPage();
    page.on('request', (request) => void hosts.add(new URL(request.url()).origin));
    page.on('pageerror', (error) => void problems.push(`${path}: ${error}`));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(`${path}: ${message.text()}`);
    });
    await page.goto(`${origin}${path}`);
    return page;
  }

  test('the front door leads to the docs, and the search to what it is asked for', async () => {
    const page = await open('/');
    await page.getByRole('link', { name: 'the handler and its failures' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'The handler and its failures' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('searchbox').fill('eviction policy');
    await page.getByRole('option').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Eviction' }).waitFor();
    await page.close();
  });

  const STORIES = ['late', 'replay', 'overlap', 'own-write'];

  test.each(STORIES)('the pair never shows an old value in the story "%s", and SET does', async (story) => {
    const page = await open(`/simulation.html#story=${story}&seed=1`);
    await page.getByLabel('Speed').selectOption('× 20');
    await page.locator('[data-over="true"]').waitFor();
    expect(await countOf(page, 'pair', 'reads')).toBeGreaterThan(20);
    expect(await countOf(page, 'pair', 'stale-reads')).toBe(0);
    expect(await countOf(page, 'pair', 'stale-ms')).toBe(0);
    expect(await countOf(page, 'set', 'stale-reads')).toBeGreaterThan(2);
    expect(await page.getByText('Old values read: This pair 0,').count()).toBe(1);
    await page.close();
  });

  test('a story always ends the same', async () => {
    const page = await open('/simulation.html#story=own-write&seed=7');
    await page.getByLabel('Speed').selectOption('× 20');
    const endOf = async () => {
      await page.locator('[data-over="true"]').waitFor();
      return page.locator('.simulation').innerText();
    };
    const first = await endOf();
    await page.getByRole('button', { name: 'Again' }).click();
    await page.locator('[data-over="false"]').waitFor();
    expect(await endOf()).toBe(first);
    await page.close();
  });

  test('a story is played by the keyboard, stands still for who wants no motion, and fits a narrow screen', async () => {
    const page = await open('/');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(`${origin}/simulation.html#story=free&lag=2500`);
    const clock = page.locator('.clock');
    await page.getByText('2.5 s', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Step' }).press('Enter');
    await expect.poll(() => clock.innerText()).toBe('0.3 s');
    await page.getByRole('button', { name: 'Somebody else writes' }).press('Space');
    await page.getByLabel('The table').getByText('v2').first().waitFor();
    expect(await clock.innerText()).toBe('0.3 s');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await page.close();
  });

  test('nothing goes wrong in it, and nobody else is asked for anything', () => {
    expect(problems).toEqual([]);
    expect([...hosts]).toEqual([origin]);
  });
});

/** What the simulation counts for one of its caches. */
async function countOf(page: Page, cache: string, what: string): Promise<number> {
  return Number(await page.locator(`[data-cache="${cache}"]`).getAttribute(`data-${what}`));
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** Any server of files would do. */
function serve(folder: string): Server {
  return createServer(async ({ url = '' }, response) => {
    const path = new URL(url, 'http://site').pathname.replace(/\/$/, '/index.html');
    const content = await readFile(join(folder, path)).catch(() => undefined);
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': type }).end(content);
  }).listen(0);
}

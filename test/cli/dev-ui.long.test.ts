import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openBrowser } from '../support/chromium.js';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';

let dynamodb: DynamoDBServer;
let browser: Awaited<ReturnType<typeof openBrowser>>;
beforeAll(async () => {
  [dynamodb, browser] = await Promise.all([
    startDynamoDB(),
    openBrowser({ viewport: { width: 1_200, height: 1_000 } }),
  ]);
}, 240_000);
afterAll(async () => {
  await Promise.all([dynamodb?.stop(), browser?.close()]);
});

/** Stopped caches are asked for again at growing intervals. */
const LONG = { timeout: 120_000 };

/** `stream-cache dev --ui` of a table, and its page. */
async function openDev(table: string, ...more: string[]) {
  const args = ['dev', '--table', table, '--stream-endpoint', dynamodb.endpoint, '--ui', ...more];
  const child = spawn(process.execPath, ['dist/cli.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  let address = '';
  for await (const line of createInterface(child.stdout)) {
    [, address = ''] = /The page is at (http:\S+)/.exec(line) ?? [];
    if (address !== '') break;
  }
  if (address === '') throw new Error(`It did not start: ${errors}`);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    address,
    async stop() {
      child.kill('SIGINT');
      return exited;
    },
  };
}

async function openPage(address: string) {
  const page = await browser.context.newPage();
  const hosts = new Set<string>();
  const problems: string[] = [];
  page.on('request', (request) => void hosts.add(new URL(request.url()).host));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => void problems.push(String(error)));
  await page.goto(address);
  return { page, hosts, problems };
}

const textOf = (page: Page, id: string) => page.locator(`#${id}`).innerText();
const numberOf = async (page: Page, id: string) => Number((await textOf(page, id)).replace(/,/g, ''));
/** What the page then says of the entry that is chosen. An entry that was deleted counts for the same: nothing old is there. */
async function compared(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Compare' }).click();
  await until(() => textOf(page, 'entry-table')).not.toBe('');
  const isCached = (await textOf(page, 'entry-value')) !== 'not cached';
  return isCached ? textOf(page, 'entry-table') : 'the same';
}
/** Waits for what the page comes to. */
const until = (what: () => Promise<unknown>, timeout = 30_000) =>
  expect.poll(what, { timeout, interval: 100 });

describe.each([
  ['Redis', () => ['--cache', inject('redisUrl')]],
  ['memory', () => []],
] as const)('The page, on %s', (name, cacheOf) => {
  const table = `ui-${name}-${process.pid}`;
  let dev: Awaited<ReturnType<typeof openDev>>;
  const put = (id: string, text: string) =>
    dynamodb
      .client()
      .send(new PutItemCommand({ TableName: table, Item: { id: { S: id }, text: { S: text } } }));

  beforeAll(async () => {
    await createTable(dynamodb.client(), table, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
    dev = await openDev(table, ...cacheOf());
  });
  afterAll(() => dev?.stop());

  test('shows a change, its outcome and its entry, a fault, and the recovery', LONG, async () => {
    const { page, hosts, problems } = await openPage(dev.address);
    await until(() => textOf(page, 'status')).toBe('The stream is read.');
    expect(await textOf(page, 'table')).toBe(table);

    await put('a<b>&', 'first');
    await until(() => textOf(page, 'records')).toMatch(/written\s+INSERT\s+.*id=a<b>&/);

    await page.locator('#text').fill('a<b');
    await page.locator('#text').press('Enter');
    await page.getByRole('button', { name: `${table}:id=a<b>&` }).press('Enter');
    await until(() => textOf(page, 'entry-value')).toBe('{"id":"a<b>&","text":"first"}');
    expect(await textOf(page, 'entry-guard')).toMatch(/^changed by the stream .* ago; settles in/);
    await page.getByRole('button', { name: 'Compare' }).press('Enter');
    await until(() => textOf(page, 'entry-table')).toBe('the same');

    await page.getByRole('button', { name: 'Pause the stream' }).press('Space');
    await put('a<b>&', 'second');
    await until(() => textOf(page, 'status')).toBe('The stream is paused: 1 records wait.');
    await until(() => textOf(page, 'lag')).toMatch(/^\d+\.\d s|min/);
    await page.getByRole('button', { name: 'Compare' }).click();
    await until(() => textOf(page, 'differences')).toBe('text: cache "first", table "second"');

    await page.getByRole('button', { name: 'Stop the cache' }).click();
    await page.getByRole('button', { name: 'Resume the stream' }).click();
    await until(() => textOf(page, 'records')).toMatch(/failed\s+MODIFY/);
    expect(await textOf(page, 'status')).toContain('The cache is stopped');
    await page.getByRole('button', { name: 'Start the cache' }).click();
    await until(() => textOf(page, 'records')).toMatch(/(written|late|overlapping)\s+MODIFY/);
    await until(() => compared(page)).toBe('the same');

    await page.getByRole('button', { name: 'Replay a batch' }).click();
    await until(() => textOf(page, 'records')).toMatch(/stale\s+INSERT/);
    expect(await compared(page)).toBe('the same');

    expect([...hosts]).toEqual([new URL(dev.address).host]);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('shows what goes stale in a cache written by hand, and not here', LONG, async () => {
    const { page, problems } = await openPage(dev.address);
    await page.getByRole('button', { name: 'Run the workload' }).click();
    await until(() => numberOf(page, 'ours-hits')).toBeGreaterThan(50);
    const replay = async () => {
      await page.getByRole('button', { name: 'Replay a batch' }).click();
      return numberOf(page, 'plain-back');
    };
    await until(replay, 60_000).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Stop the workload' }).click();
    await until(() => numberOf(page, 'ours-different'), 60_000).toBe(0);
    expect(await numberOf(page, 'ours-back')).toBe(0);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('is readable on a narrow screen, in light and in dark', async () => {
    const { page } = await openPage(dev.address);
    await page.setViewportSize({ width: 400, height: 800 });
    await until(() => textOf(page, 'status')).toBe('The stream is read.');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const contrasts = (await page.evaluate(CONTRASTS)) as [string, number][];
      expect(contrasts.length).toBeGreaterThan(10);
      expect(contrasts.filter(([, contrast]) => contrast < 4.5)).toEqual([]);
    }
    await page.close();
  });
});

test('Nobody sees it without its token, by another name, or from another page', async () => {
  const table = `ui-closed-${process.pid}`;
  await createTable(dynamodb.client(), table, { id: 'S' }, 'NEW_AND_OLD_IMAGES');
  const dev = await openDev(table);
  const { origin } = new URL(dev.address);
  const status = async (address: string, init: RequestInit = {}) => (await fetch(address, init)).status;
  expect(await status(dev.address)).toBe(200);
  expect(await status(`${origin}/`)).toBe(403);
  expect(await status(`${origin}/${'x'.repeat(24)}/`)).toBe(403);
  expect(await status(`${origin}/${'x'.repeat(24)}/act/pause`, { method: 'POST' })).toBe(403);
  expect(await status(`${dev.address}act/pause`)).toBe(404);
  expect(await status(`${dev.address}act/constructor`, { method: 'POST' })).toBe(404);
  expect(await status(`${dev.address}../../package.json`)).toBe(403);
  const foreign = { method: 'POST', headers: { origin: 'http://evil.example' } };
  expect(await status(`${dev.address}act/pause`, foreign)).toBe(403);
  const { headers } = await fetch(dev.address);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(headers.get('access-control-allow-origin')).toBeNull();
  expect(await dev.stop()).toBe(0);
});

/** The contrast of each text that is seen with what is behind it, by WCAG's formula. */
const CONTRASTS = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')].flatMap((node) => {
    const text = [...node.childNodes].filter((child) => child.nodeType === 3).map((child) => child.textContent.trim()).join('');
    if (text === '' || node.offsetParent === null || node.disabled) return [];
    const [a, b] = [luminance(channels(getComputedStyle(node).color)), luminance(behind(node))];
    return [[text, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]];
  });
})()`;

// Takes the pictures of the page of `stream-cache dev --ui` for the docs: `npm run screenshots [folder]`.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { openBrowser } from '../test/support/chromium.js';
import { createTable, startDynamoDB } from '../test/support/dynamodb.js';
import { startRedis } from '../test/support/redis.js';

const folder = process.argv[2] ?? 'docs/operate';
const [dynamodb, redis] = await Promise.all([startDynamoDB(), startRedis()]);
await createTable(dynamodb.client(), 'users', { id: 'S' }, 'NEW_AND_OLD_IMAGES');
const args = [
  'dev',
  '--table',
  'users',
  '--stream-endpoint',
  dynamodb.endpoint,
  '--ui',
  '--cache',
  redis.url,
];
const child = spawn(process.execPath, ['dist/cli.js', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
let address = '';
for await (const line of createInterface(child.stdout)) {
  [, address = ''] = /The page is at (http:\S+)/.exec(line) ?? [];
  if (address !== '') break;
}
child.stdout.resume();
const { context, close } = await openBrowser({ viewport: { width: 1_200, height: 1_240 } });
const page = await context.newPage();
await page.goto(address);
await page.getByRole('button', { name: 'Run the workload' }).click();
await delay(12_000);
await page.getByRole('button', { name: 'Pause the stream' }).click();
await delay(6_000);
await page.getByRole('button', { name: 'Resume the stream' }).click();
await delay(6_000);
for (let n = 0; n < 3; n += 1) {
  await page.getByRole('button', { name: 'Replay a batch' }).click();
  await delay(700);
}
await page.getByRole('button', { name: 'Search' }).click();
await page.getByRole('button', { name: 'users:id=demo-3' }).click();
await page.getByRole('button', { name: 'Compare' }).click();
await delay(500);
await page.evaluate('scrollTo(0, 0)');
await page.screenshot({ path: `${folder}/dev-ui.png` });
await page.emulateMedia({ colorScheme: 'dark' });
await page.screenshot({ path: `${folder}/dev-ui-dark.png` });
await page.setViewportSize({ width: 400, height: 1_400 });
await page.screenshot({ path: `${folder}/dev-ui-400.png`, fullPage: true });
await close();
child.kill('SIGINT');
await Promise.all([dynamodb.stop(), redis.stop()]);
process.exit(0);

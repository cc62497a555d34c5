import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { unzipSync } from 'fflate';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { restamp } from '../src/cli/restamp.js';
import { readEvent, SAMPLE_OUTCOMES } from './cli/sample-outcomes.js';

const BUNDLE = 'dist/lambda.mjs';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stream-cache-bundle-'));
  await cp(BUNDLE, join(folder, 'lambda.mjs')).catch((cause) => {
    throw new Error(`There is no ${BUNDLE}: build it with \`npm run build\`.`, { cause });
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the bundle alone in a folder handles every sample event against a real Redis', async () => {
  const namespace = `bundle${randomBytes(6).toString('hex')}`;
  const events = SAMPLE_OUTCOMES.map(({ file }) => restamp(readEvent(file), Date.now()));

  expect(await readdir(folder)).toEqual(['lambda.mjs']);
  const { code, stdout, stderr } = await runAlone(INVOKE, JSON.stringify(events), {
    STREAM_CACHE_URL: inject('redisUrl'),
    STREAM_CACHE_NAMESPACE: namespace,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { responses, importMs } = JSON.parse(stdout);
  expect(responses).toEqual(events.map(() => ({ batchItemFailures: [] })));
  expect(await storedUnder(namespace)).toEqual(finalContents(namespace));

  const { length } = await readFile(BUNDLE);
  process.stdout.write(
    `${BUNDLE}: ${(length / 1024).toFixed(0)} KiB, imported in ${importMs.toFixed(0)} ms\n`,
  );
});

test('the zip has the bundle, byte for byte, and nothing else', async () => {
  const files = unzipSync(await readFile('dist/lambda.zip'));
  expect(Object.keys(files)).toEqual(['lambda.mjs']);
  expect((await readFile(BUNDLE)).equals(files['lambda.mjs'] ?? Buffer.alloc(0))).toBe(true);
});

test('without STREAM_CACHE_URL the bundle does not load, and says what is missing', async () => {
  const { code, stderr } = await runAlone(INVOKE, '[]', {});
  expect(code).not.toBe(0);
  expect(stderr).toContain('ConfigError: Option cache is missing');
  expect(stderr).toContain('STREAM_CACHE_URL');
});

/** What Lambda does: imports once, then invokes with one event after the other. */
const INVOKE = `
import { json } from 'node:stream/consumers';
const start = performance.now();
const { handler } = await import('./lambda.mjs');
const importMs = performance.now() - start;
const responses = [];
for (const event of await json(process.stdin)) {
  responses.push(await handler(event, { getRemainingTimeInMillis: () => 10_000 }));
}
process.stdout.write(JSON.stringify({ importMs, responses }), () => process.exit());
`;

async function runAlone(script: string, input: string, env: Record<string, string>) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder, env });
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // A bundle that does not load reads nothing.
  child.stdin.on('error', () => {}).end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

async function storedUnder(namespace: string): Promise<Record<string, string | null>> {
  const redis = new Redis(inject('redisUrl'));
  try {
    const keys: string[] = [];
    for await (const found of redis.scanStream({ match: `${namespace}:*`, count: 1000 })) keys.push(...found);
    const texts = await Promise.all(keys.map((key) => redis.get(key)));
    return Object.fromEntries(keys.map((key, index) => [key, texts[index] ?? null]));
  } finally {
    redis.disconnect();
  }
}

function finalContents(namespace: string): Record<string, string> {
  const last = new Map(SAMPLE_OUTCOMES.flatMap(({ contents }) => Object.entries(contents)));
  return Object.fromEntries(
    [...last].flatMap(([key, stored]) => (stored === null ? [] : [[`${namespace}:${key}`, stored]])),
  );
}

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { Redis } from 'ioredis';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { decode } from '../../src/index.js';
import { recorded, run, tableOf } from '../support/examples.js';
import { DOCS, fileOf, linksOf, PAGES, page, ROOT } from '../support/pages.js';

const README = page('README.md');

afterEach(() => vi.unstubAllEnvs());

test('is read in a few minutes: at most 250 lines', () => {
  expect(README.text.split('\n').length - 1).toBeLessThanOrEqual(250);
});

test('leads to every page of the documentation', () => {
  const links = linksOf(README).map((target) => target.split('#')[0] ?? '');
  expect(DOCS.filter((file) => !links.includes(file))).toEqual([]);
});

test('has an install line with what a reader needs, and the commands that CI and newcomers call', () => {
  const { name, peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [install, start, tests] = README.blocks('sh').map((block) => block.trim());
  const [main, ...beside] = (install ?? '').replace('npm install ', '').split(' ');
  expect(main).toBe(name);
  expect(beside).toEqual(['@aws-sdk/client-dynamodb']);
  expect(Object.keys(peerDependencies)).toEqual(expect.arrayContaining(beside));
  expect([start, tests]).toEqual(['npm ci && npm start', 'npm ci && npm test']);
});

test('every page calls the command by the name of the package, which npx finds in any folder', () => {
  const { name, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(bin[name]).toBe(bin['stream-cache']);
  const calls = PAGES.flatMap(
    (file) =>
      page(file)
        .blocks('sh')
        .join('\n')
        .match(/\bnpx (?!-|cdk|aws-cdk|vitest)\S+/g) ?? [],
  );
  expect(new Set(calls)).toEqual(new Set([`npx ${name}`]));
});

test('the pair is ten lines without imports, and both read and keep the text that is shown', async () => {
  const pair = README.blocks('ts').slice(0, 3);
  expect(pair.map(fileOf)).toEqual(['cache.ts', 'handler.ts', 'client.ts']);
  const lines = pair.flatMap((example) => example.split('\n'));
  expect(lines.filter((line) => !/^$|^(?:import|\/\/) /.test(line))).toHaveLength(10);

  const namespace = `readme-${randomUUID()}`;
  vi.stubEnv('STREAM_CACHE_URL', inject('redisUrl'));
  vi.stubEnv('STREAM_CACHE_NAMESPACE', namespace);
  vi.stubEnv('STREAM_CACHE_READ_TIMEOUT_MS', '10000');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  const table = tableOf({ id: { S: '7' }, name: { S: 'Grace Hopper' } });
  const config = await run(pair[0] ?? '');
  const { handler } = await run(pair[1] ?? '', { './cache.js': config });
  const { client } = await run(pair[2] ?? '', { './cache.js': config, '@aws-sdk/client-dynamodb': table });
  const get = (id: string) => client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: id } } }));
  const redis = new Redis(inject('redisUrl'));
  try {
    expect(await handler(recorded('insert.json'))).toEqual({ batchItemFailures: [] });
    expect(README.text).toContain('`users:id=42`');
    const text = await redis.get(`${namespace}:users:id=42`);
    expect(text).toBe(JSON.stringify(JSON.parse(README.blocks('json')[0] ?? '')));
    expect(await redis.ttl(`${namespace}:users:id=42`)).toBeLessThanOrEqual(3600);

    expect(await get('42')).toMatchObject({ Item: decode(text ?? ''), CacheMetadata: { CacheHit: true } });
    expect(table.requests).toEqual([]);
    expect(await get('7')).not.toHaveProperty('CacheMetadata');
    expect(await get('7')).toMatchObject({
      Item: { name: { S: 'Grace Hopper' } },
      CacheMetadata: { CacheHit: true },
    });
    expect(table.requests).toEqual(['GetItem']);
  } finally {
    const keys = [...(await redis.keys(`${namespace}:*`)), ...(await redis.keys(`{${namespace}:*`))];
    await redis.unlink(keys);
    redis.disconnect();
  }
});

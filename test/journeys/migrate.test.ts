import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { lambdaBundle } from '../../esbuild.config.mjs';
import { createTable, type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { type MomentoStandIn, startMomento } from '../support/momento.js';
import { event, record } from '../support/records.js';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'node_modules/.cache/migrate');

let dynamodb: DynamoDBServer;
let memcached: MemcachedServer;
let momento: MomentoStandIn;
beforeAll(async () => {
  [dynamodb, memcached, momento] = await Promise.all([startDynamoDB(), startMemcached(), startMomento()]);
  await mkdir(FOLDER, { recursive: true });
});
afterAll(async () => {
  await Promise.all([dynamodb?.stop(), memcached?.stop(), momento?.stop()]);
  await rm(FOLDER, { recursive: true, force: true });
});

interface Moved {
  handler(event: object, context?: object): Promise<unknown>;
  read(id: string): Promise<Record<string, unknown> | undefined>;
}

/** Blocks of docs/migrate.md, by the comment that they begin with, as one module; with the servers of here. */
async function load(...names: string[]): Promise<Moved> {
  const page = await readFile(join(ROOT, 'docs/migrate.md'), 'utf8');
  const modules = await Promise.all(
    names.map(async (name) => {
      const [, code] = new RegExp(`\`\`\`[jt]s\\n(// ${name}\\n[^]*?)\`\`\``).exec(page) ?? [];
      if (code === undefined) throw new Error(`docs/migrate.md has no block "${name}".`);
      const outfile = join(FOLDER, `${name.replace(/\W+/g, '-')}.mjs`);
      const { entryPoints: _, ...options } = lambdaBundle('', outfile);
      await build({
        ...options,
        stdin: {
          contents: code
            .replaceAll('memcached://cache.example.com:11211', memcached.url)
            .replaceAll('cache.example.com:11211', `127.0.0.1:${memcached.port}`)
            .replaceAll('momento:shop', momento.url),
          resolveDir: ROOT,
          loader: 'ts',
        },
        alias: {
          ...options.alias,
          'dynamodb-stream-cache/memcached': join(ROOT, 'src/store/memcached/index.ts'),
          'dynamodb-stream-cache/momento': join(ROOT, 'src/store/momento/index.ts'),
          'dynamodb-stream-cache': join(ROOT, 'src/index.ts'),
        },
      });
      vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', dynamodb.endpoint);
      vi.stubEnv('AWS_REGION', 'us-east-1');
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
      vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
      return import(pathToFileURL(outfile).href);
    }),
  );
  return Object.assign({}, ...modules);
}

const FIRST = event(record({ number: 1 }));
const SECOND = event(record({ number: 2, eventName: 'MODIFY' }));

/** What is read when the first batch is delivered once more after the second, and how an item is that nobody has. */
async function afterReplay({ handler, read }: Moved) {
  for (const batch of [FIRST, SECOND, FIRST]) await handler(batch, {});
  return { item: await read('42'), nobody: await read('nobody') };
}

describe('docs/migrate.md, with both sides run', () => {
  beforeAll(() => createTable(dynamodb.client(), 'users', { id: 'S' }));

  test('a handler on memcached: a replay puts back what was, and afterwards does not', async () => {
    const before = await load('before: handler', 'before: reader');
    expect((await afterReplay(before)).item).toMatchObject({ logins: 1 });

    const after = await load('after: handler', 'after: reader');
    expect(await afterReplay(after)).toMatchObject({ item: { logins: 2 }, nobody: undefined });
  });

  test("Momento's helper: afterwards a replay does not put back what was", async () => {
    const after = await load('after: Momento');
    expect(await afterReplay(after)).toMatchObject({ item: { logins: 2 }, nobody: undefined });
    expect([...momento.entries.keys()]).toContain('users:id=42');
  });
});

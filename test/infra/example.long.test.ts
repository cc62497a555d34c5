import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textOf } from './stacks.js';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLE = join(ROOT, 'infra/example');
const run = promisify(execFile);

/** The app as `cdk synth` runs it, on the package as it is built, where there is no network and no account. */
describe('the example', () => {
  let folder: string;
  let resources: Record<string, { Type: string; Properties: Record<string, never> }>;
  let messages: string;

  beforeAll(async () => {
    if (!existsSync(join(ROOT, 'dist/cdk/index.js'))) throw new Error('Build the package: `npm run build`.');
    folder = await mkdtemp(join(tmpdir(), 'stream-cache-synth-'));
    const { app } = JSON.parse(await readFile(join(EXAMPLE, 'cdk.json'), 'utf8'));
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      CDK_OUTDIR: folder,
      HTTPS_PROXY: 'http://127.0.0.1:1',
    };
    const { stdout, stderr } = await run('sh', ['-c', app], { cwd: EXAMPLE, env });
    messages = stdout + stderr;
    resources = JSON.parse(await readFile(join(folder, 'Shop.template.json'), 'utf8')).Resources;
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('and those of docs/deploy.md compile against the types of the built package', {
    timeout: 120_000,
  }, async () => {
    const place = await mkdtemp(join(ROOT, 'dist', 'deploy-'));
    try {
      const examples = [
        ...(await readFile(join(ROOT, 'docs/deploy.md'), 'utf8')).matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs),
      ];
      expect(examples.map(([, file]) => file)).toEqual(['lib/shop-stack.ts', 'lib/api.ts']);
      await mkdir(join(place, 'lib'));
      await Promise.all(examples.map(([, file = '', text = '']) => writeFile(join(place, file), text)));
      const extended = {
        extends: join(EXAMPLE, 'tsconfig.json'),
        include: ['lib/*.ts', join(EXAMPLE, '*.ts')],
      };
      await writeFile(join(place, 'tsconfig.json'), JSON.stringify(extended));
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      await run(process.execPath, [tsc, '-p', place]).catch(({ stdout }) => expect(stdout).toBe(''));
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });

  test('is a template that CloudFormation would take', () => {
    expect(messages).not.toMatch(/WARNING|ERROR|CloudFormation Validate/);
  });

  test('deploys the zip of this build', async () => {
    const zip = await readFile(join(ROOT, 'dist/lambda.zip'));
    const { Code } =
      ofType('AWS::Lambda::Function').find(({ Handler }) => Handler === 'lambda.handler') ?? {};
    const asset = /asset\.(\w+\.zip)/.exec(JSON.stringify(await assets(folder)))?.[0] ?? '';
    expect(JSON.stringify(Code)).toContain(asset.slice('asset.'.length, -'.zip'.length));
    expect(digest(await readFile(join(folder, asset)))).toBe(digest(zip));
  });

  test('gives its function the cache, and tells both of the table and its index', () => {
    const [first, second] = ofType('AWS::Lambda::Function').map(
      ({ Environment }) => (Environment as { Variables: Record<string, unknown> }).Variables,
    );
    expect(textOf(first?.STREAM_CACHE_TABLES)).toBe(
      '{"<Orders>":{"partitionKey":"customerId","sortKey":"orderId","indexes":{"byStatus":{"partitionKey":"status"}},"ttlAttribute":"expiresAt"}}',
    );
    expect(second?.STREAM_CACHE_TABLES).toEqual(first?.STREAM_CACHE_TABLES);
    expect(second?.STREAM_CACHE_URL).toEqual(first?.STREAM_CACHE_URL);
  });

  function ofType(type: string): Record<string, unknown>[] {
    return Object.values(resources).flatMap(({ Type, Properties }) => (Type === type ? [Properties] : []));
  }
});

async function assets(folder: string): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, 'Shop.assets.json'), 'utf8'));
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

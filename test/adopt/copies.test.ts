import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuildOptions, build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cachingClients } from '../../esbuild.config.mjs';

const PROGRAM = fileURLToPath(new URL('applications/copies.mjs', import.meta.url));
/** Below the project, where what stays outside of a bundle is found. */
const PLACE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

let folder: string;
beforeAll(async () => {
  await mkdir(PLACE, { recursive: true });
  folder = await mkdtemp(join(PLACE, 'copies-'));
  const contents = "export { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';";
  const stdin = { contents, resolveDir: PLACE };
  const common: BuildOptions = { stdin, bundle: true, platform: 'node', format: 'cjs' };
  await build({
    ...common,
    outfile: join(folder, 'with.cjs'),
    external: ['@aws-sdk/*'],
    plugins: [cachingClients()],
  });
  await build({ ...common, outfile: join(folder, 'without.cjs') });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function outcomes(STREAM_CACHE_AUTO: string) {
  const env = {
    ...process.env,
    STREAM_CACHE_URL: 'memory:',
    STREAM_CACHE_AUTO,
    POWERTOOLS_LOG_LEVEL: 'ERROR',
  };
  const args = ['--import', 'dynamodb-stream-cache/auto', PROGRAM];
  const bundles = ['with.cjs', 'without.cjs'].map((name) => join(folder, name));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...args, ...bundles], { env });
  return { answers: JSON.parse(stdout), lines: stderr.split('\n').filter((line) => line !== '') };
}

describe('among several copies of the SDK and of the package', () => {
  test('what is required is refused to none that is attached, by whichever copy, and to each that is not', async () => {
    expect(await outcomes('required')).toEqual({
      answers: {
        imported: 'answered',
        byPath: 'answered',
        bundledWithPlugin: 'answered',
        queued: 'answered',
        withItsOwn: 'answered',
        notAttached: 'ConfigError',
        notAttachedFromACallback: 'ConfigError',
      },
      lines: [],
    });
  });

  test('the log names the calls that pass by once, and only those', async () => {
    const { answers, lines } = await outcomes('on');
    expect(new Set(Object.values(answers))).toEqual(new Set(['answered']));
    expect(lines).toEqual([
      expect.stringContaining('A call of DynamoDB does not pass the caching middleware'),
    ]);
  });
});

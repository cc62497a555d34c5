import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BuildOptions, build } from 'esbuild';
import { describe, expect, onTestFinished, test } from 'vitest';
import { resolveConfig } from '../../src/config.js';
import { run } from '../support/examples.js';
import { code, page, ROOT } from '../support/pages.js';
import { messageOf } from '../support/refusals.js';

const PAGE = page('docs/handler.md');

test('the modes are those that the configuration takes', () => {
  const modes = PAGE.tables('Modes')
    .flat()
    .map(([mode = '']) => code(mode));
  expect(messageOf(() => resolveConfig({ mode: 'nonsense' as 'write' }, {}))).toContain(
    `expected ${modes.slice(0, -1).join(', ')} or ${modes.at(-1)}, not "nonsense".`,
  );
});

describe('a bundle made with the options for one’s own esbuild', () => {
  const FAILURE = 'Dynamic require of "events" is not supported';
  const entry = `
    import { NewStreamCacheHandler } from 'dynamodb-stream-cache';
    const handler = NewStreamCacheHandler({ cache: 'memory:' });
    console.log(JSON.stringify(await handler({ Records: [] })));`;

  /** What the bundle prints in a folder of its own, as Lambda has it. */
  async function printed(options: BuildOptions): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'stream-cache-own-bundle-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const outfile = join(folder, 'handler.mjs');
    await build({ ...options, stdin: { contents: entry, resolveDir: ROOT }, outfile, logLevel: 'silent' });
    const env = { POWERTOOLS_LOG_LEVEL: 'SILENT' };
    return await promisify(execFile)(process.execPath, [outfile], { env }).then(
      ({ stdout }) => stdout.trim(),
      ({ stderr }) => stderr,
    );
  }

  test('handles events, and without the banner ends with the error that the page names', async () => {
    const { options } = await run(PAGE.exampleWith('banner'));
    expect(await printed(options)).toBe('{"batchItemFailures":[]}');
    expect(PAGE.text).toContain(FAILURE);
    expect(await printed({ ...options, banner: {} })).toContain(FAILURE);
  });
});

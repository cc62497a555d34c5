import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DEV_HELP } from '../../src/cli/dev-options.js';
import { invoke } from '../../src/cli/invoke.js';
import { INVOKE_HELP } from '../../src/cli/invoke-options.js';
import { painter } from '../../src/cli/terminal.js';
import type { StreamCacheHandler } from '../../src/index.js';
import { run, tableOf } from '../support/examples.js';
import { page, ROOT } from '../support/pages.js';
import { record } from '../support/records.js';

const PAGE = page('docs/local.md');

afterEach(() => vi.unstubAllEnvs());

describe('the command line', () => {
  test('prints what is shown', async () => {
    vi.stubEnv('STREAM_CACHE_URL', '');
    const [, args = ''] = /npx dynamodb-stream-cache invoke (.+)/.exec(PAGE.text) ?? [];
    let printed = '';
    const code = await invoke(args.split(' '), {
      width: 120,
      paint: painter(false),
      print: (text) => {
        printed += text;
      },
      flush: async () => {},
    });
    expect(code).toBe(0);
    expect(PAGE.blocks('text')).toContain(printed);
  });

  test('has the options that are listed', () => {
    const options = (text: string) => [...new Set(text.match(/(?<!\w)--[a-z][a-z-]*/g))].sort();
    expect(options(PAGE.section('Invoke it with events'))).toEqual(options(INVOKE_HELP));
    const loop = PAGE.section('The loop on one machine').replace(/^(?:npm|docker|aws) .*$/gm, '');
    expect(options(loop)).toEqual(options(DEV_HELP));
  });

  test('has every event file that is there to be tried', () => {
    const listed = PAGE.section('Invoke it with events').match(/`[a-z-]+\.json`/g) ?? [];
    expect(listed.map((name) => name.slice(1, -1)).sort()).toEqual(readdirSync(join(ROOT, 'events')).sort());
  });
});

test('the example of a test passes where the mapping brings what is written', async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  let isStopped = false;
  class LocalEventSourceMapping {
    readonly #handler: StreamCacheHandler;
    constructor({ handler }: { handler: StreamCacheHandler }) {
      this.#handler = handler;
    }
    async start() {}
    async drained() {
      const NewImage = { id: { S: '42' }, name: { S: 'Ada Lovelace' } };
      await this.#handler({ Records: [record({ newImage: NewImage })] });
    }
    async stop() {
      isStopped = true;
    }
  }
  const bodies: (() => Promise<void>)[] = [];
  await run(PAGE.exampleWith('LocalEventSourceMapping'), {
    '@aws-sdk/client-dynamodb': tableOf(),
    'dynamodb-stream-cache/local': { LocalEventSourceMapping },
    vitest: { expect, test: (_name: string, body: () => Promise<void>) => bodies.push(body) },
  });
  for (const body of bodies) await body();
  expect(isStopped).toBe(true);
});

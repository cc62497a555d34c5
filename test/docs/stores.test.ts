import { afterEach, expect, test, vi } from 'vitest';
import { decode } from '../../src/index.js';
import { recorded, run } from '../support/examples.js';
import { page } from '../support/pages.js';

afterEach(() => vi.unstubAllEnvs());

test('the example of a store for tests finds what the handler cached', async () => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  const { handler, cachedUser } = await run(page('docs/stores.md').exampleWith('cachedUser'));
  await handler(recorded('insert.json'));
  expect(decode(await cachedUser('42'))).toMatchObject({ name: { S: 'Ada Lovelace' } });
});

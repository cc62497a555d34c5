import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../src/config.js';
import { iamAuthentication } from '../../src/iam/index.js';
import { PARAMETERS } from '../../src/iam/target.js';
import { code, page } from '../support/pages.js';
import { knownIn } from '../support/refusals.js';

const PAGE = page('docs/security.md');

describe('the options of IAM authentication', () => {
  const rows = PAGE.tables('IAM authentication').flat();

  test('are those that it knows', () => {
    const known = knownIn(() => iamAuthentication({ nonsense: 1 } as object));
    expect(rows.map(([, option]) => code(option)).sort()).toEqual(known);
  });

  test('stand beside the parameters of the URL', () => {
    const named = rows.flatMap(([parameter]) => code(parameter) || []);
    expect([...named].sort()).toEqual([...PARAMETERS].sort());
    const [, url = ''] = /^STREAM_CACHE_URL=(rediss:.*iam=.*)$/m.exec(PAGE.text) ?? [];
    const credentials = () => ({ accessKeyId: 'local', secretAccessKey: 'local' });
    const iam = iamAuthentication({ credentials, region: 'eu-west-1' });
    expect(() => resolveConfig({ cache: url, iam }, {})).not.toThrow();
  });
});

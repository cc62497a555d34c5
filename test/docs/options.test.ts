import { afterEach, describe, expect, test, vi } from 'vitest';
import { resolveConfig } from '../../src/config.js';
import { recorded, run, subscribed } from '../support/examples.js';
import { code, PAGES, page } from '../support/pages.js';
import { knownIn, messageOf } from '../support/refusals.js';

const PAGE = page('docs/options.md');

afterEach(() => vi.unstubAllEnvs());

describe('the options', () => {
  const rowsOf = (title: string) =>
    PAGE.tables(title)
      .flat()
      .map(([option = '', environment = '', fallback = '']) => ({
        option: code(option),
        environment: code(environment),
        fallback: code(fallback),
      }));
  const common = rowsOf('For all tables, or for one in `tables`');
  const ofTables = rowsOf('For one table in `tables` only');
  const ofHandler = rowsOf('For all');

  test('are those that the configuration knows', () => {
    const known = knownIn(() => resolveConfig({ cache: 'memory:', nonsense: 1 } as object, {}));
    expect([...common, ...ofHandler].map(({ option }) => option).sort()).toEqual(known);
    const knownOfTables = knownIn(() =>
      resolveConfig({ cache: 'memory:', tables: { users: { nonsense: 1 } as object } }, {}),
    );
    expect([...common, ...ofTables].map(({ option }) => option).sort()).toEqual(knownOfTables);
  });

  test('stand beside the environment variables that the configuration reads', () => {
    const known = knownIn(() => resolveConfig({}, { STREAM_CACHE_NONSENSE: '1' }));
    const variables = [...common, ...ofTables, ...ofHandler].flatMap(({ environment }) => environment || []);
    const ofTheFunction =
      page('docs/handler.md')
        .section('Without code')
        .match(/(?<=`)STREAM_CACHE_METRICS(?=`)/g) ?? [];
    const ofAdoption = /(?<=`)STREAM_CACHE_AUTO(?=`)/.exec(page('docs/adopt.md').text) ?? [];
    expect([...variables, ...ofTheFunction, ...ofAdoption].sort()).toEqual(known);
    const everywhere = PAGES.map((file) => page(file).text).join('\n');
    const namedAnywhere = new Set(everywhere.match(/STREAM_CACHE_[A-Z_]*[A-Z]/g));
    expect(known).toEqual(expect.arrayContaining([...namedAnywhere]));
    for (const { option, environment } of [...common, ...ofHandler]) {
      const message = messageOf(() => resolveConfig({ cache: 'memory:', [option]: Symbol('wrong') }, {}));
      expect(message).toContain(`Option ${option} `);
      expect(/STREAM_CACHE_\w+/.exec(message)?.[0] ?? '').toBe(environment);
    }
  });

  test('have the defaults that are listed', () => {
    const settings = resolveConfig({ cache: 'memory:' }, {});
    const { mode, ttlMs, ttlJitter, rules } = settings.table('users');
    const listed = [...common, ...ofHandler].map(({ option, fallback }) => [option, fallback]);
    expect(Object.fromEntries(listed)).toMatchObject({
      mode,
      ttlSeconds: String(ttlMs.item / 1000),
      ttlJitter: String(ttlJitter),
      lateAfterSeconds: String(rules.lateAfterMs / 1000),
      guardSeconds: String(rules.guardMs / 1000),
      settleSeconds: String(rules.settleMs / 1000),
      readTimeoutMs: String(settings.readTimeoutMs),
    });
    const further = [...PAGE.text.matchAll(/`(itemNegative|query|scan)` \((\d+)\)/g)];
    expect(Object.fromEntries(further.map(([, name, seconds]) => [name, Number(seconds) * 1000]))).toEqual({
      itemNegative: ttlMs.itemNegative,
      query: ttlMs.query,
      scan: ttlMs.scan,
    });
    expect(() =>
      resolveConfig({ cache: 'memory:', lateAfterSeconds: 100, guardSeconds: 105 }, {}),
    ).not.toThrow();
    expect(() => resolveConfig({ cache: 'memory:', lateAfterSeconds: 100, guardSeconds: 104 }, {})).toThrow();
  });
});

test('the example of keys makes the keys that it seems to make', async () => {
  const reports = subscribed();
  vi.stubEnv('STREAM_CACHE_URL', 'memory:');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  const { handler } = await run(PAGE.exampleWith('alsoDelete'));
  await handler({
    Records: [...recorded('modify.json').Records, ...recorded('composite-key.json').Records],
  });
  reports.stop();
  expect(reports.of('record').map(({ key, outcome }) => `${key} ${outcome}`)).toEqual([
    'user/42 written',
    'orders:customerId=c1,orderId#7 superseded',
    'orders:customerId=c1,orderId#8 deleted',
    'orders:customerId=c1,orderId#7 deleted',
  ]);
});

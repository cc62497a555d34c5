import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../src/config.js';
import type { StreamCacheConfig } from '../src/options.js';
import { memoryStore } from '../src/store/memory.js';

const MEMORY = { cache: 'memory:' } as const;

describe('defaults', () => {
  test('are those of the documentation', () => {
    const settings = resolveConfig(MEMORY, {});
    expect(settings).toMatchObject({ namespace: undefined, tableName: undefined });
    expect(settings.table('any')).toEqual({
      isFiltered: false,
      items: [],
      mode: 'write',
      ttlMs: { item: 86_400_000, itemNegative: 300_000, query: 60_000, scan: 60_000 },
      ttlJitter: 0.1,
      rules: { lateAfterMs: 60_000, guardMs: 300_000, settleMs: 5_000, leaseMs: 25 },
      writeThrough: false,
      ttlAttribute: undefined,
      key: undefined,
      value: undefined,
      alsoDelete: undefined,
      partitionKey: undefined,
      sortKey: undefined,
      indexes: new Map(),
    });
  });

  test('log through Powertools, under the service name of the environment', () => {
    const named = resolveConfig(MEMORY, { POWERTOOLS_SERVICE_NAME: 'shop' }).logger as unknown as {
      getPersistentLogAttributes(): object;
    };
    expect(typeof named.getPersistentLogAttributes).toBe('function');
  });
});

describe('options', () => {
  test('a number of ttlSeconds stands for items, an object for what it names', () => {
    expect(resolveConfig({ ...MEMORY, ttlSeconds: 60 }, {}).table('x').ttlMs).toMatchObject({
      item: 60_000,
      itemNegative: 300_000,
    });
    expect(resolveConfig({ ...MEMORY, ttlSeconds: { query: 5 } }, {}).table('x').ttlMs).toMatchObject({
      item: 86_400_000,
      query: 5_000,
    });
  });

  test('of a table override those of all', () => {
    const tables = {
      orders: {
        mode: 'invalidate',
        ttlSeconds: { query: 9 },
        lateAfterSeconds: 30,
        partitionKey: 'customerId',
        indexes: { byStatus: { partitionKey: 'status' }, byGame: { partitionKey: ['region', 'game'] } },
      },
    } as const;
    const settings = resolveConfig({ ...MEMORY, mode: 'refresh', ttlSeconds: 60, tables }, {});
    expect(settings.table('users')).toMatchObject({
      mode: 'refresh',
      ttlMs: { item: 60_000, query: 60_000 },
    });
    expect(settings.table('orders')).toMatchObject({
      mode: 'invalidate',
      ttlMs: { item: 60_000, query: 9_000 },
      rules: { lateAfterMs: 30_000 },
      partitionKey: 'customerId',
      indexes: new Map([
        ['byStatus', ['status']],
        ['byGame', ['region', 'game']],
      ]),
    });
  });

  test('of seconds may have fractions, and come to whole milliseconds', () => {
    const { rules, ttlMs } = resolveConfig({ ...MEMORY, guardSeconds: 65.1, ttlSeconds: 1.0005 }, {}).table(
      'x',
    );
    expect([rules.guardMs, ttlMs.item]).toEqual([65_100, 1_001]);
  });

  test('tables may be only named', () => {
    expect(resolveConfig({ ...MEMORY, tables: ['users', 'orders'] }, {}).table('users').mode).toBe('write');
  });

  test('undefined is as good as absent', () => {
    expect(
      resolveConfig({ ...MEMORY, mode: undefined }, { STREAM_CACHE_MODE: 'refresh' }).table('x').mode,
    ).toBe('refresh');
  });

  test.each<[message: RegExp, config: object]>([
    [/Option cache is missing: .*STREAM_CACHE_URL/, { cache: undefined }],
    [/Option cache \(STREAM_CACHE_URL\) is wrong/, { cache: 6379 }],
    [/expected a URL, an ioredis client or a CacheStore/, { cache: {} }],
    [/Unknown option cashe\. Known are: .*cache/, { cashe: 'memory:' }],
    [/Unknown option __proto__/, JSON.parse('{"__proto__": 1}')],
    [/Unknown option constructor/, { constructor: 1 }],
    [
      /Option mode \(STREAM_CACHE_MODE\) is wrong: expected write, refresh or invalidate/,
      { mode: 'readonly' },
    ],
    [/Option ttlSeconds \(STREAM_CACHE_\w+\) is wrong/, { ttlSeconds: 0 }],
    [/Option ttlSeconds \(STREAM_CACHE_\w+\) is wrong/, { ttlSeconds: Number.POSITIVE_INFINITY }],
    [/Option ttlSeconds\.items \(STREAM_CACHE_\w+\) is wrong/, { ttlSeconds: { item: 5, items: 5 } }],
    [/Option ttlSeconds \(STREAM_CACHE_\w+\) is wrong/, { ttlSeconds: [] }],
    [/Option ttlJitter \(STREAM_CACHE_\w+\) is wrong/, { ttlJitter: 1 }],
    [/Option namespace \(STREAM_CACHE_\w+\) is wrong/, { namespace: '' }],
    [/Option tables \(STREAM_CACHE_TABLES\) is wrong/, { tables: [''] }],
    [/Option tables\.users \(STREAM_CACHE_TABLES\) is wrong.*, not true/, { tables: { users: true } }],
    [/Option tables\.users \(STREAM_CACHE_TABLES\) is wrong.*, not an array/, { tables: { users: [] } }],
    [
      /Option tables\.arn:\S+ \(STREAM_CACHE_TABLES\) is wrong: .*\(no ARN\)/,
      { tables: { 'arn:aws:dynamodb:eu-west-1:123456789012:table/users': {} } },
    ],
    [/Option tables \(STREAM_CACHE_TABLES\) is wrong/, { tables: ['arn:aws:dynamodb:::table/users'] }],
    [/Option tableName \(STREAM_CACHE_\w+\) is wrong/, { tableName: 'table/users' }],
    [
      /Option tables\.users\.sortKey \("id"\) is the partitionKey: .* null for a table that has none/,
      { tables: { users: { partitionKey: 'id', sortKey: 'id' } } },
    ],
    [/Unknown option tables\.users\.modes/, { tables: { users: { modes: 'write' } } }],
    [/Unknown option tables\.users\.cache/, { tables: { users: { cache: 'memory:' } } }],
    [
      /Option tables\.users\.indexes\.byStatus is wrong.*partitionKey.* not "status"/,
      { tables: { users: { indexes: { byStatus: 'status' } } } },
    ],
    [
      /Option tables\.app\.items is wrong: expected an array of rules/,
      { tables: { app: { items: {} as never } } },
    ],
    ...[
      {},
      { key: 'pk' },
      { key: { pk: '' } },
      { key: { pk: { prefix: 1 } } },
      { key: { pk: { prefix: 'a', suffix: 'b' } } },
      { key: {}, cached: 'no' },
      { key: {}, cached: false, ttlSeconds: 60 },
      { key: {}, ttlSeconds: 0 },
      { key: {}, ttl: 60 },
      undefined,
    ].map((rule): [RegExp, object] => [
      /Option tables\.app\.items\.1 is wrong: expected an array of rules like .* not /,
      { tables: { app: { items: [{ key: {} }, rule] as never } } },
    ]),
    [
      /Option tables\.app\.filtered needs rules in items: the last has to be \{ key: \{\}, cached: false \}/,
      {
        tables: { app: { partitionKey: 'pk', sortKey: null, filtered: true, items: [{ key: { pk: 'A' } }] } },
      },
    ],
    [
      /Option tables\.app\.items needs partitionKey and sortKey \(null for none\) beside it/,
      { tables: { app: { partitionKey: 'pk', items: [{ key: { pk: 'A' } }] } } },
    ],
    [
      /Option tables\.app\.items names "status", which is no attribute of the key/,
      { tables: { app: { partitionKey: 'pk', sortKey: null, items: [{ key: { status: 'A' } }] } } },
    ],
    [
      /Option tables\.users\.indexes\.byGame is wrong/,
      { tables: { users: { indexes: { byGame: { partitionKey: 'a', sortKey: 'b' } } } } },
    ],
    ...[[], ['a', 'a'], ['a', ''], new Array(2), ['a', 'b', 'c', 'd', 'e'], ['a', ['b']]].map(
      (partitionKey): [RegExp, object] => [
        /Option tables\.users\.indexes\.byGame is wrong.* an array of up to four names/,
        { tables: { users: { indexes: { byGame: { partitionKey } } } } },
      ],
    ),
    [/Option key is wrong: expected a function/, { key: 'id' }],
    [/Option logger is wrong/, { logger: { info() {} } }],
    [/Option onReport is wrong/, { onReport: true }],
    [/Option writeTimeoutMs \(STREAM_CACHE_\w+\) is wrong/, { writeTimeoutMs: 0 }],
    [/Option settleSeconds \(STREAM_CACHE_\w+\) is wrong/, { settleSeconds: 0 }],
  ])('are refused by name: %s', (message, config) => {
    const resolve = () => resolveConfig({ ...MEMORY, ...config } as StreamCacheConfig, {});
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  test.each<[message: string, config: object]>([
    ['expected write, refresh or invalidate, not "readonly".', { mode: 'readonly' }],
    ['expected seconds from 1 to 300, not 0.', { settleSeconds: 0 }],
    ['expected a share from 0 to below 1, not true.', { ttlJitter: true }],
    ['expected a text of 1 to 256 characters, not "".', { namespace: '' }],
    ["expected a table's name, not null.", { tableName: null }],
    ["expected an attribute's name, not an array.", { ttlAttribute: [] }],
    ['expected a function of the report, not an object.', { onReport: {} }],
    ["an array of tables' names, not a function.", { tables: () => [] }],
    ['expected a text of 1 to 256 characters, not a text.', { namespace: 'n'.repeat(300) }],
  ])('that are wrong are shown beside what is expected: %s', (message, config) => {
    expect(() => resolveConfig({ ...MEMORY, ...config } as StreamCacheConfig, {})).toThrow(message);
  });

  test.each<[message: string, options: unknown]>([
    ["The options are null: expected an object like { cache: 'redis://localhost:6379' }.", null],
    ['The options are a text: expected', 'redis://:secret@localhost'],
    ['The options are an array: expected', ['memory:']],
    ['The options are a function: expected', () => MEMORY],
  ])('are an object, and nothing else is taken for one: %s', (message, options) => {
    const resolve = () => resolveConfig(options as StreamCacheConfig, {});
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(resolve).toThrow(/^(?!.*secret)/s);
  });

  test.each<object>([
    { cache: 0.1 },
    { cache: ['redis://:secret@h'] },
    { iam: 'secret' },
    { namespace: 1, mode: 'redis://:secret@h' },
    { mode: 'redis://:secret@h' },
    { cache: 'http://:secret@h' },
    { cache: 'redis://:secret@h:x' },
  ])('that may hold a password are never quoted: %j', (config) => {
    const resolve = () => resolveConfig({ ...MEMORY, ...config } as StreamCacheConfig, {});
    expect(resolve).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(resolve).toThrow(/^(?!.*(?:secret|0\.1))/s);
  });

  test.each<[message: RegExp, config: StreamCacheConfig]>([
    [/guardSeconds \(60\) is too short for lateAfterSeconds \(60\).*at least 65/, { guardSeconds: 60 }],
    [/guardSeconds \(300\) is too short for lateAfterSeconds \(600\)/, { lateAfterSeconds: 600 }],
    [/guardSeconds \(90\) must be above settleSeconds \(90\)/, { guardSeconds: 90, settleSeconds: 90 }],
    [/ttlSeconds \(query and scan, up to 301\) is above guardSeconds \(300\)/, { ttlSeconds: { scan: 301 } }],
    [/tables\.users\.guardSeconds \(20\) is too short/, { tables: { users: { guardSeconds: 20 } } }],
  ])('that together break a rule are refused: %s', (message, config) => {
    expect(() => resolveConfig({ ...MEMORY, ...config }, {})).toThrow(message);
  });
});

describe('the environment', () => {
  test('sets every option that is a plain value', () => {
    const settings = resolveConfig(
      {},
      {
        STREAM_CACHE_URL: 'memory:',
        STREAM_CACHE_NAMESPACE: 'shop',
        STREAM_CACHE_TABLE_NAME: 'users',
        STREAM_CACHE_TABLES: '{"orders":{"partitionKey":"customerId"}}',
        STREAM_CACHE_WRITE_TIMEOUT_MS: '2000',
        STREAM_CACHE_READ_TIMEOUT_MS: '20',
        STREAM_CACHE_MODE: 'invalidate',
        STREAM_CACHE_TTL_SECONDS: '60',
        STREAM_CACHE_TTL_JITTER: '0',
        STREAM_CACHE_TTL_ATTRIBUTE: 'expires',
        STREAM_CACHE_LATE_AFTER_SECONDS: '30',
        STREAM_CACHE_GUARD_SECONDS: '200',
        STREAM_CACHE_SETTLE_SECONDS: '3',
        PATH: '/usr/bin',
      },
    );
    expect(settings).toMatchObject({ namespace: 'shop', tableName: 'users', readTimeoutMs: 20 });
    expect(settings.table('orders').partitionKey).toBe('customerId');
    expect(settings.table('users')).toMatchObject({
      mode: 'invalidate',
      ttlMs: { item: 60_000 },
      ttlJitter: 0,
      ttlAttribute: 'expires',
      rules: { lateAfterMs: 30_000, guardMs: 200_000, settleMs: 3_000, leaseMs: 25 },
    });
  });

  test.each([
    ['true', true],
    ['false', false],
  ])('STREAM_CACHE_WRITE_THROUGH is %s', (text, expected) => {
    expect(resolveConfig(MEMORY, { STREAM_CACHE_WRITE_THROUGH: text }).table('x').writeThrough).toBe(
      expected,
    );
    expect(() => resolveConfig(MEMORY, { STREAM_CACHE_WRITE_THROUGH: 'yes' })).toThrow(
      /writeThrough \(STREAM_CACHE_WRITE_THROUGH\) is wrong: expected true or false, not "yes"/,
    );
  });

  test('gives way to options in code', () => {
    expect(
      resolveConfig({ ...MEMORY, mode: 'write' }, { STREAM_CACHE_MODE: 'refresh' }).table('x').mode,
    ).toBe('write');
  });

  test('is refused where it is unknown or wrong, by name', () => {
    expect(() => resolveConfig(MEMORY, { STREAM_CACHE_TTL: '60' })).toThrow(
      /Unknown environment variable STREAM_CACHE_TTL\b/,
    );
    expect(() => resolveConfig(MEMORY, { STREAM_CACHE_TTL_SECONDS: 'soon' })).toThrow(
      /STREAM_CACHE_TTL_SECONDS/,
    );
    expect(() => resolveConfig(MEMORY, { STREAM_CACHE_TABLES: '{orders}' })).toThrow(/STREAM_CACHE_TABLES/);
  });

  test('of what is no number says what it is', () => {
    expect(() => resolveConfig(MEMORY, { STREAM_CACHE_TTL_SECONDS: '1h' })).toThrow(
      'item, itemNegative (or 0), query, scan, not "1h".',
    );
  });

  test('an empty variable is as good as an absent one', () => {
    expect(resolveConfig(MEMORY, { STREAM_CACHE_MODE: '' }).table('x').mode).toBe('write');
  });
});

describe('the option cache', () => {
  test('takes a store as it is', () => {
    const store = memoryStore();
    expect(resolveConfig({ cache: store }, {}).store).toBe(store);
  });

  test('takes an ioredis client', () => {
    const client = new Redis({ lazyConnect: true });
    expect(resolveConfig({ cache: client }, {}).store).toHaveProperty('apply');
    expect(client.status).toBe('wait');
  });

  test('refuses a client with a keyPrefix, which would part a key from its guard', () => {
    const prefixed = new Redis({ lazyConnect: true, keyPrefix: 'app:' });
    expect(() => resolveConfig({ cache: prefixed }, {})).toThrow(/keyPrefix.*namespace/);
  });
});

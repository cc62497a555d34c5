import { CredentialProvider } from '@gomomento/sdk';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { generate } from 'selfsigned';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { CacheError, ConfigError } from '../../src/errors.js';
import { type MomentoOptions, momentoStore } from '../../src/store/momento/index.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore, Lease } from '../../src/store/store.js';
import { change, RULES, testStore } from '../contract/store-contract.js';
import { afterwards } from '../support/afterwards.js';
import { type MomentoStandIn, startMomento } from '../support/momento.js';

const SURE = { clocksApartMs: 0 };

testStore("Momento's stand-in", async () => {
  const service = await startMomento();
  const store = momentoStore(service.url, SURE);
  return { ...store, close: () => store.close().then(service.stop) };
});

let service: MomentoStandIn;
let store: CacheStore;
const open = (options: MomentoOptions = {}) =>
  afterwards(momentoStore(service.url, { ...SURE, ...options }), (opened) => opened.close());
beforeEach(async () => {
  service = afterwards(await startMomento(), (started) => started.stop());
  store = open();
});
const namesOfCalls = () => service.calls.map(({ name }) => name);
const failureOf = async (of: Promise<unknown[]>) => {
  const [error] = await of;
  expect(error).toBeInstanceOf(CacheError);
  return error as CacheError;
};

describe('what a cache of Momento takes', () => {
  test.each([
    ['a space', 'users:id=a b'],
    ['a line break', 'users:id=a\r\nb'],
    ['many bytes', `users:id=${'x'.repeat(2_000)}`],
    ['characters beyond ASCII', 'users:id=naïve🦆'],
  ])('a key with %s', async (_, key) => {
    const other = `${key}!`;
    expect(await store.apply([change(key, 1), change(other, 2)], RULES)).toEqual(['written', 'written']);
    expect(await store.get([key, other])).toEqual(['"v1"', '"v2"']);
  });

  test('more than an item may be is not stored, and what was there is gone', async () => {
    const first = change('large', 1); // a later copy would have a time of its own, which contradicts its number on a busy machine
    const tooLarge = change('large', 2, { value: `"${'x'.repeat(2_000_000)}"` });
    expect(await store.apply([first], RULES)).toEqual(['written']);
    expect(await store.apply([tooLarge, change('small', 1)], RULES)).toEqual(['full', 'written']);
    expect(await store.get(['large', 'small'])).toEqual([undefined, '"v1"']);
    // What is known of the item stays known.
    expect(await store.apply([first], RULES)).toEqual(['stale']);
  });

  test('a text is read as it was written, to the byte', async () => {
    const value = JSON.stringify('\uFEFFnaïve🦆\u2028');
    const withMark = `\uFEFF${value}`;
    await store.apply([change('text', 1, { value }), change('mark', 1, { value: withMark })], RULES);
    expect(await store.get(['text'])).toEqual([value]);
    expect(await store.get(['text', 'mark'])).toEqual([value, withMark]);
  });

  test('times to live are whole seconds, and not shorter than was asked for', async () => {
    const before = Date.now();
    await store.apply([change('short', 1, { ttlMs: 1_200 })], { ...RULES, guardMs: 1_200 });
    const { expiresAt = 0 } = service.entries.get('short') ?? {};
    expect(expiresAt - before).toBeGreaterThanOrEqual(2_000);
    expect(expiresAt - before).toBeLessThan(3_000);
  });

  test('a batch of hundreds of records, in calls that are under way together', async () => {
    const changes = Array.from({ length: 600 }, (_, n) => change(`many-${n}`, 1));
    expect(await store.apply(changes, RULES)).toEqual(changes.map(() => 'written'));
    service.calls.length = 0;
    expect(await store.get(changes.map(({ key }) => key))).toEqual(changes.map(() => '"v1"'));
    expect(namesOfCalls()).toEqual(['GetBatch', 'GetBatch']);
  });
});

describe('how many calls a step is', () => {
  test.each<[string, string[], () => Promise<unknown>]>([
    ['a hit', ['Get'], () => store.get(['there'])],
    ['25 hits', ['GetBatch'], () => store.get(Array.from({ length: 25 }, (_, n) => `there-${n}`))],
    ['the lease of what is not there', ['SetIf'], () => store.begin(['new'], RULES)],
    ['a record of what is not there', ['SetIf', 'SetIf'], () => store.apply([change('new', 1)], RULES)],
    ['a record of what is there', ['SetIf', 'Get', 'SetIf'], () => store.apply([change('there', 2)], RULES)],
  ])('%s', async (_, names, step) => {
    await store.apply([change('there', 1)], RULES);
    service.calls.length = 0;
    await step();
    expect(namesOfCalls()).toEqual(names);
  });
});

test('what was replaced is not read, though balanced reads still find it', async () => {
  await store.apply([change('item', 1)], RULES);
  await store.apply([change('item', 2)], RULES);
  expect(await store.get(['item'])).toEqual(['"v2"']);
  expect(await store.get(['item', 'other'])).toEqual(['"v2"', undefined]);
});

test('steps at once find what others have done meanwhile', async () => {
  const other = open();
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, n) => (n % 2 ? store : other).apply([change('item', n)], RULES)),
  );
  expect(outcomes.flat().every((outcome) => outcome === 'written' || outcome === 'stale')).toBe(true);
  expect(await store.get(['item'])).toEqual(['"v9"']);
});

describe('a service that goes wrong', () => {
  test.each<[string, status, string | undefined]>([
    ['throttles', status.RESOURCE_EXHAUSTED, 'operations_rate_limit_exceeded'],
    ['is away for a moment', status.UNAVAILABLE, undefined],
    ['fails inside', status.INTERNAL, undefined],
  ])('and %s is asked again', async (_, code, limit) => {
    service.failWith(code, { times: 2, ...(limit !== undefined && { limit }) });
    expect(await store.apply([change('item', 1)], RULES)).toEqual(['written']);
    expect(await store.get(['item'])).toEqual(['"v1"']);
  });

  test('and throttles for long is a failure, which says so, and a hit is not asked for again', async () => {
    service.failWith(status.RESOURCE_EXHAUSTED, { limit: 'throughput_rate_limit_exceeded' });
    const error = await failureOf(store.apply([change('item', 1)], RULES));
    expect(error.message).toBe(
      'The cache "things" of Momento refuses more than the limits of its account (LIMIT_EXCEEDED_ERROR).',
    );
    expect(error.answered).toBe(true);
    service.calls.length = 0;
    await failureOf(store.get(['item']));
    expect(namesOfCalls()).toEqual(['Get']);
  });

  test.each<[status, string]>([
    [status.UNAUTHENTICATED, 'refuses the API key (AUTHENTICATION_ERROR)'],
    [status.PERMISSION_DENIED, 'does not permit this to the API key (PERMISSION_ERROR)'],
    [status.INVALID_ARGUMENT, 'refuses an argument, such as a time to live beyond the limit'],
    [status.UNKNOWN, 'failed (UNKNOWN_SERVICE_ERROR)'],
  ])(
    'and says %i is not asked again; its words, which may quote items, are not passed on',
    async (code, meaning) => {
      service.failWith(code);
      const error = await failureOf(store.apply([change('item', 1)], RULES));
      expect(error.message).toContain(`The cache "things" of Momento ${meaning}`);
      expect(error.message).not.toContain('words of the service');
      expect(error.answered).toBe(true);
      expect(namesOfCalls()).toEqual(['SetIf']);
    },
  );

  test('and does not know the cache names it', async () => {
    const elsewhere = afterwards(momentoStore(service.url.replace('things', 'nothing')), (opened) =>
      opened.close(),
    );
    const error = await failureOf(elsewhere.get(['item']));
    expect(error.message).toBe('The cache "nothing" of Momento does not exist (NOT_FOUND_ERROR).');
  });

  test('and says nothing costs no more time than there is, and nothing is sent afterwards', async () => {
    await store.get(['item']);
    service.pause();
    const started = Date.now();
    const deadline = started + 60;
    const answers = await Promise.all([
      store.get(['item'], { deadline }),
      store.get(['item', 'other'], { deadline }),
      store.apply([change('item', 1), change('other', 1)], RULES, { deadline }),
    ]);
    expect(Date.now() - started).toBeLessThan(1_000);
    for (const answer of answers.flat()) {
      expect(answer).toBeInstanceOf(CacheError);
      expect((answer as CacheError).message).toBe(
        'The cache "things" of Momento did not answer in the time there was.',
      );
      expect((answer as CacheError).answered).toBe(false);
    }
    service.resume();
    service.calls.length = 0;
    expect(await store.get(['item'])).toEqual([undefined]);
    expect(namesOfCalls()).toEqual(['Get']);
  });

  test('and was killed answers again as soon as it is back, with misses', async () => {
    await store.apply([change('item', 1)], RULES);
    service.kill();
    expect(await failureOf(store.get(['item'], { deadline: Date.now() + 100 }))).toMatchObject({
      answered: false,
    });
    await service.restart();
    await vi.waitUntil(async () => (await store.get(['item']))[0] === undefined, { timeout: 20_000 });
    expect(await store.apply([change('item', 1)], RULES)).toEqual(['written']);
  });

  test('and answers for fewer keys than were asked for has not said that the rest are misses', async () => {
    service.answerAtMost(1);
    const [first, second] = await store.get(['one', 'two']);
    expect(first).toBeUndefined();
    expect(second).toBeInstanceOf(CacheError);
  });
});

test('a step that was cut off by closing is a failure, and the store can be used again', async () => {
  await store.get(['item']);
  service.pause();
  const cutOff = store.apply([change('item', 1)], RULES);
  await vi.waitUntil(() => namesOfCalls().includes('SetIf'));
  await store.close();
  await failureOf(cutOff);
  service.resume();
  expect(await store.apply([change('item', 2)], RULES)).toEqual(['written']);
});

test('an entry that somebody replaced by the same text again is the same entry', async () => {
  const [lease] = (await store.begin(['item'], RULES)) as Lease[];
  const entry = service.entries.get('item');
  service.entries.delete('item');
  if (entry !== undefined) service.entries.set('item', { ...entry });
  const fill = { key: 'item', lease: lease as Lease, strong: true, value: '"read"', ttlMs: 60_000 };
  expect(await store.fill([fill], RULES)).toEqual(['filled']);
});

describe('who asks', () => {
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  /** Of version 2: a key that does not say where the service is. */
  const keyOfVersion2 = `${encoded({ alg: 'none' })}.${encoded({ t: 'g' })}.signature`;
  /** Of version 1, which does. */
  const keyFor = (endpoint: string, apiKey: string) =>
    Buffer.from(JSON.stringify({ endpoint, api_key: apiKey })).toString('base64');

  test('is said by the credentials given', async () => {
    const { endpoint } = service;
    const credentialProvider = CredentialProvider.fromString({
      apiKey: keyFor('cell.example.com', 'secret'),
      endpointOverrides: {
        ...{ cacheEndpoint: endpoint, controlEndpoint: endpoint, tokenEndpoint: endpoint },
        secureConnection: false,
      },
    });
    const asked = afterwards(momentoStore('momento:things', { credentialProvider }), (opened) =>
      opened.close(),
    );
    await asked.get(['item']);
    expect(service.calls).toEqual([{ name: 'Get', apiKey: 'secret' }]);
    expect(asked.identity).toBe(`${endpoint}/things`);
  });

  test('is not said to a server whose certificate nobody vouches for', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
    const other = afterwards(
      await startMomento(undefined, ServerCredentials.createSsl(null, [pair])),
      (started) => started.stop(),
    );
    const endpoint = other.endpoint.replace('127.0.0.1', 'localhost');
    const credentialProvider = CredentialProvider.fromString({
      apiKey: keyFor('cell.example.com', 'secret'),
      endpointOverrides: {
        ...{ cacheEndpoint: endpoint, controlEndpoint: endpoint, tokenEndpoint: endpoint },
        secureConnection: true,
      },
    });
    const asked = afterwards(momentoStore('momento:things', { credentialProvider }), (opened) =>
      opened.close(),
    );
    const error = await failureOf(asked.get(['item']));
    expect(error).toMatchObject({
      answered: false,
      message: 'The cache "things" of Momento cannot be reached (SERVER_UNAVAILABLE).',
    });
    expect(other.calls).toEqual([]);
  });

  test('is said by the environment, and the service is where the key says', () => {
    vi.stubEnv('MOMENTO_API_KEY', keyFor('cell.example.com', 'secret'));
    expect(momentoStore('momento:things').identity).toBe('cache.cell.example.com/things');
    vi.stubEnv('MOMENTO_API_KEY', keyOfVersion2);
    vi.stubEnv('MOMENTO_ENDPOINT', 'other.example.com');
    expect(momentoStore('momento:things').identity).toBe('cache.other.example.com/things');
    vi.unstubAllEnvs();
  });

  test('the cache, too, is said by the environment where no URL is given', () => {
    vi.stubEnv('STREAM_CACHE_URL', service.url);
    expect(momentoStore().identity).toBe(`${service.endpoint}/things`);
    vi.unstubAllEnvs();
  });

  test.each(['', 'hunter2'])('is missing or unreadable: said without the key (%j)', (key) => {
    vi.stubEnv('MOMENTO_API_KEY', key);
    const attempt = () => momentoStore('momento:things');
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(/MOMENTO_API_KEY is missing or cannot be read/);
    expect(attempt).not.toThrow(/hunter2/);
    vi.unstubAllEnvs();
  });
});

test.each([
  'momento:',
  'momento:a/b',
  'momento://things',
  'momento-local:things',
  'redis://h',
  'momento-local://h/',
  'momento-local://h:99999/things',
  'momento:things?apiKey=hunter2',
  42 as never,
])('%s is no cache of Momento', (url) => {
  expect(() => momentoStore(url)).toThrow(
    /^Option cache \(STREAM_CACHE_URL\): this is no cache of Momento's. Expected momento:CACHE/,
  );
});

test.each(['momento:things', 'momento-local://localhost/things'])(
  '%s in the option cache is told where its store is',
  (url) => {
    expect(() => openStore(url, 4_000)).toThrow(
      'momento needs a store in its place: momentoStore(url) of dynamodb-stream-cache/momento.',
    );
  },
);

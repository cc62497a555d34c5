import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { CacheError, ConfigError } from '../../src/errors.js';
import { memcachedStore } from '../../src/store/memcached/index.js';
import { newRing } from '../../src/store/memcached/ring.js';
import type { CacheStore, Lease } from '../../src/store/store.js';
import { change, RULES, testStore } from '../contract/store-contract.js';
import { freePort } from '../support/machine.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';

const SURE = { clocksApartMs: 0 };

let servers: MemcachedServer[];
beforeAll(async () => {
  servers = await Promise.all([startMemcached(), startMemcached(), startMemcached()]);
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));
const urlOfAll = () => `memcached://${servers.map(({ port }) => `127.0.0.1:${port}`).join()}`;

testStore('memcached', () => memcachedStore((servers[0] as MemcachedServer).url, SURE));
testStore('three memcacheds', () => memcachedStore(urlOfAll(), SURE));

test('without a URL it is the one in STREAM_CACHE_URL', () => {
  vi.stubEnv('STREAM_CACHE_URL', 'memcached://Cache.example.com');
  expect(memcachedStore().identity).toBe('cache.example.com:11211');
  vi.unstubAllEnvs();
  expect(() => memcachedStore()).toThrow(ConfigError);
});

describe('what a memcached takes of keys and texts', () => {
  let store: CacheStore;
  beforeAll(() => {
    store = memcachedStore((servers[0] as MemcachedServer).url, SURE);
  });
  afterAll(() => store.close());

  test.each([
    ['a space', 'users:id=a b'],
    ['a line break', 'users:id=a\r\nflush_all\r\n'],
    ['250 bytes and more', `users:id=${'x'.repeat(250)}`],
    ['characters beyond ASCII', 'users:id=naïve🦆'],
    ['none at all', ''],
  ])('a key of %s', async (_, key) => {
    const other = `${key}!`;
    expect(await store.apply([change(key, 1), change(other, 2)], RULES)).toEqual(['written', 'written']);
    expect(await store.get([key, other])).toEqual(['"v1"', '"v2"']);
  });

  test('more than it can hold is not stored, and what was there is gone', async () => {
    const tooLarge = change('large', 2, { value: `"${'x'.repeat(2_000_000)}"` });
    expect(await store.apply([change('large', 1)], RULES)).toEqual(['written']);
    expect(await store.apply([tooLarge, change('small', 1)], RULES)).toEqual(['full', 'written']);
    expect(await store.get(['large', 'small'])).toEqual([undefined, '"v1"']);
    // What is known of the item stays known.
    expect(await store.apply([change('large', 1)], RULES)).toEqual(['stale']);
  });

  test('a guard that somebody has damaged counts for one that settles: nothing of before is written', async () => {
    await store.apply([change('damaged', 1)], RULES);
    const text = '"other"\n~1 2 3 4 5';
    expect(await servers[0]?.say(`set damaged 0 0 ${text.length}\r\n${text}`)).toBe('STORED');
    expect(await store.get(['damaged'])).toEqual([undefined]);
    expect(await store.begin(['damaged'], RULES)).toMatchObject([{ strong: true }]);
    expect(await store.apply([change('damaged', 2)], RULES)).toEqual(['overlapping']);
  });

  test('many records in batches of megabytes', async () => {
    const value = `"${'x'.repeat(5_000)}"`;
    const changes = Array.from({ length: 1_000 }, (_, n) => change(`many-${n}`, 1, { value }));
    expect(await store.apply(changes, RULES)).toEqual(changes.map(() => 'written'));
    expect(await store.get(changes.map(({ key }) => key))).toEqual(changes.map(() => value));
  });
});

describe('A memcached that goes wrong', () => {
  let server: MemcachedServer;
  let store: CacheStore;
  beforeAll(async () => {
    server = await startMemcached();
    store = memcachedStore(server.url, { ...SURE, stallMs: 300 });
  });
  afterAll(async () => {
    await store.close();
    await server.stop();
  });
  afterEach(() => server.restart());

  const soon = (ms: number) => ({ deadline: Date.now() + ms });

  test('is dead: every answer is a failure, at once; back again it is empty, and used', async () => {
    await store.apply([change('a', 1)], RULES);
    await server.kill();
    expect(await store.get(['a', 'b'])).toEqual([expect.any(CacheError), expect.any(CacheError)]);
    expect(await store.apply([change('a', 2)], RULES)).toEqual([expect.any(CacheError)]);
    await server.restart();
    expect(await store.get(['a'])).toEqual([undefined]);
    expect(await store.apply([change('a', 3)], RULES)).toEqual(['written']);
  });

  test('restarts: who began before may not fill', async () => {
    const [lease] = (await store.begin(['a'], RULES)) as Lease[];
    await server.restart();
    const fill = { key: 'a', lease: lease as Lease, strong: true, value: '"old"', ttlMs: 60_000 };
    const [first] = await store.fill([fill], RULES); // the connection may be found lost only now
    if (first instanceof CacheError) expect(await store.fill([fill], RULES)).toEqual(['moved']);
    else expect(first).toBe('moved');
    expect(await store.get(['a'])).toEqual([undefined]);
  });

  test('is flushed: misses, and who began before may not fill', async () => {
    await store.apply([change('b', 1)], RULES);
    const [lease] = (await store.begin(['a'], RULES)) as Lease[];
    expect(await server.say('flush_all')).toBe('OK');
    expect(await store.get(['b'])).toEqual([undefined]);
    const fill = { key: 'a', lease: lease as Lease, strong: true, value: '"old"', ttlMs: 60_000 };
    expect(await store.fill([fill], RULES)).toEqual(['moved']);
  });

  test('is frozen: answers fail at the deadline, or once nothing has come for the stall; thawed it is used', async () => {
    await store.apply([change('a', 1)], RULES);
    await server.pause();
    const start = performance.now();
    expect(await store.get(['a'], soon(50))).toEqual([expect.any(CacheError)]);
    expect(performance.now() - start).toBeLessThan(250);
    expect(await store.get(['a'])).toEqual([expect.any(CacheError)]);
    server.resume();
    expect(await store.get(['a'])).toEqual(['"v1"']);
  });

  test('was slow once: a late answer is nobody else’s', async () => {
    await store.apply([change('a', 1), change('b', 2)], RULES);
    await server.pause();
    expect(await store.get(['a'], soon(20))).toEqual([expect.any(CacheError)]);
    server.resume();
    expect(await store.get(['b'])).toEqual(['"v2"']);
  });
});

test('a memcached that does not evict says that it is full: what is not stored is gone', async () => {
  const server = await startMemcached(['-M', '-m', '2']);
  const store = memcachedStore(server.url, SURE);
  onTestFinished(async () => {
    await store.close();
    await server.stop();
  });
  const value = `"${'x'.repeat(100_000)}"`;
  const outcomes = new Set<unknown>();
  for (let n = 0; n < 60; n += 1) {
    const key = `full-${n}`;
    const [outcome] = await store.apply([change(key, 1, { value })], RULES);
    outcomes.add(outcome);
    expect(await store.get([key])).toEqual([outcome === 'written' ? value : undefined]);
  }
  expect([...outcomes]).toEqual(['written', 'full']);
});

test('a node that is dead takes its own keys with it, and no others', async () => {
  const some = await Promise.all([startMemcached(), startMemcached()]);
  const store = memcachedStore(`memcached://${some.map(({ port }) => `127.0.0.1:${port}`).join()}`, SURE);
  onTestFinished(async () => {
    await store.close();
    await Promise.all(some.map((server) => server.stop()));
  });
  const changes = Array.from({ length: 100 }, (_, n) => change(`spread-${n}`, 1));
  await store.apply(changes, RULES);
  await some[0]?.kill();
  const found = await store.get(changes.map(({ key }) => key));
  const lost = found.filter((value) => value instanceof CacheError).length;
  expect(lost).toBeGreaterThan(20);
  expect(lost).toBeLessThan(80);
  expect(found.filter((value) => value === '"v1"')).toHaveLength(100 - lost);
});

test('a node more or less moves the keys of that node alone', () => {
  const nodes = ['a', 'b', 'c', 'd'].map((host) => ({ host, port: 11_211 }));
  const [all, fewer] = [newRing(nodes), newRing(nodes.slice(0, 3))];
  const keys = Array.from({ length: 2_000 }, (_, n) => `key ${n}`);
  const moved = keys.filter((key) => all(key).host !== fewer(key).host);
  expect(moved.every((key) => all(key).host === 'd')).toBe(true);
  expect(moved.length / keys.length).toBeGreaterThan(0.15);
  expect(moved.length / keys.length).toBeLessThan(0.35);
});

test('?discover asks the configuration endpoint, here a stand-in, for the nodes', async () => {
  const nodes = servers.map(({ port }) => `127.0.0.1|127.0.0.1|${port}`).join(' ');
  const text = `12\n${nodes}\n`;
  const { server, port } = await listen((command) =>
    command === 'config get cluster' ? `CONFIG cluster 0 ${text.length}\r\n${text}\r\nEND\r\n` : 'ERROR\r\n',
  );
  const discovering = memcachedStore(`memcached://127.0.0.1:${port}?discover`, SURE);
  const named = memcachedStore(urlOfAll(), SURE);
  onTestFinished(async () => {
    await Promise.all([discovering.close(), named.close()]);
    server.close();
  });
  const changes = Array.from({ length: 50 }, (_, n) => change(`discovered-${n}`, 1));
  expect(await discovering.apply(changes, RULES)).toEqual(changes.map(() => 'written'));
  expect(await named.get(changes.map(({ key }) => key))).toEqual(changes.map(() => '"v1"'));
});

test('?discover says of what is no configuration endpoint that it is none', async () => {
  const store = memcachedStore(`${servers[0]?.url}?discover`, SURE);
  onTestFinished(() => store.close());
  expect(await store.get(['a'])).toEqual([
    expect.objectContaining({ message: expect.stringContaining('names no nodes') }),
  ]);
});

describe('user and password', () => {
  let folder: string;
  let server: MemcachedServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stream-cache-memcached-'));
    await writeFile(join(folder, 'users'), 'app:s3cret\n');
    server = await startMemcached(['-Y', join(folder, 'users')]);
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  test.each([
    ['right', 'app:s3cret@', ['written']],
    ['wrong', 'app:another@', [expect.any(CacheError)]],
    ['none', '', [expect.any(CacheError)]],
  ])('%s', async (_, credentials, expected) => {
    const store = memcachedStore(`memcached://${credentials}127.0.0.1:${server.port}`, SURE);
    const outcomes = await store.apply([change('a', 1)], RULES);
    await store.close();
    expect(outcomes).toEqual(expected);
    expect(String(outcomes[0])).not.toContain('another');
  });
});

describe('a memcacheds:// URL', () => {
  let folder: string;
  let server: MemcachedServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stream-cache-memcached-'));
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    await writeFile(join(folder, 'cert.pem'), cert);
    await writeFile(join(folder, 'key.pem'), key);
    const file = (name: string) => join(folder, name);
    server = await startMemcached([
      ...['-Z', '-o', `ssl_chain_cert=${file('cert.pem')},ssl_key=${file('key.pem')}`],
    ]);
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  /** A process of its own, since certificates to trust are read when Node starts. */
  const invoke = (env: NodeJS.ProcessEnv) =>
    promisify(execFile)(
      process.execPath,
      [
        'dist/cli.js',
        'invoke',
        'events/insert.json',
        '--json',
        '--cache',
        `memcacheds://localhost:${server.port}`,
      ],
      { env: { ...process.env, ...env } },
    ).then(
      ({ stdout }) => stdout,
      (error: { code: number }) => error.code,
    );

  test('refuses a server whose certificate nobody vouches for', async () => {
    expect(await invoke({})).toBe(1);
  });

  test('takes it once its issuer is trusted', async () => {
    expect(await invoke({ NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') })).toContain('written');
  });
});

describe('a URL that cannot be is refused by name, and nothing of it is repeated', () => {
  test.each([
    ['memcached://', /host or its port/],
    ['memcached://a,b?discover', /discover takes one host/],
    ['memcached://host:99999', /host or its port/],
    ['memcached://host?cluster', /only parameter is discover/],
    ['memcached://app@host', /a user needs a password/],
    ['memcached://app:s3cret%@host', /% is %25/],
    ['redis://s3cret', /not a URL of memcached/],
    [42 as never, /not a URL of memcached/],
  ])('%s', (url, words) => {
    let message = '';
    try {
      memcachedStore(url);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      message = (error as Error).message;
    }
    expect(message).toMatch(words);
    expect(message).not.toContain('s3');
  });
});

/** A server that answers each line with what it is told. */
async function listen(answer: (command: string) => string): Promise<{ server: Server; port: number }> {
  const port = await freePort();
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      for (const line of String(data).split('\r\n').filter(Boolean)) socket.write(answer(line));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, port };
}

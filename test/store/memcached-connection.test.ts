import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { CacheError } from '../../src/errors.js';
import type { Held } from '../../src/store/cas/driver.js';
import { type Connection, newConnection } from '../../src/store/memcached/connection.js';
import { memcachedDriver } from '../../src/store/memcached/driver.js';
import { parseMemcachedUrl } from '../../src/store/memcached/target.js';
import { afterwards } from '../support/afterwards.js';
import { freePort } from '../support/machine.js';
import { type MemcachedServer, startMemcached } from '../support/memcached.js';
import { startProxy, type TcpProxy } from '../support/proxy.js';

const STALL_MS = 300;
const FAILED = expect.any(CacheError);

let server: MemcachedServer;
beforeEach(async () => {
  server = await startMemcached();
});
afterEach(() => server.stop());

const driverTo = (url: string) =>
  afterwards(memcachedDriver(parseMemcachedUrl(url), STALL_MS), (each) => each.close());
const soon = (ms: number) => ({ deadline: Date.now() + ms });

test('what was read from a server before it was started anew replaces nothing of the new one’s', async () => {
  const [driver, other] = [driverTo(server.url), driverTo(server.url)];
  const entry = { key: 'a', ttlMs: 60_000 };
  const [read] = (await driver.create([{ ...entry, text: 'old' }])) as [Held];
  await server.restart();
  // The numbers begin again: the new entry has that of the old one.
  const [created] = (await other.create([{ ...entry, text: 'new' }])) as [Held];
  expect(created.token).toMatchObject({ unique: (read.token as { unique: string }).unique });
  await driver.get(['a']);
  expect(await driver.replace([{ ...entry, text: 'late', token: read.token }])).toEqual(['conflict']);
  expect(await driver.get(['a'])).toEqual(['new']);
});

describe('A connection that was lost unseen, as while a function is frozen', () => {
  let proxy: TcpProxy;
  beforeEach(async () => {
    proxy = await startProxy(server.port);
  });
  afterEach(() => proxy.close());

  test('is given up for another once nothing was answered for the stall, and what waits goes there', async () => {
    const driver = driverTo(`memcached://127.0.0.1:${proxy.port}`);
    await driver.create([{ key: 'a', text: 'text', ttlMs: 60_000 }]);
    proxy.blackholeExisting();
    const start = performance.now();
    expect(await driver.get(['a'])).toEqual(['text']);
    expect(performance.now() - start).toBeGreaterThan(STALL_MS - 20);
  });

  test('is given up though every call has less time than that', async () => {
    const driver = driverTo(`memcached://127.0.0.1:${proxy.port}`);
    await driver.create([{ key: 'a', text: 'text', ttlMs: 60_000 }]);
    proxy.blackholeExisting();
    const start = performance.now();
    expect(await driver.get(['a'], soon(20))).toEqual([FAILED]);
    while ((await driver.get(['a'], soon(20)))[0] instanceof CacheError) {
      expect(performance.now() - start).toBeLessThan(10 * STALL_MS);
      await delay(20);
    }
    expect(await driver.get(['a'])).toEqual(['text']);
  });

  test('does not send a replacement again', async () => {
    const driver = driverTo(`memcached://127.0.0.1:${proxy.port}`);
    const [read] = (await driver.create([{ key: 'a', text: 'text', ttlMs: 60_000 }])) as [Held];
    proxy.blackholeExisting();
    expect(await driver.replace([{ key: 'a', text: 'late', ttlMs: 60_000, token: read.token }])).toEqual([
      FAILED,
    ]);
    expect(await driver.get(['a'])).toEqual(['text']);
  });
});

test('a server that says nothing from the start is asked once', async () => {
  const asked: string[] = [];
  const url = await listen((line) => void asked.push(line));
  const driver = driverTo(url);
  expect(await driver.get(['a'])).toEqual([FAILED]);
  expect(asked).toEqual(['get a']);
});

test.each([
  ['a value without its size', 'VALUE a 0\r\nEND\r\n'],
  ['another protocol', 'HTTP/1.1 400 Bad Request\r\n'],
  ['an error', 'SERVER_ERROR busy\r\n'],
])('a server that answers with %s fails the call, and quotes nothing of it', async (_, answer) => {
  const driver = driverTo(await listen((_line, socket) => void socket.write(answer)));
  const [outcome] = await driver.get(['a']);
  expect(outcome).toEqual(FAILED);
  expect(String(outcome)).not.toMatch(/Bad|busy/);
});

test('what a server says without being asked ends the connection: no later call takes it for its answer', async () => {
  let sockets = 0;
  const driver = driverTo(
    await listen(
      (_line, socket) => void socket.write(`VALUE a 0 1\r\n${sockets}\r\nEND\r\n`),
      (socket) => {
        sockets += 1;
        if (sockets === 1) setTimeout(() => socket.write('END\r\nEND\r\n'), 100);
      },
    ),
  );
  expect(await driver.get(['a'])).toEqual(['1']);
  await delay(200);
  expect(await driver.get(['a'])).toEqual(['2']);
});

test.each([
  ['memcached://127.0.0.1', 'a Redis'],
  ['memcached://app:s3cret@127.0.0.1', 'a Redis'],
])('%s, where %s answers, is told so', async (url) => {
  const { port } = new URL(inject('redisUrl'));
  const [outcome] = await driverTo(`${url}:${port}`).get(['a']);
  expect(String(outcome)).toContain('does not speak as memcached does (of a Redis the URL is redis://)');
});

test('TLS where none is answered is told so, in one line', async () => {
  const [outcome] = await driverTo(`memcacheds://127.0.0.1:${server.port}`).get(['a']);
  expect(String(outcome)).toMatch(/^CacheError: .*\(without TLS it needs memcached:\/\/\)\.$/);
});

test('a server that wants no user and password is refused by name, and is not told them', async () => {
  const driver = driverTo(`memcached://app:s3cret@127.0.0.1:${server.port}`);
  const [outcome] = await driver.get(['auth']);
  expect(String(outcome)).toContain('takes no user and password');
  expect(await server.say('get auth')).toBe('END');
});

test('names beyond ASCII fit into what a server takes in one command', async () => {
  const sizes: number[] = [];
  const driver = driverTo(
    await listen((line, socket) => {
      sizes.push(Buffer.byteLength(line));
      socket.write('END\r\n');
    }),
  );
  const keys = Array.from({ length: 400 }, (_, n) => `${'鴨'.repeat(40)}${n}`);
  expect(await driver.get(keys)).toEqual(keys.map(() => undefined));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(8_192 + 'get '.length);
});

test.each([
  ['an hour', 3_600],
  ['forty days, which memcached would take for a date', 40 * 86_400],
])('an entry lives for %s, and a second or two more', async (_, seconds) => {
  const driver = driverTo(server.url);
  await driver.create([{ key: 'a', text: 'text', ttlMs: seconds * 1_000 }]);
  const left = Number((await server.say('mg a t')).replace('HD t', ''));
  expect(left).toBeGreaterThanOrEqual(seconds);
  expect(left).toBeLessThanOrEqual(seconds + 3);
});

describe('A configuration endpoint, here a stand-in,', () => {
  const MINUTE_MS = 60_001;
  let nodes: MemcachedServer[];
  let answers: boolean;
  let url: string;
  beforeEach(async () => {
    [nodes, answers] = [[server], true];
    vi.useFakeTimers({ toFake: ['Date'] });
    url = await listen((_line, socket) => {
      if (!answers) return;
      const text = `1\n${nodes.map(({ port }) => `127.0.0.1||${port}`).join(' ')}\n`;
      socket.write(`CONFIG cluster 0 ${text.length}\r\n${text}\r\nEND\r\n`);
    });
  });
  afterEach(() => void vi.useRealTimers());

  test('that stops answering costs later calls nothing: they use the nodes it named', async () => {
    const driver = driverTo(`${url}?discover`);
    await driver.create([{ key: 'a', text: 'text', ttlMs: 3_600_000 }]);
    answers = false;
    vi.setSystemTime(Date.now() + MINUTE_MS);
    const start = performance.now();
    for (const _ of [1, 2, 3]) expect(await driver.get(['a'])).toEqual(['text']);
    expect(performance.now() - start).toBeLessThan(STALL_MS / 2);
  });

  test('is asked again after a minute, and what it no longer names is left', async () => {
    const driver = driverTo(`${url}?discover`);
    await driver.create([{ key: 'a', text: 'here', ttlMs: 3_600_000 }]);
    const other = afterwards(await startMemcached(), (each) => each.stop());
    await driverTo(other.url).create([{ key: 'a', text: 'there', ttlMs: 3_600_000 }]);
    nodes = [other];
    expect(await driver.get(['a'])).toEqual(['here']);
    vi.setSystemTime(Date.now() + MINUTE_MS);
    await vi.waitFor(async () => expect(await driver.get(['a'])).toEqual(['there']));
  });
});

test('a connection answers those who wait when it is closed, and opens again when it is used', async () => {
  const connection: Connection = newConnection(
    { host: '127.0.0.1', port: server.port },
    { tls: false },
    STALL_MS,
  );
  onTestFinished(() => connection.close());
  const waiting = connection.exchange(['get a\r\n']);
  connection.close();
  expect(await waiting).toEqual([FAILED]);
  expect(await connection.exchange(['get a\r\n'])).toMatchObject([{ line: 'END' }]);
});

/** A server that is told of each line, and of each connection. Its URL. */
async function listen(
  onLine: (line: string, socket: Socket) => void,
  onConnection: (socket: Socket) => void = () => {},
): Promise<string> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const listening = createServer((socket) => {
    sockets.add(socket);
    onConnection(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const line of String(data).split('\r\n').filter(Boolean)) onLine(line, socket);
    });
  });
  await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    listening.close();
    for (const socket of sockets) socket.destroy();
  });
  return `memcached://127.0.0.1:${port}`;
}

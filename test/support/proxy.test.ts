import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startProxy, startSilentServer, type TcpProxy } from './proxy.js';

let echo: Server;
let proxy: TcpProxy;

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startProxy((echo.address() as { port: number }).port);
});

afterEach(async () => {
  await proxy.close();
  echo.close();
});

describe('a proxy', () => {
  test('forwards both ways and counts what it forwards', async () => {
    const client = await open(proxy.port);
    expect(await ask(client, 'hello')).toBe('hello');
    expect(proxy.bytes).toEqual({ toServer: 5, toClient: 5 });
    expect(proxy.connections).toBe(1);
  });

  test('forgets a connection that its client closes', async () => {
    const client = await open(proxy.port);
    await ask(client, 'hello');
    client.end();
    await once(client, 'close');
    expect(proxy.connections).toBe(0);
  });

  test('holds everything back while it stalls and delivers it in order on resume', async () => {
    const before = await open(proxy.port);
    proxy.stall();
    const during = await open(proxy.port);
    before.write('1');
    before.write('2');
    during.write('3');
    expect(await Promise.all([isSilent(before), isSilent(during)])).toEqual([true, true]);
    expect(proxy.bytes.toServer).toBe(0);

    const answers = Promise.all([hear(before, 2), hear(during, 1)]);
    await proxy.resume();
    expect(await answers).toEqual(['12', '3']);
  });

  test('delivers after a stall what a client sent before it gave up', async () => {
    const received = new Promise((resolve) => {
      echo.on('connection', (socket) => socket.once('data', (chunk) => resolve(String(chunk))));
    });
    const client = await open(proxy.port);
    proxy.stall();
    client.end('late');
    await once(client, 'finish');
    await proxy.resume();
    expect(await received).toBe('late');
  });

  test('resets open connections and takes new ones', async () => {
    const client = await open(proxy.port);
    await ask(client, 'hello');
    const failure = once(client, 'error');
    proxy.reset();
    expect(await failure).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(await ask(await open(proxy.port), 'again')).toBe('again');
  });

  test('refuses new connections, keeps the open ones, and listens again on resume', async () => {
    const client = await open(proxy.port);
    await ask(client, 'hello');
    proxy.refuse();
    await expect(open(proxy.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await ask(client, 'still')).toBe('still');

    await proxy.resume();
    expect(await ask(await open(proxy.port), 'again')).toBe('again');
  });

  test('loses all that old connections say from a blackhole on, and serves new ones', async () => {
    const old = await open(proxy.port);
    await ask(old, 'hello');
    proxy.blackholeExisting();
    old.write('anyone?');
    expect(await ask(await open(proxy.port), 'new')).toBe('new');
    await proxy.resume();
    expect(await isSilent(old)).toBe(true);
  });

  test('delays answers by the latency asked for', async () => {
    const client = await open(proxy.port);
    await ask(client, 'hello');
    proxy.latency(60);
    const start = performance.now();
    client.write('slow');
    await hear(client, 4);
    // Timers may fire a millisecond early.
    expect(performance.now() - start).toBeGreaterThanOrEqual(58);
  });

  test('ends a connection at once when its server is down', async () => {
    echo.close();
    await once(echo, 'close');
    const client = connect(proxy.port, '127.0.0.1');
    client.on('error', () => {});
    await new Promise((resolve) => client.on('close', resolve));
    expect(client.destroyed).toBe(true);
  });
});

test('a silent server accepts, never answers, and closes', async () => {
  const server = await startSilentServer();
  const client = await open(server.port);
  client.write('hello?');
  expect(await isSilent(client)).toBe(true);
  expect(server.connections).toBe(1);

  const closed = once(client, 'close');
  await server.close();
  await closed;
});

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return hear(socket, text.length);
}

async function hear(socket: Socket, length: number): Promise<string> {
  let heard = '';
  while (heard.length < length) heard += (await once(socket, 'data'))[0];
  return heard;
}

/** Silence has no event: it can only be waited out. */
async function isSilent(socket: Socket): Promise<boolean> {
  return Promise.race([once(socket, 'data').then(() => false), delay(50, true)]);
}

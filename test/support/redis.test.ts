import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Cluster, Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Machine } from './machine.js';
import { redisServerCommand, startRedis, startRedisCluster } from './redis.js';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  vi.unstubAllEnvs();
});

describe('finding a Redis server', () => {
  test('takes redis-server from the PATH and touches nothing else', async () => {
    const machine = fakeMachine({ programs: ['redis-server', 'valkey-server', 'apt-get', 'docker'] });
    expect(await redisServerCommand(machine)).toEqual(['redis-server']);
    expect(machine.ran).toEqual([]);
  });

  test('takes valkey-server where there is no redis-server', async () => {
    const machine = fakeMachine({ programs: ['valkey-server', 'apt-get'] });
    expect(await redisServerCommand(machine)).toEqual(['valkey-server']);
  });

  test('installs redis-server as root where apt-get is, and says so', async () => {
    const machine = fakeMachine({ programs: ['apt-get', 'docker'], aptBrings: 'redis-server' });
    expect(await redisServerCommand(machine)).toEqual(['redis-server']);
    expect(machine.ran).toEqual(['apt-get update', 'apt-get install']);
    expect(machine.said).toEqual([expect.stringContaining('installing redis-server')]);
  });

  test('uses what apt-get brought even when its service could not be started', async () => {
    const machine = fakeMachine({ programs: ['apt-get'], aptBrings: 'redis-server', aptFails: true });
    expect(await redisServerCommand(machine)).toEqual(['redis-server']);
  });

  test('leaves apt-get alone when not root, and uses Docker', async () => {
    const machine = fakeMachine({
      programs: ['apt-get', 'docker'],
      isRoot: false,
      aptBrings: 'redis-server',
    });
    expect(await redisServerCommand(machine)).toEqual([
      ...['docker', 'run', '--rm', '--network', 'host'],
      ...[expect.stringMatching(/^valkey\/valkey:\d+$/), 'valkey-server'],
    ]);
    expect(machine.ran).toEqual(['docker info']);
  });

  test('uses Docker when apt-get fails', async () => {
    const machine = fakeMachine({ programs: ['apt-get', 'docker'], aptFails: true });
    expect(await redisServerCommand(machine)).toContain('docker');
  });

  test('says in one sentence what to install when there is no way to a server', async () => {
    const machine = fakeMachine({ programs: [], isRoot: false });
    await expect(redisServerCommand(machine)).rejects.toThrow(
      /^The tests need a real Redis: install redis-server .* REDIS_URL .* may use\.$/,
    );
  });

  test('says in the same sentence what it tried', async () => {
    const machine = fakeMachine({ programs: ['apt-get', 'docker'], aptFails: true, daemonRuns: false });
    await expect(redisServerCommand(machine)).rejects.toThrow(
      'The tests need a real Redis (apt-get failed with "E: no network"; no Docker daemon answered): install',
    );
  });
});

describe('a Redis server of our own', () => {
  test('answers as soon as it is there, and is gone when stopped', async () => {
    const server = await started();
    expect(await clientOf(server.port).ping()).toBe('PONG');
    await server.stop();
    await expect(open(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('keeps nothing on disk', async () => {
    const client = clientOf((await started()).port);
    expect(await client.config('GET', 'save')).toEqual(['save', '']);
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'no']);
  });

  test('passes further arguments on', async () => {
    const client = clientOf((await started({ args: ['--maxmemory', '5mb'] })).port);
    expect(await client.config('GET', 'maxmemory')).toEqual(['maxmemory', '5242880']);
  });

  test('rejects with the words of a server that dies', async () => {
    await expect(startRedis({ args: ['--no-such-option', '1'] })).rejects.toThrow(
      /did not start.*no-such-option/s,
    );
  });

  test('restarts empty, on the same port, as another process', async () => {
    const server = await started();
    const { port, pid } = server;
    await clientOf(port).set('key', 'value');
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await clientOf(port).get('key')).toBeNull();
  });

  test('is gone when killed and comes back with a restart', async () => {
    const server = await started();
    await server.kill();
    await expect(open(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();
    expect(await clientOf(server.port).ping()).toBe('PONG');
  });

  test('ends in its own way with the signal asked for', async () => {
    const server = await started();
    const socket = await open(server.port);
    const closed = once(socket, 'close');
    await server.kill('SIGTERM');
    await closed;
  });

  test('does not answer while paused, and does after', async () => {
    const server = await started();
    const client = clientOf(server.port);
    await client.ping();
    await server.pause();
    await expect(client.ping()).rejects.toThrow('Command timed out');
    await server.resume();
    expect(await client.ping()).toBe('PONG');
  });

  test('insists on the port it was asked for', async () => {
    const { port } = await started();
    await expect(startRedis({ port })).rejects.toThrow(/already in use/i);
  });

  test('takes another port when somebody is faster', async () => {
    const [name = ''] = await redisServerCommand();
    await putInPath(name, (folder) => [
      `if mkdir ${folder}/came-before; then echo "bind: Address already in use"; exit 1; fi`,
      `PATH="\${PATH#*:}" exec ${name} "$@"`,
    ]);
    const server = await started();
    expect(await clientOf(server.port).ping()).toBe('PONG');
  });

  test('ends with the process that started it, even when that is killed', async () => {
    const folder = await temporaryFolder();
    const library = join(folder, 'redis.cjs');
    await build({ entryPoints: ['test/support/redis.ts'], bundle: true, platform: 'node', outfile: library });
    const script = `require(${JSON.stringify(library)}).startRedis().then(({ port }) => {
      console.log(port);
      setInterval(() => {}, 1e6);
    })`;
    const owner = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = await once(owner.stdout, 'data');
    const closed = once(await open(Number(port)), 'close');
    owner.kill('SIGKILL');
    await closed;
  });
});

describe('a Redis Cluster of our own', () => {
  test('serves every slot, with its replicas in place', async () => {
    const cluster = await startRedisCluster({ masters: 3, replicas: 1 });
    cleanUp.push(cluster.stop);
    expect(cluster.nodes).toHaveLength(6);
    expect(cluster.url).toBe(`redis://127.0.0.1:${cluster.nodes[0]?.port}?cluster`);

    const client = new Cluster([{ host: '127.0.0.1', port: cluster.nodes[0]?.port ?? 0 }]);
    cleanUp.push(() => client.disconnect());
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
    const sizes = await Promise.all(cluster.nodes.slice(0, 3).map(({ port }) => clientOf(port).dbsize()));
    expect(sizes.every((size) => size > 0)).toBe(true);
    const roles = await Promise.all(cluster.nodes.map(({ port }) => clientOf(port).role()));
    expect(roles.map(([role]) => role)).toEqual([...Array(3).fill('master'), ...Array(3).fill('slave')]);
  });
});

interface FakeMachine extends Machine {
  readonly ran: string[];
  readonly said: string[];
}

function fakeMachine(traits: {
  programs: string[];
  isRoot?: boolean;
  aptBrings?: string;
  aptFails?: boolean;
  daemonRuns?: boolean;
}): FakeMachine {
  const { isRoot = true, aptBrings, aptFails = false, daemonRuns = true } = traits;
  const programs = [...traits.programs];
  const ran: string[] = [];
  const said: string[] = [];
  return {
    ran,
    said,
    isRoot,
    hasProgram: (name) => programs.includes(name),
    async attempt([program, verb]) {
      ran.push(`${program} ${verb}`);
      if (program === 'docker') return daemonRuns ? undefined : 'Cannot connect to the Docker daemon';
      if (verb === 'install' && aptBrings) programs.push(aptBrings);
      return aptFails ? 'E: no network' : undefined;
    },
    tell: (message) => said.push(message),
  };
}

async function started(options?: Parameters<typeof startRedis>[0]) {
  const server = await startRedis(options);
  cleanUp.push(server.stop);
  return server;
}

function clientOf(port: number): Redis {
  const client = new Redis({ host: '127.0.0.1', port, commandTimeout: 200, retryStrategy: () => null });
  client.on('error', () => {});
  cleanUp.push(() => client.disconnect());
  return client;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function putInPath(name: string, lines: (folder: string) => string[]): Promise<void> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, name), ['#!/bin/sh', ...lines(folder)].join('\n'));
  await chmod(join(folder, name), 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-library-test-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  return folder;
}

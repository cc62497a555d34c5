import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort, type Machine, thisMachine, whenThisProcessEnds } from './machine.js';

/** One Redis or Valkey process of our own, on loopback, without persistence. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** The process as it is now: a restart changes it. */
  readonly pid: number;
  /** Sends a signal that ends the server (SIGKILL unless told) and resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the server for good and removes its folder. */
  stop(): Promise<void>;
  /** Freezes the process: connections stay open, nothing is answered. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends the server where it still runs and starts an empty one on the same port. */
  restart(): Promise<void>;
}

export interface RedisCluster {
  /** Ends in `?cluster`. */
  readonly url: string;
  /** Masters first, in slot order; then their replicas. */
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

/** The words that start a server here; installs one where that can be done without asking. */
export async function redisServerCommand(machine: Machine = thisMachine): Promise<string[]> {
  const installed = () => ['redis-server', 'valkey-server'].find((name) => machine.hasProgram(name));
  const found = installed();
  if (found) return [found];

  const tried: string[] = [];
  if (machine.isRoot && machine.hasProgram('apt-get')) {
    machine.tell('No redis-server or valkey-server here: installing redis-server with apt-get.');
    await machine.attempt(['apt-get', 'update', '-qq']);
    const failure = await machine.attempt(APT_INSTALL);
    // A package whose service could not be started still brought the program, and that is all we use.
    const name = installed();
    if (name) return [name];
    tried.push(`apt-get failed with "${failure ?? 'no redis-server in PATH afterwards'}"`);
  }
  if (machine.hasProgram('docker')) {
    const failure = await machine.attempt(['docker', 'info']);
    if (failure === undefined) return [...DOCKER_RUN, DOCKER_IMAGE, 'valkey-server'];
    tried.push('no Docker daemon answered');
  }
  const because = tried.length > 0 ? ` (${tried.join('; ')})` : '';
  throw new Error(
    `The tests need a real Redis${because}: install redis-server or valkey-server, or start Docker, ` +
      'or set REDIS_URL and REDIS_CLUSTER_URL to servers that the tests may use.',
  );
}

/** Starts a server and resolves when it answers; rejects with what it said when it dies instead. */
export async function startRedis(options: { port?: number; args?: string[] } = {}): Promise<RedisServer> {
  return startServer({ port: options.port, args: options.args ?? [], hasBus: false });
}

/** Starts a real Redis Cluster and resolves when every node knows every other and serves all slots. */
export async function startRedisCluster(
  options: { masters?: number; replicas?: number; args?: string[] } = {},
): Promise<RedisCluster> {
  const { masters = 3, replicas = 0, args = [] } = options;
  const started = await Promise.allSettled(
    Array.from({ length: masters * (1 + replicas) }, () =>
      startServer({ port: undefined, args: [...CLUSTER_ARGS, ...args], hasBus: true }),
    ),
  );
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    await formCluster(nodes, masters);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `${nodes[0]?.url}?cluster`, nodes, stop };
}

const APT_INSTALL = [
  ...['apt-get', 'install', '-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'],
  'redis-server',
];
const DOCKER_RUN = ['docker', 'run', '--rm', '--network', 'host'];
const DOCKER_IMAGE = 'valkey/valkey:8';
const SERVER_ARGS = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
/** A replica is not made to wait for others that might want the same copy. */
const REPLICA_ARGS = ['--repl-diskless-sync-delay', '0'];
/** Short enough for tests that lose a node, long enough for a busy machine not to lose one by itself. */
const CLUSTER_ARGS = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', ...REPLICA_ARGS];
/** A cluster node talks to the others on its port plus this. */
const BUS_OFFSET = 10_000;
const SLOTS = 16_384;
/** The first start with Docker pulls the image. */
const START_LIMIT_MS = 120_000;
const CLUSTER_LIMIT_MS = 30_000;

let knownCommand: Promise<string[]> | undefined;

interface StartOptions {
  port: number | undefined;
  args: string[];
  /** Whether it is a cluster node, which also needs its bus port. */
  hasBus: boolean;
}

async function startServer(options: StartOptions): Promise<RedisServer> {
  knownCommand ??= redisServerCommand();
  const command = await knownCommand;
  const folder = await mkdtemp(join(tmpdir(), 'redis-test-'));
  const start = (port: number) => startProcess(command, port, options.args, folder);
  let running: RunningProcess | undefined;
  let port = options.port ?? (await freePort(...(options.hasBus ? [BUS_OFFSET] : [])));
  while (!running) {
    try {
      running = await start(port);
    } catch (error) {
      // Somebody took the port between our look and the server's bind: any other will do, unless it was asked for.
      if (options.port === undefined && error instanceof PortTaken)
        port = await freePort(...(options.hasBus ? [BUS_OFFSET] : []));
      else {
        await rm(folder, { recursive: true, force: true });
        throw error;
      }
    }
  }

  let current = running;
  const kill = (signal: NodeJS.Signals = 'SIGKILL') => current.end(signal);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return current.pid;
    },
    kill,
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
    pause: () => current.signal('SIGSTOP'),
    resume: () => current.signal('SIGCONT'),
    async restart() {
      await kill();
      current = await start(port);
    },
  };
}

class PortTaken extends Error {}

interface RunningProcess {
  readonly pid: number;
  signal(name: NodeJS.Signals): Promise<void>;
  /** Signals and waits until the process is gone. */
  end(name: NodeJS.Signals): Promise<void>;
}

async function startProcess(
  command: readonly string[],
  port: number,
  args: readonly string[],
  folder: string,
): Promise<RunningProcess> {
  const container = command[0] === 'docker' ? `redis-test-${randomUUID()}` : undefined;
  const [program = '', ...words] = container ? nameContainer(command, container) : command;
  // A container has its own file system; elsewhere, everything a server writes goes into its own folder.
  const place = container ? [] : ['--dir', folder];
  const child = spawn(program, [...words, '--port', String(port), ...SERVER_ARGS, ...place, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const guardian = guard(child, folder, container);
  const dismiss = () => guardian.kill('SIGKILL');
  exited.then(dismiss, dismiss);

  const signal = async (name: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (!container) child.kill(name);
    else await thisMachine.attempt(['docker', 'kill', '--signal', name, container]);
  };

  try {
    await saysReady(child, port);
    await answersPing(port);
  } catch (error) {
    await signal('SIGKILL');
    throw error;
  }
  // A forgotten server must not keep the test process alive; the guardian ends it then.
  for (const handle of [child, child.stdout, child.stderr] as unknown as Socket[]) handle.unref();
  return {
    pid: child.pid ?? 0,
    signal,
    async end(name) {
      child.ref();
      await signal(name);
      await exited;
    },
  };
}

function nameContainer([docker = '', run = '', ...rest]: readonly string[], container: string): string[] {
  return [docker, run, '--name', container, ...rest];
}

/** Ends the server and removes its folder when this process ends in whatever way. */
function guard(child: ChildProcess, folder: string, container: string | undefined): ChildProcess {
  const end = container ? 'docker rm -f "$1"' : 'kill -9 "$1"';
  return whenThisProcessEnds(`${end}; rm -rf "$2"`, container ?? String(child.pid), folder);
}

/** The server's own word comes after its bind, so a stranger on the same port cannot be taken for it. */
function saysReady(child: ChildProcess, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => {
      reject(new Error(`The Redis server on port ${port} is not ready after ${START_LIMIT_MS} ms:\n${said}`));
    }, START_LIMIT_MS);
    const listen = (chunk: Buffer) => {
      said += chunk;
      if (!said.includes('Ready to accept connections')) return;
      settle();
      // Keep reading: a full pipe would stop the server.
      child.stdout?.resume();
      child.stderr?.resume();
      resolve();
    };
    const fail = (error: Error) => {
      settle();
      reject(error);
    };
    const closed = () => {
      const taken = /address already in use|failed listening/i.test(said);
      const message = `The Redis server did not start on port ${port}:\n${said.trim()}`;
      fail(taken ? new PortTaken(message) : new Error(message));
    };
    const settle = () => {
      clearTimeout(timer);
      child.stdout?.off('data', listen);
      child.stderr?.off('data', listen);
      child.off('close', closed).off('error', fail);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    // Unlike 'exit', 'close' comes after the last of the output.
    child.on('close', closed).on('error', fail);
  });
}

/** Any reply will do: a server with a password answers that it wants one. */
async function answersPing(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    await once(socket, 'data');
  } finally {
    socket.destroy();
  }
}

/** What `redis-cli --cluster create` does, without needing it. */
async function formCluster(nodes: readonly RedisServer[], masters: number): Promise<void> {
  const clients = nodes.map(({ port }) => new Redis({ host: '127.0.0.1', port }));
  try {
    await Promise.all(
      clients.map(async (client, index) => {
        // Different epochs from the start, or the nodes would first have to settle whose is whose.
        await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
        if (index >= masters) return;
        const first = Math.floor((index * SLOTS) / masters);
        const last = Math.floor(((index + 1) * SLOTS) / masters) - 1;
        await client.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
      }),
    );
    await Promise.all(
      clients.flatMap((client) =>
        nodes.map((node) => client.call('CLUSTER', 'MEET', '127.0.0.1', node.port)),
      ),
    );
    await Promise.all(clients.map((client) => until(() => knowsAll(client, nodes.length))));
    await Promise.all(
      clients.slice(masters).map(async (client, index) => {
        const master = await clients[index % masters]?.call('CLUSTER', 'MYID');
        await client.call('CLUSTER', 'REPLICATE', String(master));
      }),
    );
    await Promise.all(clients.map((client) => until(() => isServing(client, masters, nodes.length))));
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function knowsAll(client: Redis, count: number): Promise<boolean> {
  const lines = String(await client.call('CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  return lines.length === count && lines.every((line) => !/handshake|noaddr|fail/.test(line));
}

async function isServing(client: Redis, masters: number, count: number): Promise<boolean> {
  const info = String(await client.call('CLUSTER', 'INFO'));
  const replication = String(await client.call('INFO', 'replication'));
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_known_nodes:${count}`) &&
    info.includes(`cluster_size:${masters}`) &&
    !replication.includes('master_link_status:down') &&
    (await knowsAll(client, count))
  );
}

/** Redis has no event for a cluster's state, so it is asked again and again. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + CLUSTER_LIMIT_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline)
      throw new Error(`The Redis Cluster is not ready after ${CLUSTER_LIMIT_MS} ms.`);
    await delay(20);
  }
}

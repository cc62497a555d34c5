import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, type Machine, thisMachine, whenThisProcessEnds } from './machine.js';

/** One memcached of our own, on loopback. */
export interface MemcachedServer {
  readonly url: string;
  readonly port: number;
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Freezes the process: connections stay open, nothing is answered. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends the server where it still runs and starts an empty one on the same port. */
  restart(): Promise<void>;
  /** Sends a command of its text protocol and resolves with the first line of what it says. */
  say(command: string): Promise<string>;
}

/** Starts a memcached and resolves when it answers. */
export async function startMemcached(args: readonly string[] = []): Promise<MemcachedServer> {
  await needMemcached();
  const port = await freePort();
  let child = await startProcess(port, args);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.ref(); // or a program that waits for nothing else would end here
    child.kill('SIGKILL');
    await exited;
  };
  return {
    ...{ url: `memcached://127.0.0.1:${port}`, port, kill, stop: kill },
    async pause() {
      child.kill('SIGSTOP');
      while (await isRunning(child.pid)) await delay(1);
    },
    resume: () => void child.kill('SIGCONT'),
    async restart() {
      await kill();
      child = await startProcess(port, args);
    },
    say: (command) => say(port, command),
  };
}

/** Installs memcached where that can be done without asking. */
export async function needMemcached(machine: Machine = thisMachine): Promise<void> {
  if (machine.hasProgram('memcached')) return;
  let because = '';
  if (machine.isRoot && machine.hasProgram('apt-get')) {
    machine.tell('No memcached here: installing it with apt-get.');
    await machine.attempt(['apt-get', 'update', '-qq']);
    const failure = await machine.attempt(APT_INSTALL);
    if (machine.hasProgram('memcached')) return;
    because = ` (apt-get failed with "${failure ?? 'no memcached in PATH afterwards'}")`;
  }
  throw new Error(`The tests need memcached${because}: install the package of that name.`);
}

const APT_INSTALL = [
  ...['apt-get', 'install', '-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'],
  'memcached',
];
const START_LIMIT_MS = 30_000;

async function startProcess(port: number, args: readonly string[]): Promise<ChildProcess> {
  const asRoot = thisMachine.isRoot ? ['-u', 'root'] : [];
  const child = spawn('memcached', ['-l', '127.0.0.1', '-p', String(port), '-U', '0', ...asRoot, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const guardian = whenThisProcessEnds('kill -9 "$1"', String(child.pid));
  child.once('exit', () => guardian.kill('SIGKILL'));
  let said = '';
  child.stderr?.on('data', (chunk) => (said += chunk));
  child.unref();
  (child.stderr as unknown as Socket).unref();
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await isUp(port))) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`memcached did not start on port ${port}:\n${said}`);
    await delay(20);
  }
  return child;
}

/** The signal takes its time to reach all threads. Where there is no /proc it has to be taken on trust. */
async function isRunning(pid = 0): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') T');
  return !stat.includes(') T');
}

function isUp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function say(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(String(data).split('\r\n', 1)[0] as string);
    });
    socket.once('error', reject);
  });
}

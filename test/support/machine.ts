import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';

/** What looking for a program needs to know of the machine, so that a test can play any machine. */
export interface Machine {
  readonly isRoot: boolean;
  hasProgram(name: string): boolean;
  /** Runs a command to its end: undefined when it succeeded, else the last line it said. */
  attempt(command: readonly string[]): Promise<string | undefined>;
  tell(message: string): void;
}

export const thisMachine: Machine = {
  isRoot: process.getuid?.() === 0,
  hasProgram(name) {
    return (process.env.PATH ?? '').split(delimiter).some((folder) => {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  },
  attempt([program = '', ...args]) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    return new Promise((resolve) => {
      execFile(program, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        resolve(error ? lastLine(stderr || stdout || error.message) : undefined);
      });
    });
  },
  tell(message) {
    process.stderr.write(`${message}\n`);
  },
};

/**
 * Below the ports that systems hand to outgoing connections: one of those could sit on the port of a server that is
 * down for a moment.
 */
const PORTS = { from: 10_000, to: 22_000 };

/** A loopback port that nothing listens on now, nor on those so far above it. */
export async function freePort(...offsets: number[]): Promise<number> {
  const port = randomInt(PORTS.from, PORTS.to);
  for (const offset of [0, ...offsets]) {
    if (!(await canListen(port + offset))) return freePort(...offsets);
  }
  return port;
}

/**
 * Runs a shell script, with its arguments, when this process ends in whatever way: the guardian's input closes then,
 * also after a SIGKILL, when no handler of ours runs any more. It ignores the Ctrl-C that ends the others.
 */
export function whenThisProcessEnds(script: string, ...args: string[]): ChildProcess {
  const guarded = `trap '' INT TERM HUP; read -r _; ${script}`;
  const guardian = spawn('sh', ['-c', guarded, 'server-guardian', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // It must not keep this process alive itself.
  guardian.unref();
  (guardian.stdin as unknown as Socket).unref();
  return guardian;
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

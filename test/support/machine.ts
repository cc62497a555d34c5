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

/** A loopback port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const port = randomInt(PORTS.from, PORTS.to);
  return (await canListen(port)) ? port : freePort();
}

/**
 * Ends a server when this process ends in whatever way: the guardian's input closes then, also after a SIGKILL, when
 * no handler of ours runs any more. It ignores the Ctrl-C that ends the others.
 */
export function endWithThisProcess(server: ChildProcess): void {
  const script = `trap '' INT TERM HUP; read -r _; kill -9 "$1"`;
  const guardian = spawn('sh', ['-c', script, 'server-guardian', String(server.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const dismiss = () => guardian.kill('SIGKILL');
  server.once('exit', dismiss);
  // A forgotten server must not keep the test process alive; the guardian ends it then.
  guardian.unref();
  server.unref();
  for (const pipe of [guardian.stdin, server.stdout, server.stderr]) (pipe as Socket | null)?.unref();
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

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/report.js';
import { afterwards } from '../support/afterwards.js';
import { freePort } from '../support/machine.js';

/** An application in a process of its own that listens to HTTP. */
export interface Application {
  /** The body of its answer, which is JSON. */
  ask(method: 'GET' | 'PUT', path: string): Promise<unknown>;
  /** What the package reported in it. */
  readonly reports: readonly Report[];
  /** What it wrote, on standard output and error. */
  readonly written: string;
}

const PRELOAD = fileURLToPath(new URL('tell-reports.mjs', import.meta.url));

/** Starts it with these arguments of Node, and ends it with the test. */
export async function startApplication(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  node: string = process.execPath,
): Promise<Application> {
  const port = await freePort();
  const child = spawn(node, ['--import', PRELOAD, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      ...{ AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'eu-west-1' },
      PORT: String(port),
      ...environment,
    },
  });
  const exited = once(child, 'exit');
  afterwards(child, async () => {
    child.kill();
    await exited;
  });
  const reports: Report[] = [];
  child.on('message', (report) => reports.push(report as Report));
  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text) => {
      written += text;
    });
  }

  const ask: Application['ask'] = async (method, path) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method })).json();
  const application = {
    ask,
    reports,
    get written() {
      return written;
    },
  };
  for (;;) {
    try {
      await ask('GET', '/nobody/nobody');
      return application;
    } catch {
      // Not yet.
    }
    if (child.exitCode !== null) throw new Error(`The application ended: ${written}`);
    await delay(20);
  }
}

import { startProxy } from '../test/support/proxy.js';
import { startRole } from './child.js';

/** A network between this process and a server: answers take so much longer. */
export async function startDelay(port: number, ms: number): Promise<{ url: string; close(): Promise<void> }> {
  // In a process of its own: what it costs to forward is not the contenders' to pay.
  const child = startRole('delay', [String(port), String(ms)]);
  const url = await child.message<string>();
  return { url, close: child.end };
}

export async function runDelay([port, ms]: readonly string[]): Promise<void> {
  const proxy = await startProxy(Number(port));
  proxy.latency(Number(ms));
  process.send?.(proxy.url);
}

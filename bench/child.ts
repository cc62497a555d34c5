import { type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Set for a process that was started in a role. */
const ROLE = 'BENCH_ROLE';

/**
 * This same program in another process, in one of its other roles; see main.ts.
 *
 * @throws Error in a process that has a role: a program that does not take it would start itself without end
 */
export function startRole(role: string, args: readonly string[], nodeOptions: readonly string[] = []) {
  if (process.env[ROLE] !== undefined) {
    throw new Error(
      `This process was started as ${process.env[ROLE]} and starts ${role}: take roles first, as bench/main.ts does.`,
    );
  }
  return startChild(fileURLToPath(import.meta.url), [role, ...args], {
    execArgv: [...nodeOptions],
    env: { ...process.env, [ROLE]: role },
  });
}

/** A Node program in another process, which says things by `process.send`. */
export function startChild(program: string, args: readonly string[], options: ForkOptions = {}) {
  const child = fork(program, args, { execArgv: [], ...options });
  return {
    /** What it says next. */
    async message<T>(): Promise<T> {
      const gone = new AbortController();
      const ended = once(child, 'exit', { signal: gone.signal }).then(([code]) => {
        throw new Error(`${program} ended with ${code}.`);
      });
      try {
        const [message] = (await Promise.race([once(child, 'message'), ended])) as [T];
        return message;
      } finally {
        gone.abort();
        ended.catch(() => {});
      }
    },
    async end(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
  };
}

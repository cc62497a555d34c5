import { fork } from 'node:child_process';
import { once } from 'node:events';

/** This same program in another process, in one of its other roles; see main.ts. */
export function startChild(role: string, args: readonly string[] = [], nodeOptions: readonly string[] = []) {
  const child = fork(process.argv[1] ?? '', [role, ...args], { execArgv: [...nodeOptions] });
  return {
    /** What it says next. */
    async message<T>(): Promise<T> {
      const gone = new AbortController();
      const ended = once(child, 'exit', { signal: gone.signal }).then(([code]) => {
        throw new Error(`The process for ${role} ended with ${code}.`);
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

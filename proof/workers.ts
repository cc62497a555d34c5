import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Does tasks on every core, in their order. */
export interface Workers<Task, Result> {
  /** @param enough ends the work early, when what has come back so far is enough */
  all(
    tasks: readonly Task[],
    onDone: (task: Task, result: Result) => void,
    enough?: () => boolean,
  ): Promise<void>;
  close(): Promise<void>;
}

/** @param program a module that answers each message, a task, with its result */
export function newWorkers<Task, Result>(
  program: string,
  count = availableParallelism(),
): Workers<Task, Result> {
  const workers = Array.from({ length: count }, () => new Worker(program));

  function perform(worker: Worker, task: Task): Promise<Result> {
    return new Promise((resolve, reject) => {
      worker.removeAllListeners().once('message', resolve).once('error', reject);
      worker.postMessage(task);
    });
  }

  return {
    async all(tasks, onDone, enough = () => false) {
      const left = [...tasks];
      const work = async (worker: Worker) => {
        while (!enough()) {
          const task = left.shift();
          if (task === undefined) return;
          onDone(task, await perform(worker, task));
        }
      };
      await Promise.all(workers.map(work));
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

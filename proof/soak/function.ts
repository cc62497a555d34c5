import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DynamoDBBatchResponse } from 'aws-lambda';
import type { StreamHandler } from '../../src/local/index.js';

/**
 * The function as Lambda runs it: the built bundle in execution environments, which are processes. An environment that
 * is busy gets no second invocation; where all are, one more is started.
 */
export interface SoakFunction {
  readonly handler: StreamHandler;
  /** Freezes all environments for so long, as Lambda does between invocations, but in the middle of them too. */
  freeze(ms: number): Promise<void>;
  /** Heap in use after garbage collection, the largest of all environments, in bytes. */
  memory(): Promise<number>;
  /** Environments that there are now. */
  readonly size: number;
  readonly figures: { environments: number; invocations: number; unhandled: string[]; ended: number };
  stop(): void;
}

/** What became of one record: cache key, outcome and sequence number. */
export type RecordFate = readonly [key: string, outcome: string, sequenceNumber: string];

interface Environment {
  readonly process: ChildProcess;
  busy: boolean;
  answer: (message: Message) => void;
}

interface Message {
  id?: number;
  response?: DynamoDBBatchResponse;
  error?: string;
  records?: RecordFate[];
  memory?: number;
  unhandled?: string;
}

/** So many idle environments stay; what else was started while those were frozen goes again. */
const KEPT = 4;
const BUNDLE = resolve('dist/lambda.mjs');
const PROGRAM = resolve('proof/soak/execution-environment.mjs');

export function startFunction(
  environment: Record<string, string>,
  onRecord: (fate: RecordFate) => void,
): SoakFunction {
  const environments: Environment[] = [];
  const figures = { environments: 0, invocations: 0, unhandled: [] as string[], ended: 0 };
  let stopping = false;

  function start(): Environment {
    const child = spawn(process.execPath, ['--expose-gc', PROGRAM, BUNDLE], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const started: Environment = { process: child, busy: false, answer: () => {} };
    figures.environments += 1;
    environments.push(started);
    child.on('message', (message: Message) => {
      if (message.unhandled !== undefined) figures.unhandled.push(message.unhandled);
      else started.answer(message);
    });
    child.on('exit', () => {
      if (stopping) return;
      figures.ended += 1;
      environments.splice(environments.indexOf(started), 1);
      started.answer({ error: 'The execution environment has ended.' });
    });
    return started;
  }

  async function ask(chosen: Environment, message: object): Promise<Message> {
    chosen.busy = true;
    const answer = new Promise<Message>((settle) => {
      chosen.answer = settle;
    });
    chosen.process.send(message);
    const said = await answer;
    chosen.busy = false;
    const idle = environments.filter(({ busy }) => !busy);
    if (idle.length > KEPT) reap(chosen);
    return said;
  }

  /** Without a word to it, as Lambda does. */
  function reap(environment: Environment): void {
    environments.splice(environments.indexOf(environment), 1);
    environment.process.removeAllListeners('exit').kill('SIGKILL');
  }

  return {
    figures,
    get size() {
      return environments.length;
    },
    async handler(event, context) {
      figures.invocations += 1;
      const chosen = environments.find(({ busy }) => !busy) ?? start();
      const remainingMs = context.getRemainingTimeInMillis();
      const { response, error, records = [] } = await ask(chosen, { event, remainingMs });
      for (const fate of records) onRecord(fate);
      if (error !== undefined) throw new Error(error);
      return response as DynamoDBBatchResponse;
    },
    async freeze(ms) {
      const frozen = environments.map((each) => each.process);
      for (const child of frozen) child.kill('SIGSTOP');
      await delay(ms);
      for (const child of frozen) child.kill('SIGCONT');
    },
    async memory() {
      const free = environments.filter(({ busy }) => !busy);
      const answers = await Promise.all(free.map((each) => ask(each, { memory: true })));
      return Math.max(0, ...answers.map(({ memory = 0 }) => memory));
    },
    stop() {
      stopping = true;
      for (const each of environments) each.process.kill('SIGKILL');
    },
  };
}

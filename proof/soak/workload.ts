import { setTimeout as delay } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { newRandom, type Random } from '../random.js';
import type { Application } from './application.js';
import type { Ledger, Problem } from './ledger.js';
import { type Answers, getOrder, type Read, someRead } from './readers.js';
import { write } from './writers.js';

export interface Figures {
  readonly reads: Record<Read, number>;
  readonly writes: Record<'direct' | 'through the middleware', number>;
  readonly ownWritesRead: number;
  /** Answers of which the cache gave every item. */
  readonly hits: number;
  readonly failedReads: string[];
  readonly failedWrites: string[];
  /** Reads that took longer than DynamoDB and the budget: how much the cache added, in ms. */
  readonly lateReads: string[];
  readonly longestAddedMs: number;
  readonly longestOutageMs: number;
  readonly problems: (Problem & { at: number })[];
}

/** Who writes: past the cache, and through a middleware that voids or one that writes through. */
interface Writers {
  readonly direct: DynamoDBClient;
  readonly voiding: Application;
  readonly through: Application;
}

export interface Workload {
  readonly figures: Figures;
  /** Resolves when the last call has ended. */
  stop(): Promise<void>;
}

/** What the middleware may take of a call for the cache, and what a busy machine may add to that unseen. */
export const BUDGET_MS = 50;
export const GRACE_MS = 50;
const WRITERS = 4;
const READERS = 4;
const PAUSE_MS = 25;

/** Writers and readers that go on until they are stopped. Each item has one writer, so its versions have one order. */
export function startWorkload(
  { direct, voiding, through, readers }: Writers & { readers: readonly Application[] },
  ledger: Ledger,
  names: readonly string[],
  seed: number,
): Workload {
  let running = true;
  let lastAnswer = performance.now();
  const figures = {
    reads: { GetItem: 0, BatchGetItem: 0, Query: 0 },
    writes: { direct: 0, 'through the middleware': 0 },
    ownWritesRead: 0,
    hits: 0,
    failedReads: [] as string[],
    failedWrites: [] as string[],
    lateReads: [] as string[],
    longestAddedMs: 0,
    longestOutageMs: 0,
    problems: [] as (Problem & { at: number })[],
  };

  /** Makes a read, and holds what it says against the ledger. */
  async function read(
    application: Application,
    kind: Read,
    about: readonly string[],
    send: (client: DynamoDBClient) => Promise<Answers>,
    written = new Map<string, number>(),
  ): Promise<void> {
    const marks = new Map(
      about.map((name) => [name, { ...ledger.mark(name), written: written.get(name) ?? 0 }]),
    );
    try {
      const { answer, totalMs, addedMs } = await application.timed(send);
      figures.reads[kind] += 1;
      noteTimes(kind, totalMs, addedMs);
      if ([...answer.values()].every(({ fromCache }) => fromCache)) figures.hits += 1;
      for (const [name, said] of answer) {
        const problem = ledger.judge(name, said, marks.get(name) ?? { served: 0, losses: 0, written: 0 });
        if (problem !== undefined) figures.problems.push({ ...problem, at: Date.now() });
      }
    } catch (error) {
      figures.failedReads.push(`${kind}: ${error}`);
    }
  }

  function noteTimes(kind: Read, totalMs: number, addedMs: number): void {
    const now = performance.now();
    figures.longestOutageMs = Math.max(figures.longestOutageMs, now - lastAnswer);
    lastAnswer = now;
    figures.longestAddedMs = Math.max(figures.longestAddedMs, addedMs);
    if (addedMs > BUDGET_MS + GRACE_MS) {
      figures.lateReads.push(
        `${new Date().toISOString()} ${kind} took ${totalMs.toFixed()} ms, ${addedMs.toFixed()} ms of them for the cache`,
      );
    }
  }

  async function writeOn(index: number, random: Random): Promise<void> {
    const own = names.filter((_, position) => position % WRITERS === index);
    const writer = [undefined, voiding, undefined, through][index];
    const client = writer?.client ?? direct;
    while (running) {
      try {
        const versions = await write(client, ledger, random, own);
        figures.writes[writer ? 'through the middleware' : 'direct'] += 1;
        const [name] = versions.keys();
        if (writer && name !== undefined) {
          await read(writer, 'GetItem', [name], (with_) => getOrder(with_, name), versions);
          figures.ownWritesRead += 1;
        }
      } catch (error) {
        figures.failedWrites.push(String(error));
      }
      await delay(random.between(0, 2 * PAUSE_MS));
    }
  }

  async function readOn(application: Application, random: Random): Promise<void> {
    while (running) {
      const { kind, about, send } = someRead(random, names);
      await read(application, kind, about, send);
      await delay(random.between(0, PAUSE_MS));
    }
  }

  const loops = [
    ...Array.from({ length: WRITERS }, (_, index) => writeOn(index, newRandom(seed, `writer ${index}`))),
    ...readers.flatMap((application, a) =>
      Array.from({ length: READERS }, (_, index) =>
        readOn(application, newRandom(seed, `reader ${a} ${index}`)),
      ),
    ),
  ];
  return {
    figures,
    async stop() {
      running = false;
      await Promise.all(loops);
    },
  };
}

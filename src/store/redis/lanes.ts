import { CacheError } from '../../errors.js';
import type { Settled } from '../store.js';
import type { Call, Work } from './wire.js';

export interface Limits {
  /** Stop waiting when nothing was answered for this long, in milliseconds. */
  readonly stallMs: number;
  /** Stop waiting at this time in any case, in milliseconds since the epoch. */
  readonly deadline?: number | undefined;
  /** Whether the process may end while this waits. */
  readonly unref?: boolean | undefined;
}

/** How many commands or pipelines may be under way at once to one server. */
const IN_FLIGHT = 4;

/** Commands that go one way, and how so many of them are sent at once. */
export interface Lane {
  readonly calls: Iterator<Call>;
  readonly size: number;
  readonly send: (batch: readonly Call[]) => Promise<readonly Answered[]>;
  /** Whether all go to one server: when its connection failed for some, the others would fare no better. */
  readonly toOneServer: boolean;
}

/** A command and its reply. What was sent of a batch may have been other commands for the same items. */
export type Answered = readonly [call: Call, reply: Settled<unknown>];

export interface Sent {
  readonly replies: readonly Answered[];
  /** What is to be said of commands without a reply, if there are any. */
  readonly unanswered?: ConnectionError | undefined;
  /** Whether the wait ended because nothing was answered any more. */
  readonly stalled: boolean;
}

/**
 * Sends commands and waits for their replies: some at once in each lane, none further in one whose server's connection
 * failed, and no longer than `limits` allows. A command is made when it is about to be sent. Never rejects.
 *
 * @param count of the items that the commands are about
 */
export async function sendInLanes(
  lanes: readonly Lane[] | Promise<readonly Lane[]>,
  count: number,
  limits: Limits,
): Promise<Sent> {
  const replies: Answered[] = [];
  const patience = startPatience(limits);

  async function sendLane(lane: Lane): Promise<void> {
    let failed = false;
    const sendNext = async () => {
      while (!failed && !patience.over) {
        const batch = take(lane.calls, lane.size);
        if (batch.length === 0) return;
        const answers = await lane.send(batch);
        if (patience.over) return;
        patience.renew();
        replies.push(...answers);
        failed ||= lane.toOneServer && answers.some(([, reply]) => reply instanceof ConnectionError);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, sendNext));
  }

  const done = Promise.resolve(lanes).then((all) => Promise.all(all.map(sendLane)));
  await Promise.race([done.catch(() => {}), patience.end]);
  patience.stop();
  const answered = replies.reduce((total, [{ positions }]) => total + positions.length, 0);
  const unanswered = answered < count ? notAnswered(patience.reason) : undefined;
  return { replies, unanswered, stalled: patience.stalled };
}

/** Sends each command of a batch by itself, all at once. */
export function sendEach(
  batch: readonly Call[],
  sendOne: (call: Call) => Promise<Settled<unknown>>,
): Promise<Answered[]> {
  return Promise.all(batch.map(async (call): Promise<Answered> => [call, await sendOne(call)]));
}

/** The short way for one command: a reader's hit is nothing else. */
export async function sendAlone(
  call: Call,
  sendOne: (call: Call) => Promise<Settled<unknown>>,
  limits: Limits,
): Promise<Sent> {
  const { stallMs } = limits;
  const waitMs = timeLeft(limits);
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ConnectionError>((resolve) => {
    timer = startTimer(limits, waitMs, () => {
      isLate = true;
      resolve(notAnswered(waitMs === stallMs ? nothingFor(stallMs) : TIME_OVER));
    });
  });
  const reply = await Promise.race([sendOne(call), late]);
  clearTimeout(timer);
  return { replies: [[call, reply]], stalled: isLate && waitMs === stallMs };
}

/** The answers where nothing was sent. */
export function unused({ count }: Work, why: string): ConnectionError[] {
  return new Array(count).fill(new ConnectionError(why));
}

/**
 * What became of each item, in their order.
 *
 * @param meaning of an error: a script, too, answers each of its items with its result or an error of its own
 */
export function inOrder(
  { count }: Work,
  { replies, unanswered }: Sent,
  meaning: (error: Error) => CacheError,
): Settled<unknown>[] {
  const answers: Settled<unknown>[] = new Array(count);
  if (unanswered !== undefined) answers.fill(meaning(unanswered));
  for (const [{ positions }, reply] of replies) {
    positions.forEach((position, index) => {
      const answer: unknown = Array.isArray(reply) ? reply[index] : reply;
      answers[position] = answer instanceof Error ? meaning(answer) : answer;
    });
  }
  return answers;
}

/** How long a command that nothing is heard of may wait, in milliseconds. */
export function timeLeft({ stallMs, deadline }: Limits): number {
  return deadline === undefined ? stallMs : Math.max(0, Math.min(stallMs, deadline - Date.now()));
}

/** A timer of a wait: it keeps the process alive unless the caller's own does. */
export function startTimer({ unref }: Limits, ms: number, isOver: () => void): NodeJS.Timeout {
  const timer = setTimeout(isOver, ms);
  return unref ? timer.unref() : timer;
}

const TIME_OVER = 'the time for it was over';

function nothingFor(stallMs: number): string {
  return `nothing came from it for ${stallMs} ms`;
}

function notAnswered(why: string): ConnectionError {
  return new ConnectionError(`The cache did not answer: ${why}.`);
}

/** The connection failed, unlike an error that the server replied: further commands would fare no better. */
export class ConnectionError extends CacheError {}

function take(calls: Iterator<Call>, size: number): Call[] {
  const taken: Call[] = [];
  while (taken.length < size) {
    const { value, done } = calls.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

/** How long there is still reason to wait. */
interface Patience {
  /** Resolves when there is none left. */
  readonly end: Promise<void>;
  readonly over: boolean;
  readonly stalled: boolean;
  readonly reason: string;
  renew(): void;
  stop(): void;
}

function startPatience(limits: Limits): Patience {
  const { stallMs, deadline } = limits;
  let over = false;
  let stalled = false;
  let reason = 'its connection failed before this command was sent';
  let giveUp = (_reason: string) => {};
  const end = new Promise<void>((resolve) => {
    giveUp = (why) => {
      over = true;
      reason = why;
      resolve();
    };
  });
  const stall = startTimer(limits, stallMs, () => {
    stalled = true;
    giveUp(nothingFor(stallMs));
  });
  const limit =
    deadline === undefined
      ? undefined
      : startTimer(limits, Math.max(0, deadline - Date.now()), () => giveUp(TIME_OVER));
  return {
    end,
    get over() {
      return over;
    },
    get stalled() {
      return stalled;
    },
    get reason() {
      return reason;
    },
    renew: () => stall.refresh(),
    stop() {
      over = true;
      clearTimeout(stall);
      clearTimeout(limit);
    },
  };
}

import calculateSlot from 'cluster-key-slot';
import type { Cluster } from 'ioredis';
import { CacheError, toError } from '../../errors.js';
import { groupBy } from '../../group-by.js';
import type { Settled } from '../store.js';
import type { RedisClient } from './redis-client.js';
import type { Script } from './script.js';

/** One command on the wire. All its keys are in one cluster slot. */
export interface Call {
  /** Positions of its items in what was asked. */
  readonly positions: readonly number[];
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly command: Script | 'get' | 'unlink';
}

/** Items to send, by their positions, and how commands are made of them. */
export interface Work {
  readonly count: number;
  /** The key that tells the cluster slot of an item. */
  keyAt(position: number): string;
  /** The commands for some items, each made when it is asked for. On a cluster an item goes with its like in slots. */
  calls(positions: Iterable<number>, slots?: Uint16Array): Iterator<Call>;
}

export interface Limits {
  /** Stop waiting when nothing was answered for this long, in milliseconds. */
  readonly stallMs: number;
  /** Stop waiting at this time in any case, in milliseconds since the epoch. */
  readonly deadline?: number | undefined;
}

/** How many commands or pipelines may be under way at once to one server. */
const IN_FLIGHT = 4;

/** How many commands go to a cluster node in one pipeline. */
const PIPELINE_SIZE = 256;

/**
 * Sends commands and waits for their replies: some at once to each server, none further to a server whose connection
 * failed, and no longer than `limits` allows. A command is made when it is about to be sent. Never rejects.
 *
 * @returns the replies, what became of the rest, and whether the wait ended because nothing was answered any more
 */
export async function send(client: RedisClient, work: Work, limits: Limits): Promise<Sent> {
  const replies: Reply[] = [];
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
        batch.forEach((call, index) => {
          replies.push([call, answers[index]]);
        });
        failed ||= answers.some((answer) => answer instanceof ConnectionError);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, sendNext));
  }

  const done = lanes(client, work, limits).then((all) => Promise.all(all.map(sendLane)));
  await Promise.race([done.catch(() => {}), patience.end]);
  patience.stop();
  const answered = replies.reduce((count, [{ positions }]) => count + positions.length, 0);
  const unanswered = answered < work.count ? notAnswered(patience.reason) : undefined;
  return { replies, unanswered, stalled: patience.stalled };
}

type Reply = readonly [call: Call, reply: Settled<unknown>];

interface Sent {
  readonly replies: readonly Reply[];
  /** What is to be said of commands without a reply, if there are any. */
  readonly unanswered?: ConnectionError | undefined;
  readonly stalled: boolean;
}

/** The short way for one command: a reader's hit is nothing else. */
export async function sendAlone(
  client: RedisClient,
  call: Call,
  { stallMs, deadline }: Limits,
): Promise<Sent> {
  const waitMs = timeLeft({ stallMs, deadline });
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ConnectionError>((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve(notAnswered(waitMs === stallMs ? nothingFor(stallMs) : TIME_OVER));
    }, waitMs);
  });
  const reply = await Promise.race([sendOne(client, call), late]);
  clearTimeout(timer);
  return { replies: [[call, reply]], stalled: isLate && waitMs === stallMs };
}

/** How long a command that nothing is heard of may wait, in milliseconds. */
export function timeLeft({ stallMs, deadline }: Limits): number {
  return deadline === undefined ? stallMs : Math.max(0, Math.min(stallMs, deadline - Date.now()));
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

/** The commands for one server, and how so many of them are sent at once. */
interface Lane {
  readonly calls: Iterator<Call>;
  readonly size: number;
  readonly send: (batch: readonly Call[]) => Promise<Settled<unknown>[]>;
}

async function lanes(client: RedisClient, work: Work, limits: Limits): Promise<Lane[]> {
  const sendEach = (batch: readonly Call[]) => Promise.all(batch.map((call) => sendOne(client, call)));
  const positions = Array.from({ length: work.count }, (_, position) => position);
  if (!client.isCluster) return [{ calls: work.calls(positions), size: 1, send: sendEach }];

  const cluster = client as Cluster;
  if (cluster.slots.length === 0) await whenReady(cluster, limits);
  const slots = Uint16Array.from(positions, (position) => calculateSlot(work.keyAt(position)));
  const slotOf = (position: number) => slots[position] as number;
  // The nodes that own a slot, as one text; empty when it has no known owner.
  const byNodes = groupBy(positions, (position) => cluster.slots[slotOf(position)]?.join() ?? '');
  return [...byNodes].map(([nodes, ofNodes]) => ({
    calls: work.calls(
      ofNodes.sort((one, other) => slotOf(one) - slotOf(other)),
      slots,
    ),
    size: PIPELINE_SIZE,
    send: nodes === '' ? sendEach : (batch) => sendPipeline(cluster, batch),
  }));
}

function take(calls: Iterator<Call>, size: number): Call[] {
  const taken: Call[] = [];
  while (taken.length < size) {
    const { value, done } = calls.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

/** Waits until a client is connected, which it may begin only when first used, or has given up. */
export function whenReady(client: RedisClient, limits: Limits): Promise<void> {
  return new Promise((resolve) => {
    const waiters = WAITERS.get(client) ?? listen(client);
    const done = () => {
      clearTimeout(timer);
      waiters.delete(done);
      resolve();
    };
    const timer = setTimeout(done, client.status === 'end' ? 0 : timeLeft(limits));
    waiters.add(done);
    if (client.status === 'wait') client.connect().catch(() => {});
  });
}

/** Who waits for a client. However many they are, it has one listener: Node warns of a leak where there are more than ten. */
const WAITERS = new WeakMap<RedisClient, Set<() => void>>();

function listen(client: RedisClient): Set<() => void> {
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const done of waiters) done();
  };
  client.on('ready', wake).on('end', wake);
  WAITERS.set(client, waiters);
  return waiters;
}

/**
 * Sends commands to one cluster node at once. What the node refuses because a slot is on the move, or because its
 * connection had died, is sent once more on its own, when the cluster client itself finds the right node.
 */
async function sendPipeline(cluster: Cluster, batch: readonly Call[]): Promise<Settled<unknown>[]> {
  let replies: [error: Error | null, reply: unknown][];
  try {
    replies = (await cluster.pipeline(batch.map(wireForm)).exec()) ?? [];
  } catch (thrown) {
    // The whole pipeline is rejected when slots moved between grouping and sending.
    replies = batch.map(() => [toError(thrown), undefined]);
  }
  return Promise.all(
    batch.map((call, index) => {
      const [error, reply] = replies[index] ?? [new Error('no reply'), undefined];
      if (error === null) return reply;
      return /^NOSCRIPT|^(?:MOVED|ASK|TRYAGAIN) |same slots allocation group|Connection is closed/.test(
        error.message,
      )
        ? sendOne(cluster, call)
        : failure(error);
    }),
  );
}

async function sendOne(client: RedisClient, call: Call): Promise<Settled<unknown>> {
  try {
    const [name, ...args] = wireForm(call);
    return await client.call(name, args);
  } catch (thrown) {
    const error = toError(thrown);
    if (error.message.startsWith('WRONGTYPE')) return null; // somebody else's key: no value of ours
    if (!error.message.startsWith('NOSCRIPT') || typeof call.command === 'string') return failure(error);
    return client.eval(call.command.text, call.keys.length, ...call.keys, ...call.args).catch(failure);
  }
}

function wireForm({ command, keys, args }: Call): [name: string, ...args: string[]] {
  if (command === 'get' && keys.length > 1) return ['mget', ...keys];
  if (typeof command === 'string') return [command, ...keys, ...args];
  return ['evalsha', command.sha, String(keys.length), ...keys, ...args];
}

/**
 * An error of the client's or the server's, without what it carries of the command: ioredis attaches the arguments
 * and Redis quotes those of a command that it does not know, and they hold items.
 */
export function failure(thrown: unknown): CacheError {
  const error = toError(thrown);
  const message = error.message.replace(/,? with args beginning with:.*$|\.+$/s, '');
  if (error.name === 'MaxRetriesPerRequestError') return new ConnectionError('The cache cannot be reached.');
  if (error.name !== 'ReplyError') return new ConnectionError(`The cache lost a command: ${message}.`);
  const hint = /^(?:CROSSSLOT|MOVED)\b/.test(message)
    ? ' Is it a cluster? Then its URL must end in ?cluster.'
    : '';
  return new CacheError(`The cache refused a command: ${message}.${hint}`, { answered: true });
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

function startPatience({ stallMs, deadline }: Limits): Patience {
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
  const stall = setTimeout(() => {
    stalled = true;
    giveUp(nothingFor(stallMs));
  }, stallMs);
  const limit =
    deadline === undefined
      ? undefined
      : setTimeout(() => giveUp(TIME_OVER), Math.max(0, deadline - Date.now()));
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

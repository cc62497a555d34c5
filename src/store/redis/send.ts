import calculateSlot from 'cluster-key-slot';
import type { Cluster } from 'ioredis';
import { CacheError, toError } from '../../errors.js';
import { groupBy } from '../../group-by.js';
import type { Settled } from '../store.js';
import type { RedisClient } from './connection.js';
import type { Script } from './script.js';

/** One command on the wire. All its keys are in one cluster slot. */
export interface Call {
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly command: Script | 'get' | 'mget' | 'unlink';
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
 * Sends commands and waits for their replies, in the order of `calls`: many at once to each server, none further to a
 * server whose connection failed, and no longer than `limits` allows. Never rejects.
 *
 * @returns the replies, and whether the wait ended because nothing was answered any more
 */
export async function send(
  client: RedisClient,
  calls: readonly Call[],
  limits: Limits,
): Promise<{ replies: Settled<unknown>[]; stalled: boolean }> {
  const [only] = calls;
  if (only !== undefined && calls.length === 1) return sendAlone(client, only, limits);

  const replies: Settled<unknown>[] = new Array(calls.length).fill(undefined);
  const unanswered = new Set(calls.keys());
  const patience = startPatience(limits);

  async function sendLane(lane: Lane): Promise<void> {
    const batches = lane.batches.values();
    let failed = false;
    const sendNext = async () => {
      for (const batch of batches) {
        if (failed || patience.over) return;
        const answers = await lane.send(batch.map((index) => calls[index] as Call));
        if (patience.over) return;
        patience.renew();
        batch.forEach((index, position) => {
          replies[index] = answers[position];
          unanswered.delete(index);
        });
        failed ||= answers.some((answer) => answer instanceof ConnectionError);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, sendNext));
  }

  const work = lanes(client, calls, patience).then((all) => Promise.all(all.map(sendLane)));
  await Promise.race([work.catch(() => {}), patience.end]);
  patience.stop();

  for (const index of unanswered) replies[index] = notAnswered(patience.reason);
  return { replies, stalled: patience.stalled };
}

/** The short way for one command: a reader's hit is nothing else. */
async function sendAlone(client: RedisClient, call: Call, { stallMs, deadline }: Limits) {
  const waitMs = deadline === undefined ? stallMs : Math.max(0, Math.min(stallMs, deadline - Date.now()));
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ConnectionError>((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve(notAnswered(`nothing came from it for ${waitMs} ms`));
    }, waitMs);
  });
  const reply = await Promise.race([sendOne(client, call), late]);
  clearTimeout(timer);
  return { replies: [reply], stalled: isLate && waitMs === stallMs };
}

function notAnswered(why: string): ConnectionError {
  return new ConnectionError(`The cache did not answer: ${why}.`);
}

/** The connection failed, unlike an error that the server replied: further commands would fare no better. */
export class ConnectionError extends CacheError {}

/** The commands for one server, in batches that are each sent at once. */
interface Lane {
  readonly batches: number[][];
  readonly send: (batch: readonly Call[]) => Promise<Settled<unknown>[]>;
}

async function lanes(client: RedisClient, calls: readonly Call[], patience: Patience): Promise<Lane[]> {
  const sendEach = (batch: readonly Call[]) => Promise.all(batch.map((call) => sendOne(client, call)));
  if (!client.isCluster || calls.length === 1) {
    return [{ batches: [...calls.keys()].map((index) => [index]), send: sendEach }];
  }
  const cluster = client as Cluster;
  if (cluster.slots.length === 0) await learnSlots(cluster, patience);

  const byNodes = groupBy(calls.keys(), (index) => nodesOf(cluster, calls[index] as Call));
  return [...byNodes].map(([nodes, indexes]) => ({
    batches: pieces(indexes, PIPELINE_SIZE),
    send: nodes === '' ? sendEach : (batch) => sendPipeline(cluster, batch),
  }));
}

/** The nodes that own a command's slot, as one text; empty when the slot has no known owner. */
function nodesOf(cluster: Cluster, { keys: [key = ''] }: Call): string {
  return cluster.slots[calculateSlot(key)]?.join() ?? '';
}

/** Waits until a cluster client knows who owns which slot: it connects only when first used. */
async function learnSlots(cluster: Cluster, patience: Patience): Promise<void> {
  if (cluster.status === 'end') return;
  if (cluster.status === 'wait') cluster.connect().catch(() => {});
  let onReady = () => {};
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
    cluster.once('ready', onReady);
  });
  await Promise.race([ready, patience.end]);
  cluster.off('ready', onReady);
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
    if (!error.message.startsWith('NOSCRIPT') || typeof call.command === 'string') return failure(error);
    return client.eval(call.command.text, call.keys.length, ...call.keys, ...call.args).catch(failure);
  }
}

function wireForm({ command, keys, args }: Call): [name: string, ...args: string[]] {
  if (typeof command === 'string') return [command, ...keys, ...args];
  return ['evalsha', command.sha, String(keys.length), ...keys, ...args];
}

/**
 * An error of the client's or the server's, without what it carries of the command: ioredis attaches the arguments
 * and Redis quotes those of a command that it does not know, and they hold items.
 */
function failure(thrown: unknown): CacheError {
  const error = toError(thrown);
  const message = error.message.replace(/,? with args beginning with:.*$/s, '');
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
    giveUp(`nothing came from it for ${stallMs} ms`);
  }, stallMs);
  const limit =
    deadline === undefined
      ? undefined
      : setTimeout(() => giveUp('the time for it was over'), Math.max(0, deadline - Date.now()));
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

function pieces<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
}

import type { Cluster, Redis } from 'ioredis';
import { CacheError, toError } from '../../errors.js';
import { groupBy } from '../../group-by.js';
import type { Settled } from '../store.js';
import type { Connection } from './connection.js';
import {
  ConnectionError,
  inOrder,
  type Lane,
  type Limits,
  sendAlone,
  sendInLanes,
  startTimer,
  timeLeft,
  unused,
} from './lanes.js';
import type { RedisClient } from './redis-client.js';
import { ask, standingOf, TAKES_NO_CHANGES } from './standing.js';
import {
  afterError,
  bySlot,
  type Call,
  positionsIn,
  slotsIn,
  type Wire,
  type Work,
  wireForm,
  withoutArguments,
} from './wire.js';

/** How many commands go to a cluster node in one pipeline. */
const PIPELINE_SIZE = 256;

/**
 * By way of ioredis. On a cluster, commands to one node share a pipeline.
 *
 * @param stallMs how long to wait while nothing is answered at all
 */
export function ioredisWire(connection: Connection, stallMs: number): Wire {
  return {
    async send(work, options) {
      const client = connection.client();
      const limits = { stallMs, ...options };
      const standing = standingOf(client);
      if (mustWait(client)) await whenReady(client, limits);
      if (standing.misplaced !== undefined)
        return unused(
          work,
          `The cache is not used: its server refused the database of the URL (${standing.misplaced}).`,
        );
      ask(client, standing);
      const sent = await (work.count === 1
        ? sendAlone(work.calls([0]).next().value, (call) => sendOne(client, call), limits)
        : sendInLanes(lanesOf(client, work, limits), work.count, limits));
      if (sent.stalled || standing.isReplica) connection.abandon(client);
      if (standing.isReplica) return unused(work, TAKES_NO_CHANGES);
      return inOrder(work, sent, (error) =>
        explained(error instanceof CacheError ? error : failure(error), connection),
      );
    },

    close: () => connection.close(),
  };
}

/** Whether commands must not be handed to a client yet: it would refuse them, or take them to another database. */
function mustWait(client: RedisClient): boolean {
  const { enableOfflineQueue, db } = client.options as Redis['options'];
  if (enableOfflineQueue !== false && !db) return false;
  return client.status !== 'ready' || (!client.isCluster && !(client as Redis).stream.writable);
}

function explained(error: CacheError, connection: Connection): CacheError {
  const problem = error instanceof ConnectionError ? connection.problem() : undefined;
  return problem === undefined ? error : new CacheError(`${error.message} Its connection says: ${problem}.`);
}

async function lanesOf(client: RedisClient, work: Work, limits: Limits): Promise<Lane[]> {
  const sendEach = (batch: readonly Call[]) => Promise.all(batch.map((call) => sendOne(client, call)));
  const positions = positionsIn(work);
  if (!client.isCluster)
    return [{ calls: work.calls(positions), size: 1, send: sendEach, toOneServer: true }];

  const cluster = client as Cluster;
  if (cluster.slots.length === 0) await whenReady(cluster, limits);
  const slots = slotsIn(work);
  // The nodes that own a slot, as one text; empty when it has no known owner.
  const byNodes = groupBy(positions, (position) => cluster.slots[slots[position] as number]?.join() ?? '');
  return [...byNodes].map(([nodes, ofNodes]) => ({
    calls: work.calls(bySlot(ofNodes, slots), slots),
    size: PIPELINE_SIZE,
    send: nodes === '' ? sendEach : (batch) => sendPipeline(cluster, batch),
    toOneServer: true,
  }));
}

/** Waits until a client is connected, which it may begin only when first used, or has given up. */
function whenReady(client: RedisClient, limits: Limits): Promise<void> {
  return new Promise((resolve) => {
    const waiters = WAITERS.get(client) ?? listen(client);
    const done = () => {
      clearTimeout(timer);
      waiters.delete(done);
      resolve();
    };
    const timer = startTimer(limits, client.status === 'end' ? 0 : timeLeft(limits), done);
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
  const sendForm = ([name, ...args]: [string, ...string[]]) => client.call(name, args);
  try {
    return await sendForm(wireForm(call));
  } catch (thrown) {
    return afterError(
      call,
      toError(thrown),
      () => failure(thrown),
      (form) => sendForm(form).catch(failure),
    );
  }
}

/** An error of the client's or the server's, without what it carries of the command: ioredis attaches the arguments, too. */
function failure(thrown: unknown): CacheError {
  const error = toError(thrown);
  const message = withoutArguments(error);
  if (error.name === 'MaxRetriesPerRequestError') return new ConnectionError('The cache cannot be reached.');
  if (error.name !== 'ReplyError') return new ConnectionError(`The cache lost a command: ${message}.`);
  const hint = /^(?:CROSSSLOT|MOVED)\b/.test(message)
    ? ' Is it a cluster? Then its URL must end in ?cluster.'
    : '';
  return new CacheError(`The cache refused a command: ${message}.${hint}`, { answered: true });
}

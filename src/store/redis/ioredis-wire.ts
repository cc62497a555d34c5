import type { Cluster, Redis } from 'ioredis';
import { CacheError, toError } from '../../errors.js';
import { groupBy } from '../../group-by.js';
import type { Connection } from './connection.js';
import { crossSlotForm, hasCrossSlotForm, isOfServer, refusesCrossSlot, takenOf } from './cross-slot.js';
import {
  type Answered,
  ConnectionError,
  inOrder,
  type Lane,
  type Limits,
  sendAlone,
  sendEach,
  sendInLanes,
  startTimer,
  timeLeft,
  unused,
} from './lanes.js';
import type { RedisClient } from './redis-client.js';
import { ask, type Standing, standingOf, TAKES_NO_CHANGES } from './standing.js';
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
  const sendAll = (batch: readonly Call[]) => sendEach(batch, (call) => sendOne(client, call));
  const positions = positionsIn(work);
  if (!client.isCluster) return [{ calls: work.calls(positions), size: 1, send: sendAll, toOneServer: true }];

  const cluster = client as Cluster;
  if (cluster.slots.length === 0) await whenReady(cluster, limits);
  const standing = standingOf(cluster);
  const slots = slotsIn(work);
  // The nodes that own a slot, as one text; empty when it has no known owner.
  const byNodes = groupBy(positions, (position) => cluster.slots[slots[position] as number]?.join() ?? '');
  return [...byNodes].map(([nodes, ofNodes]): Lane => {
    const sorted = bySlot(ofNodes, slots);
    const isOwned = nodes !== '';
    const isOfOneSlot = slots[sorted[0] as number] === slots[sorted.at(-1) as number];
    const sendBySlot = isOwned ? (batch: readonly Call[]) => sendPipeline(cluster, batch) : sendAll;
    const toOneServer = true;
    if (!isOwned || isOfOneSlot || standing.refusesCrossSlot || !hasCrossSlotForm(work))
      return { calls: work.calls(sorted, slots), size: PIPELINE_SIZE, send: sendBySlot, toOneServer };

    const again = (left: readonly number[]) => sendBySlot([...work.calls(left, slots)]);
    const send = ([call]: readonly Call[]) => sendCrossSlot(cluster, standing, slots, call as Call, again);
    return { calls: work.calls(sorted), size: 1, send, toOneServer };
  });
}

/**
 * Sends a call for items of many slots to the node that owns them, as far as is known. What the node does not take is sent
 * again one slot a call: a slot has moved or is about to, or it is not for this form to say what is wrong.
 */
async function sendCrossSlot(
  cluster: Cluster,
  standing: Standing,
  slots: Uint16Array,
  call: Call,
  again: (left: readonly number[]) => Promise<readonly Answered[]>,
): Promise<readonly Answered[]> {
  const node = standing.refusesCrossSlot
    ? undefined
    : ownerOf(cluster, slots[call.positions[0] as number] as number);
  const reply = node && (await sendOne(node, crossSlotForm(call), toError));
  if (reply instanceof Error && (reply.name === 'ReplyError' ? isOfServer(reply) : !isClosed(reply)))
    return [[call, failure(reply)]];
  standing.refusesCrossSlot ||= refusesCrossSlot(reply);
  const { taken, left } = takenOf(call, reply);
  return left.length === 0 ? [taken] : [taken, ...(await again(left))];
}

/**
 * The connection to the node that owns a slot. What is sent there is not redirected: after an ASK the node would make keys that
 * it is still to be given.
 */
function ownerOf(cluster: Cluster, slot: number): Redis | undefined {
  const [address] = cluster.slots[slot] ?? [];
  return cluster.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === address);
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
async function sendPipeline(cluster: Cluster, batch: readonly Call[]): Promise<Answered[]> {
  let replies: [error: Error | null, reply: unknown][];
  try {
    replies = (await cluster.pipeline(batch.map(wireForm)).exec()) ?? [];
  } catch (thrown) {
    // The whole pipeline is rejected when slots moved between grouping and sending.
    replies = batch.map(() => [toError(thrown), undefined]);
  }
  return Promise.all(
    batch.map(async (call, index): Promise<Answered> => {
      const [error, reply] = replies[index] ?? [new Error('no reply'), undefined];
      if (error === null) return [call, reply];
      const isForAnother =
        isClosed(error) ||
        /^NOSCRIPT|^(?:MOVED|ASK|TRYAGAIN) |same slots allocation group/.test(error.message);
      return [call, isForAnother ? await sendOne(cluster, call) : failure(error)];
    }),
  );
}

function isClosed({ message }: Error): boolean {
  return message.includes('Connection is closed');
}

/** @param failureOf what an error comes to */
async function sendOne(
  client: RedisClient,
  call: Call,
  failureOf: (thrown: unknown) => Error = failure,
): Promise<unknown> {
  const sendForm = ([name, ...args]: [string, ...string[]]) => client.call(name, args);
  try {
    return await sendForm(wireForm(call));
  } catch (thrown) {
    return afterError(
      call,
      toError(thrown),
      () => failureOf(thrown),
      (form) => sendForm(form).catch(failureOf),
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

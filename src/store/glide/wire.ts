import {
  ClosingError,
  ClusterBatch,
  ConnectionError as ConnectionLost,
  Decoder,
  type GlideClient,
  GlideClusterClient,
  type GlideReturnType,
  TimeoutError,
} from '@valkey/valkey-glide';
import { CacheError, toError } from '../../errors.js';
import {
  type Answered,
  ConnectionError,
  inOrder,
  type Lane,
  type Limits,
  sendAlone,
  sendEach,
  sendInLanes,
  timeLeft,
  unused,
} from '../redis/lanes.js';
import { learn, newRole, TAKES_NO_CHANGES } from '../redis/standing.js';
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
} from '../redis/wire.js';
import type { Settled } from '../store.js';

/** How many commands go in one batch to a cluster, which the client takes apart by node. */
const BATCH_SIZE = 256;

/** Whatever the client makes of replies by default. */
const AS_TEXT = { decoder: Decoder.String };

/**
 * By way of Valkey GLIDE.
 *
 * @param stallMs how long to wait while nothing is answered at all
 */
export function glideWire(client: GlideClient | GlideClusterClient, stallMs: number): Wire {
  const isCluster = client instanceof GlideClusterClient;
  const role = newRole(isCluster);

  function lane(work: Work, limits: Limits): Lane {
    const positions = positionsIn(work);
    if (!isCluster) {
      const send = (calls: readonly Call[]) => sendEach(calls, (call) => sendOne(client, call));
      return { calls: work.calls(positions), size: 1, send, toOneServer: true };
    }
    const slots = slotsIn(work);
    return {
      calls: work.calls(bySlot(positions, slots), slots),
      size: BATCH_SIZE,
      send: (calls) => sendBatch(client, calls, limits),
      toOneServer: false,
    };
  }

  return {
    async send(work, options) {
      const limits = { stallMs, ...options };
      const info = () => client.customCommand(['INFO', 'replication'], AS_TEXT).then(String);
      learn(role, info, (error) => failure(error).answered);
      const sent = await (work.count === 1
        ? sendAlone(work.calls([0]).next().value, (call) => sendOne(client, call), limits)
        : sendInLanes([lane(work, limits)], work.count, limits));
      if (role.isReplica) return unused(work, TAKES_NO_CHANGES);
      return inOrder(work, sent, (error) => (error instanceof CacheError ? error : failure(error)));
    },

    close: async () => {},
  };
}

async function sendOne(client: GlideClient | GlideClusterClient, call: Call): Promise<Settled<unknown>> {
  try {
    return await client.customCommand(wireForm(call), AS_TEXT);
  } catch (thrown) {
    return otherwise(client, call, toError(thrown));
  }
}

async function sendBatch(
  client: GlideClusterClient,
  calls: readonly Call[],
  limits: Limits,
): Promise<Answered[]> {
  const batch = new ClusterBatch(false);
  for (const call of calls) batch.customCommand(wireForm(call));
  let replies: GlideReturnType[];
  try {
    replies = (await client.exec(batch, false, { timeout: timeLeft(limits), ...AS_TEXT })) ?? [];
  } catch (thrown) {
    return calls.map((call) => [call, failure(thrown)]);
  }
  return Promise.all(
    calls.map(async (call, index): Promise<Answered> => {
      const reply: unknown = replies[index];
      return [call, reply instanceof Error ? await otherwise(client, call, reply) : reply];
    }),
  );
}

function otherwise(
  client: GlideClient | GlideClusterClient,
  call: Call,
  error: Error,
): Promise<Settled<unknown>> {
  return afterError(
    call,
    error,
    () => failure(error),
    (form) => client.customCommand(form, AS_TEXT).catch(failure),
  );
}

/** How the client words what a server replied: `An error was signalled by the server: - ReadOnly: …`, `OOM: …`. */
const REPLY = /^(?:An error was signalled by the server: - )?(\w+: .*)$/s;

/** An error of the client's or the server's. */
function failure(thrown: unknown): CacheError {
  const error = toError(thrown);
  const message = withoutArguments(error);
  const reply = REPLY.exec(message)?.[1];
  const isLost =
    error instanceof TimeoutError || error instanceof ConnectionLost || error instanceof ClosingError;
  if (isLost || reply === undefined) return new ConnectionError(`The cache lost a command: ${message}.`);
  return new CacheError(`The cache refused a command: ${reply}.`, { answered: true });
}

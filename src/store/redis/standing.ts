import type { Redis } from 'ioredis';
import type { RedisClient } from './redis-client.js';

/** Whether a server takes changes. */
export interface Role {
  /** It takes none, so that what it holds may be old. */
  isReplica: boolean;
  /** When to ask for that again, by `performance.now()`. */
  dueAt: number;
}

/** What is known of where a client is connected to, beyond that it is. */
export interface Standing extends Role {
  /** Why its database is not the one it was told to use: ioredis would go on in database 0. */
  misplaced: string | undefined;
  /** A server of it takes no script for many slots, so that none is sent any more. */
  refusesCrossSlot: boolean;
}

export const TAKES_NO_CHANGES =
  'The cache is not used: its server is a replica, or lacks its own, so that changes do not reach it.';

/** For how long a server is believed to have stayed a primary: one that is demoted answers reads as before. */
const BELIEVED_MS = 1_000;

/** A primary that is told to want replicas and has none takes no changes either. */
const REPLICA = /^role:(?:slave|replica)\b|^min_slaves_good_slaves:0\b/m;

const standings = new WeakMap<RedisClient, Standing>();

export function standingOf(client: RedisClient): Standing {
  const known = standings.get(client);
  if (known !== undefined) return known;
  const standing: Standing = { misplaced: undefined, refusesCrossSlot: false, ...newRole(client.isCluster) };
  standings.set(client, standing);
  if (!client.isCluster) {
    client.on('connect', () => Object.assign(standing, { misplaced: undefined, dueAt: 0 }));
    client.on('error', ({ command, message }: Error & { command?: { name: string } }) => {
      if (command?.name === 'select') standing.misplaced = message;
    });
  }
  return standing;
}

/** Of a cluster nobody asks: its replicas answer reads with the address of their primary. */
export function newRole(isCluster: boolean): Role {
  return { isReplica: false, dueAt: isCluster ? Number.POSITIVE_INFINITY : 0 };
}

/** Asks a client's server now and then what it is. Commands that are sent next are answered after that. */
export function ask(client: RedisClient, standing: Standing): void {
  learn(
    standing,
    () => (client as Redis).info('replication'),
    ({ name }) => name === 'ReplyError',
  );
}

/**
 * Learns a server's role from its `INFO replication`, when that is due.
 *
 * @param isRefusal whether the server said no, and did not only fail to answer
 */
export function learn(role: Role, info: () => Promise<string>, isRefusal: (error: Error) => boolean): void {
  if (performance.now() < role.dueAt) return;
  const again = (afterMs: number) => {
    role.dueAt = performance.now() + afterMs;
  };
  again(Number.POSITIVE_INFINITY);
  info().then(
    (text) => {
      role.isReplica = REPLICA.test(text);
      again(role.isReplica ? 0 : BELIEVED_MS);
    },
    // Who may not ask has to trust.
    (error: Error) => again(isRefusal(error) ? BELIEVED_MS : 0),
  );
}

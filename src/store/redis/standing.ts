import type { Redis } from 'ioredis';
import type { RedisClient } from './redis-client.js';

/** What is known of where a client is connected to, beyond that it is. */
export interface Standing {
  /** Why its database is not the one it was told to use: ioredis would go on in database 0. */
  misplaced: string | undefined;
  /** Whether its server takes no changes, so that what it holds may be old. */
  isReplica: boolean;
  /** When to ask for that again, by `performance.now()`. */
  dueAt: number;
}

/** For how long a server is believed to have stayed a primary: one that is demoted answers reads as before. */
const BELIEVED_MS = 1_000;

/** A primary that is told to want replicas and has none takes no changes either. */
const TAKES_NO_CHANGES = /^role:(?:slave|replica)\b|^min_slaves_good_slaves:0\b/m;

const standings = new WeakMap<RedisClient, Standing>();

export function standingOf(client: RedisClient): Standing {
  const known = standings.get(client);
  if (known !== undefined) return known;
  const standing: Standing = { misplaced: undefined, isReplica: false, dueAt: 0 };
  standings.set(client, standing);
  // A cluster has one database, and its replicas answer reads with the address of their primary.
  if (client.isCluster) standing.dueAt = Number.POSITIVE_INFINITY;
  else {
    client.on('connect', () => Object.assign(standing, { misplaced: undefined, dueAt: 0 }));
    client.on('error', ({ command, message }: Error & { command?: { name: string } }) => {
      if (command?.name === 'select') standing.misplaced = message;
    });
  }
  return standing;
}

/** Asks a server now and then what it is. Commands that are sent next are answered after that. */
export function ask(client: RedisClient, standing: Standing): void {
  if (performance.now() < standing.dueAt) return;
  const again = (afterMs: number) => {
    standing.dueAt = performance.now() + afterMs;
  };
  again(Number.POSITIVE_INFINITY);
  (client as Redis).info('replication').then(
    (text) => {
      standing.isReplica = TAKES_NO_CHANGES.test(text);
      again(standing.isReplica ? 0 : BELIEVED_MS);
    },
    // Who may not ask has to trust.
    ({ name }: Error) => again(name === 'ReplyError' ? BELIEVED_MS : 0),
  );
}

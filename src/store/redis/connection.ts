import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { ConfigError } from '../../errors.js';
import type { RedisClient } from './redis-client.js';
import { standingOf } from './standing.js';
import { parseRedisUrl, type RedisTarget } from './url.js';

/** What opens the sockets of a client, in place of ioredis' own. */
type Connector = RedisOptions['Connector'];

/** Opens connections that authenticate in another way than with a password in the URL; made by `iamAuthentication()`. */
export type Authentication = (url: string, open: typeof ownConnection) => Connection;

/** How a store reaches its server. */
export interface Connection {
  client(): RedisClient;
  /** Why there is no connection now, as far as is known: ioredis tells a command only that it gave up. */
  problem(): string | undefined;
  /** Gives up a client's sockets and what still waits on them. The next `client()` starts afresh. */
  abandon(client: RedisClient): void;
  close(): Promise<void>;
}

/** A client of the caller's: used, but never closed or reconfigured. */
export function borrowedConnection(client: RedisClient): Connection {
  const { keyPrefix } = client.options;
  if (keyPrefix) {
    throw new ConfigError(
      'Option cache: the ioredis client has a keyPrefix, which would part a key from its guard. Use the option namespace instead.',
    );
  }
  standingOf(client);
  return {
    client: () => client,
    problem: () => undefined,
    abandon: () => {},
    close: () => Promise.resolve(),
  };
}

/**
 * A connection of our own, opened at the first use and kept for the next invocations of a warm Lambda. Its sockets and
 * timers keep no process alive: what waits for an answer has a timer that does.
 */
export function ownConnection(url: string, connector?: Connector): Connection {
  const target = parseRedisUrl(url);
  let client: RedisClient | undefined;
  let problem: string | undefined;

  function open(): RedisClient {
    const opened = openClient(target, connector, found);
    standingOf(opened);

    /** Without a listener ioredis would print errors as unhandled; every command reports its own failure. */
    function follow(redis: Redis): void {
      redis
        .on('connect', () => {
          redis.stream.unref();
          problem =
            'it takes connections, but does not answer there as Redis does (with TLS it needs rediss://)';
        })
        .on('ready', () => {
          problem = undefined;
        })
        .on('error', (error: Error) => {
          // A server without TLS waits for the end of what it takes for a command.
          const isUnanswered = target.options.tls !== undefined && error.message === 'connect ETIMEDOUT';
          found(isUnanswered ? new Error(NO_TLS) : error);
        });
    }

    function found(error: Error): void {
      const meaning = lastingProblem(error);
      problem = meaning ?? error.message.replace(/\.$/, '');
      // The next attempt would find it again: who waits is better told at once.
      if (meaning !== undefined && client === opened && opened.status !== 'ready') drop();
    }

    if (opened.isCluster) followCluster(opened as Cluster, follow, found);
    else follow(opened as Redis);
    opened.on('reconnecting', () => {
      (opened as unknown as { reconnectTimeout?: NodeJS.Timeout }).reconnectTimeout?.unref();
    });
    return opened;
  }

  function drop(): void {
    client?.disconnect();
    client = undefined;
  }

  return {
    client: () => {
      if (client === undefined || client.status === 'end') client = open();
      return client;
    },
    problem: () => problem,
    abandon: (which) => {
      if (which === client) drop();
    },
    close: () => Promise.resolve(drop()),
  };
}

/** Follows the connections of a cluster's client, and those that it makes to ask who owns which slot. */
function followCluster(
  cluster: Cluster,
  follow: (redis: Redis) => void,
  found: (error: Error) => void,
): void {
  cluster.on('+node', (node: Redis) => {
    follow(node);
    const { duplicate } = node;
    node.duplicate = (options) => {
      const asking = duplicate.call(node, options);
      follow(asking);
      return asking;
    };
  });
  cluster.on('refresh', () => {
    if (cluster.nodes().length === 0) found(new Error(NO_ADDRESS));
  });
  cluster.on('error', ({ lastNodeError }: { lastNodeError?: Error }) => {
    if (lastNodeError?.name === 'ReplyError') found(lastNodeError);
  });
}

const NO_ADDRESS =
  'CLUSTER SLOTS names no address: its nodes have no slots, or do not know their own address (cluster-announce-ip)';
const NO_TLS = 'TLS is not answered there (without TLS it needs redis://)';

/** What an error says of the server or the URL, when it does; others may be over soon. */
function lastingProblem({ name, message }: Error): string | undefined {
  if (/RESP|Protocol error/.test(message))
    return `it does not speak as Redis does (${message.split('. ')[0]})`;
  if (/wrong version number/.test(message)) return NO_TLS;
  const isLasting = name === 'ReplyError' || message === NO_TLS || message === NO_ADDRESS;
  return isLasting ? message.replace(/\.$/, '') : undefined;
}

/**
 * Settings that fit a Lambda: ioredis' defaults keep a command waiting for over a minute. A socket that a thaw left
 * dead is noticed after `socketTimeout`, and what waits on it is sent again, which every script here permits.
 */
const LAMBDA_SAFE = {
  lazyConnect: true,
  connectTimeout: 1_500,
  socketTimeout: 1_500,
  disconnectTimeout: 200, // how long a server may take to close what was ended here; a timer keeps the process alive for it
  maxRetriesPerRequest: 2,
  disableClientInfo: true,
  // A primary that was demoted in a failover: the next connection, to the same DNS name, leads to the new one.
  reconnectOnError: (error: Error) => /\b(?:READONLY|NOREPLICAS|MASTERDOWN)\b/.test(error.message),
} satisfies RedisOptions;

function reconnectDelay(attempt: number): number {
  return Math.min(50 * attempt, 500);
}

function openClient(
  { cluster, options }: RedisTarget,
  connector: Connector,
  found: (error: Error) => void,
): RedisClient {
  return cluster
    ? openCluster(options, connector, found)
    : new Redis({ ...LAMBDA_SAFE, ...options, Connector: connector, retryStrategy: reconnectDelay });
}

function openCluster(
  { host, port, db, ...options }: RedisTarget['options'],
  connector: Connector,
  found: (error: Error) => void,
): Cluster {
  return new Cluster([{ host, port }], {
    lazyConnect: true,
    // What waits is told in the end, as by a single server's client; the next use opens another.
    clusterRetryStrategy: (attempt, reason) => {
      if (reason !== undefined) found(reason);
      return attempt > LAMBDA_SAFE.maxRetriesPerRequest ? null : reconnectDelay(attempt);
    },
    slotsRefreshTimeout: 1_600, // a connection that is not made tells why before
    redisOptions: { ...LAMBDA_SAFE, ...options, Connector: connector },
    // A certificate names the host, not the address that its name resolves to.
    ...(options.tls && { dnsLookup: (address, callback) => callback(null, address) }),
  });
}

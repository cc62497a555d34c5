import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { ConfigError } from '../../errors.js';

export type RedisClient = Redis | Cluster;

/** What opens the sockets of a client, in place of ioredis' own. */
type Connector = RedisOptions['Connector'];

/** Opens connections that authenticate in another way than with a password in the URL; made by `iamAuthentication()`. */
export type Authentication = (url: string, open: typeof ownConnection) => Connection;

/** How a store reaches its server. */
export interface Connection {
  client(): RedisClient;
  /** Why there is no connection now, as far as is known: ioredis tells a command only that it gave up. */
  problem(): string | undefined;
  /** After a stall: gives up the sockets and what still waits on them. The next `client()` starts afresh. */
  abandon(): void;
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
  return {
    client: () => client,
    problem: () => undefined,
    abandon: () => {},
    close: () => Promise.resolve(),
  };
}

/** A connection of our own, opened at the first use and kept for the next invocations of a warm Lambda. */
export function ownConnection(url: string, connector?: Connector): Connection {
  const target = parseRedisUrl(url);
  let client: RedisClient | undefined;
  let problem: string | undefined;

  function open(): RedisClient {
    const opened = openClient(target, connector);
    // Without a listener ioredis would print errors as unhandled; every command reports its own failure.
    opened.on('error', (error: Error & { lastNodeError?: Error }) => {
      problem = (error.lastNodeError ?? error).message;
    });
    opened.on('ready', () => {
      problem = undefined;
    });
    return opened;
  }

  function drop(): void {
    client?.disconnect();
    client = undefined;
  }

  return {
    client: () => {
      client ??= open();
      return client;
    },
    problem: () => problem,
    abandon: drop,
    close: () => Promise.resolve(drop()),
  };
}

export interface RedisTarget {
  readonly cluster: boolean;
  readonly options: {
    readonly host: string;
    readonly port: number;
    readonly db: number;
    readonly username?: string;
    readonly password?: string;
    readonly tls?: Record<string, never>;
  };
}

/**
 * Reads `redis://[user:password@]host[:port][/db][?cluster]`; with `rediss://` the connection is TLS and the server's
 * certificate is verified.
 *
 * @throws ConfigError that never repeats the URL, which may hold a password
 */
export function parseRedisUrl(text: string): RedisTarget {
  const fail = (what: string) =>
    new ConfigError(
      `Option cache (STREAM_CACHE_URL): ${what}. Expected redis[s]://[user:password@]host[:port][/db][?cluster].`,
    );

  if (!URL.canParse(text)) throw fail('this is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') throw fail(`unknown scheme ${url.protocol}//`);
  if (url.hostname === '') throw fail('the URL has no host');
  if (url.searchParams.has('iam')) {
    throw fail('iam needs the option iam, made by iamAuthentication() of dynamodb-stream-cache/iam');
  }
  for (const [name, value] of url.searchParams) {
    if (name !== 'cluster') throw fail(`unknown parameter ${name}`);
    if (value !== '' && value !== 'true') throw fail('cluster takes no value');
  }
  const cluster = url.searchParams.has('cluster');
  const db = url.pathname.slice(1);
  if (!/^\d*$/.test(db)) throw fail('the database must be a number');
  if (cluster && Number(db) !== 0) throw fail('a cluster has only database 0');

  return {
    cluster,
    options: {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(url.port || 6379),
      db: Number(db),
      ...(url.username && { username: decodeURIComponent(url.username) }),
      ...(url.password && { password: decodeURIComponent(url.password) }),
      ...(url.protocol === 'rediss:' && { tls: {} }),
    },
  };
}

/**
 * Settings that fit a Lambda: ioredis' defaults keep a command waiting for over a minute. A socket that a thaw left
 * dead is noticed after `socketTimeout`, and what waits on it is sent again, which every script here permits.
 */
const LAMBDA_SAFE = {
  lazyConnect: true,
  connectTimeout: 1_500,
  socketTimeout: 1_500,
  maxRetriesPerRequest: 2,
  disableClientInfo: true,
  // A primary that was demoted in a failover: the next connection, to the same DNS name, leads to the new one.
  reconnectOnError: (error: Error) => /\bREADONLY\b/.test(error.message),
} satisfies RedisOptions;

function reconnectDelay(attempt: number): number {
  return Math.min(50 * attempt, 500);
}

function openClient({ cluster, options }: RedisTarget, connector: Connector): RedisClient {
  return cluster
    ? openCluster(options, connector)
    : new Redis({ ...LAMBDA_SAFE, ...options, Connector: connector, retryStrategy: reconnectDelay });
}

function openCluster({ host, port, db, ...options }: RedisTarget['options'], connector: Connector): Cluster {
  return new Cluster([{ host, port }], {
    lazyConnect: true,
    clusterRetryStrategy: reconnectDelay,
    slotsRefreshTimeout: 1_500,
    redisOptions: { ...LAMBDA_SAFE, ...options, Connector: connector },
    // A certificate names the host, not the address that its name resolves to.
    ...(options.tls && { dnsLookup: (address, callback) => callback(null, address) }),
  });
}

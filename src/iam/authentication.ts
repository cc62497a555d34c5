import type { Cluster, Redis } from 'ioredis';
import { environmentCredentials } from '../environment.js';
import type { Authentication, Connection } from '../store/redis/connection.js';
import type { RedisClient } from '../store/redis/redis-client.js';
import { type Authenticate, authenticatingConnector } from './connector.js';
import { checkIamOptions, type IamOptions, iamTarget } from './target.js';
import { iamToken } from './token.js';

/** AWS ends a connection 12 hours after it authenticated last. */
const RENEW_AFTER_MS = 6 * 3_600_000;
/** How often an unused connection is looked after, and a failed renewal is tried again. */
const LOOK_MS = 60_000;

/**
 * Lets a cache's connections authenticate with IAM: each with a token of its own, and again every 6 hours while it
 * lives. What it makes is for the option `iam`; what it needs to know can be in the cache's URL.
 *
 * @example NewStreamCacheHandler({ cache: 'rediss://app@cache.example:6379?cluster&iam=elasticache&cacheName=shop', iam: iamAuthentication() });
 * @throws ConfigError when an option is wrong; what the URL lacks is said where it is used
 */
export function iamAuthentication(options: IamOptions = {}): Authentication {
  checkIamOptions(options);
  return (url, open) => {
    const { cache, rest } = iamTarget(url, options);
    const credentials = options.credentials ?? environmentCredentials;
    if (options.credentials === undefined) environmentCredentials(); // what is missing is better said at once
    const authenticate: Authenticate = async () => [cache.user, await iamToken(cache, await credentials())];
    return renewed(open(rest, authenticatingConnector(authenticate)), authenticate);
  };
}

/**
 * The same connection, authenticated again in time. That is looked at with each use, since the timers of a function that
 * was frozen are late, and once a minute for a connection that nobody uses. One that AWS has ended is opened anew by its
 * client, with a token of that moment.
 */
function renewed(connection: Connection, authenticate: Authenticate): Connection {
  let current: RedisClient | undefined;
  let due = 0;
  let timer: NodeJS.Timeout | undefined;

  function renewIfDue(): void {
    if (current === undefined || Date.now() < due) return;
    due = Date.now() + RENEW_AFTER_MS;
    for (const node of openConnections(current)) {
      authenticate()
        .then(([user, token]) => node.call('auth', user, token))
        // ioredis' error holds the command, and so the token: it goes no further.
        .catch(() => {
          due = Math.min(due, Date.now() + LOOK_MS);
        });
    }
  }

  return {
    ...connection,
    client() {
      const client = connection.client();
      if (client !== current) {
        current = client;
        due = Date.now() + RENEW_AFTER_MS;
      }
      timer ??= setInterval(renewIfDue, LOOK_MS).unref();
      renewIfDue();
      return client;
    },
    close() {
      clearInterval(timer);
      timer = undefined;
      current = undefined;
      return connection.close();
    },
  };
}

function openConnections(client: RedisClient): Redis[] {
  const nodes = client.isCluster ? (client as Cluster).nodes() : [client as Redis];
  return nodes.filter(({ status }) => status === 'ready');
}

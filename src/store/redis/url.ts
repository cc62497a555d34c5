import { ConfigError } from '../../errors.js';

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

const TLS_SCHEMES = ['rediss:', 'valkeys:'];
const SCHEMES = ['redis:', 'valkey:', ...TLS_SCHEMES];

export function isTls({ protocol }: URL): boolean {
  return TLS_SCHEMES.includes(protocol);
}

/**
 * Reads `redis://[user:password@]host[:port][/db][?cluster]`; with `rediss://` the connection is TLS and the server's
 * certificate is verified. `valkey://` and `valkeys://` are other names for the same.
 *
 * @throws ConfigError that never repeats the URL, which may hold a password
 */
export function parseRedisUrl(text: string): RedisTarget {
  const fail = (what: string) =>
    new ConfigError(
      `Option cache (STREAM_CACHE_URL): ${what}. Expected redis[s]:// or valkey[s]://[user:password@]host[:port][/db][?cluster].`,
    );

  if (!URL.canParse(text)) throw fail('this is not a URL');
  const url = new URL(text);
  if (!SCHEMES.includes(url.protocol)) throw fail(`unknown scheme ${url.protocol}//`);
  if (url.hostname === '') throw fail('the URL has no host');
  if (/[#\t\n\r]/.test(text.trim()))
    throw fail('a URL has no # or line break; in a user or password # is %23');
  if (!/^[\w.-]+$|^\[[\d.:a-f]+\]$/i.test(url.hostname) || url.port === '0')
    throw fail('the host or its port cannot be');
  if (url.searchParams.has('iam')) {
    throw fail('iam needs the option iam, made by iamAuthentication() of dynamodb-stream-cache/iam');
  }
  for (const [name, value] of url.searchParams) {
    if (name !== 'cluster') throw fail('an unknown parameter; in a user or password ? is %3F');
    if (value !== '' && value !== 'true') throw fail('cluster takes no value');
  }
  const cluster = url.searchParams.has('cluster');
  const db = url.pathname.slice(1);
  if (!/^\d*$/.test(db)) throw fail('the database must be a number; in a user or password / is %2F');
  if (cluster && Number(db) !== 0) throw fail('a cluster has only database 0');

  const decoded = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw fail('in a user or password % is %25');
    }
  };
  return {
    cluster,
    options: {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(url.port || 6379),
      db: Number(db),
      ...(url.username && { username: decoded(url.username) }),
      ...(url.password && { password: decoded(url.password) }),
      ...(isTls(url) && { tls: {} }),
    },
  };
}

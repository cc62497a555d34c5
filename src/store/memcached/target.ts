import { ConfigError } from '../../errors.js';

/** Where a memcached is, as its URL says. */
export interface MemcachedTarget {
  readonly nodes: readonly Node[];
  readonly tls: boolean;
  /** The one node is a configuration endpoint of ElastiCache, which names the others. */
  readonly discover: boolean;
  readonly user?: string;
  readonly password?: string;
}

export interface Node {
  readonly host: string;
  readonly port: number;
}

export const MEMCACHED_PORT = 11_211;

export function isMemcachedUrl(text: string): boolean {
  return /^memcacheds?:/i.test(text);
}

/**
 * Reads `memcached://[user:password@]host[:port][,host[:port]…][?discover]`; with `memcacheds://` connections are TLS and the
 * server's certificate is verified.
 *
 * @throws ConfigError that never repeats the URL, which may hold a password
 */
export function parseMemcachedUrl(text: string): MemcachedTarget {
  const fail = (what: string) =>
    new ConfigError(
      `Option cache (STREAM_CACHE_URL): ${what}. Expected memcached[s]://[user:password@]host[:port][,host[:port]…][?discover].`,
    );
  const match = /^memcached(s?):\/\/(?:([^@]*)@)?([^@/?#]*)\/?(\?[^#]*)?$/i.exec(String(text).trim());
  if (match === null) throw fail('this is not a URL of memcached; in a user or password @ is %40');
  const [, secure, credentials, hosts = '', query] = match;
  if (query !== undefined && query !== '?discover')
    throw fail('the only parameter is discover, without a value');
  const nodes = hosts.split(',').map((host) => {
    const parts = /^([\w.-]+|\[[\d.:a-f]+\])(?::(\d{1,5}))?$/i.exec(host);
    const port = Number(parts?.[2] ?? MEMCACHED_PORT);
    if (!parts?.[1] || port === 0 || port > 65_535) throw fail('a host or its port cannot be');
    return { host: parts[1].replace(/^\[(.*)\]$/, '$1'), port };
  });
  if (query !== undefined && nodes.length > 1) throw fail('discover takes one host, which names the others');

  const decoded = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw fail('in a user or password % is %25');
    }
  };
  const [user, password] = credentials === undefined ? [] : credentials.split(':').map(decoded);
  if (credentials !== undefined && (!user || !password || /[\s]/.test(`${user}${password}`)))
    throw fail('a user needs a password, and neither may have spaces');
  return {
    ...{ nodes, tls: secure !== '', discover: query !== undefined },
    ...(user !== undefined && password !== undefined && { user, password }),
  };
}

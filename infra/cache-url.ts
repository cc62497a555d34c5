import type { IamAuthentication } from './cache.js';
import { CACHE_PORT, MEMCACHED_PORT } from './ports.js';

/** What stands in `STREAM_CACHE_URL`; it never holds a password. */
export function cacheUrl({
  host,
  port = CACHE_PORT,
  cluster = false,
  tls = true,
  iam,
}: {
  host: string;
  port?: number | undefined;
  cluster?: boolean | undefined;
  tls?: boolean | undefined;
  iam?: IamAuthentication | undefined;
}): string {
  const parameters = [
    ...(cluster ? ['cluster'] : []),
    ...(iam ? ['iam=elasticache', `cacheName=${iam.cacheName}`] : []),
    ...(iam?.serverless ? ['serverless'] : []),
  ];
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  return `${tls ? 'rediss' : 'redis'}://${iam ? `${iam.user}@` : ''}${host}:${port}${query}`;
}

/** The same for memcached. */
export function memcachedUrl({
  host,
  port = MEMCACHED_PORT,
  tls = true,
  discover = false,
}: {
  host: string;
  port?: number | undefined;
  tls?: boolean | undefined;
  discover?: boolean | undefined;
}): string {
  return `${tls ? 'memcacheds' : 'memcached'}://${host}:${port}${discover ? '?discover' : ''}`;
}

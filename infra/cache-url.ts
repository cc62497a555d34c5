import type { IamAuthentication } from './cache.js';
import { CACHE_PORT } from './ports.js';

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

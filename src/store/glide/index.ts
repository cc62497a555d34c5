import { GlideClient, GlideClusterClient } from '@valkey/valkey-glide';
import { ConfigError } from '../../errors.js';
import { processWide } from '../../process-wide.js';
import { redisStore } from '../redis/store.js';
import type { CacheStore } from '../store.js';
import { glideWire } from './wire.js';

export interface GlideOptions {
  /** For how long a step waits while the cache answers nothing at all, in milliseconds. Default 4,000. */
  readonly stallMs?: number;
}

/**
 * A cache by way of a Valkey GLIDE client, for the option `cache` of handler and middleware. The client is used as it is, and
 * never closed.
 *
 * @param client reads from primaries, which is its default: replicas may be behind
 * @throws ConfigError when it is no client of `@valkey/valkey-glide`
 */
export function glideStore(
  client: GlideClient | GlideClusterClient,
  { stallMs = 4_000 }: GlideOptions = {},
): CacheStore {
  if (!(client instanceof GlideClient || client instanceof GlideClusterClient)) {
    throw new ConfigError(
      'glideStore: expected a GlideClient or GlideClusterClient of @valkey/valkey-glide, which createClient() gives once it is awaited.',
    );
  }
  return { ...redisStore(glideWire(client, stallMs)), identity: identityOf(client) };
}

/** The same for all stores of a client. */
function identityOf(client: object): string {
  const clients = processWide('glide-clients', () => ({ count: 0, names: new WeakMap<object, string>() }));
  const identity = clients.names.get(client) ?? `GLIDE client ${++clients.count}`;
  clients.names.set(client, identity);
  return identity;
}

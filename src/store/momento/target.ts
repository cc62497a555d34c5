import { ConfigError } from '../../errors.js';

/** Which cache of Momento's, as its URL says. */
export interface MomentoTarget {
  readonly cacheName: string;
  /** Where a momento-local answers, in place of the service. */
  readonly local?: { readonly hostname: string; readonly port: number };
}

/** The port of momento-local, https://github.com/momentohq/momento-local */
const LOCAL_PORT = 8080;

/**
 * Reads `momento:CACHE`, and `momento-local://host[:port]/CACHE` for the service's stand-in for development, which has no TLS.
 *
 * @throws ConfigError that never repeats the URL, in which somebody may have put a key
 */
export function parseMomentoUrl(text: string): MomentoTarget {
  const [, cacheName] = /^momento:([^/?#\s]+)$/i.exec(text) ?? [];
  if (cacheName !== undefined) return { cacheName };
  const [, hostname, digits = LOCAL_PORT, localName] =
    /^momento-local:\/\/([\w.-]+)(?::(\d{1,5}))?\/([^/?#\s]+)$/i.exec(text) ?? [];
  const port = Number(digits);
  if (hostname !== undefined && localName !== undefined && port > 0 && port <= 65_535)
    return { cacheName: localName, local: { hostname, port } };
  throw new ConfigError(
    "Option cache (STREAM_CACHE_URL): this is no cache of Momento's. Expected momento:CACHE, or momento-local://host[:port]/CACHE.",
  );
}

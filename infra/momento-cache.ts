import type { SecretValue } from 'aws-cdk-lib';
import { Connections, Port } from 'aws-cdk-lib/aws-ec2';
import type { Cache } from './cache.js';

/**
 * A cache of Momento's, which is there already, and is outside of any network of yours: without a `vpc` the function is in none,
 * with one it needs a way out. It is not watched: its alarms are yours.
 */
export interface MomentoCache {
  readonly type: 'momento';
  readonly cacheName: string;
  /**
   * The API key, such as `secret.secretValue` of a secret. It is in the environment of the function and of the readers: who may
   * read their configuration may read it.
   */
  readonly apiKey: SecretValue;
  /** Where the service is, for a key that does not say so itself. Default: what the key says. */
  readonly endpoint?: string;
}

const HTTPS = Port.tcp(443);

export function momentoCache({ cacheName, apiKey, endpoint }: MomentoCache): Cache {
  return {
    url: `momento:${cacheName}`,
    environment: {
      MOMENTO_API_KEY: apiKey.unsafeUnwrap(),
      ...(endpoint !== undefined && { MOMENTO_ENDPOINT: endpoint }),
    },
    zip: 'lambda-momento.zip',
    isInNetwork: false,
    connections: new Connections({ defaultPort: HTTPS }),
    watch: undefined,
    admit: (peer) => peer.connections.allowToAnyIpv4(HTTPS, 'To the cache'),
    grantConnect: () => undefined,
  };
}

import {
  CacheClient,
  type Configuration,
  Configurations,
  CredentialProvider,
  NoopMomentoLoggerFactory,
  ReadConcern,
} from '@gomomento/sdk';
import { ConfigError } from '../../errors.js';
import type { MomentoTarget } from './target.js';

export interface ClientOptions {
  /**
   * Who asks, one of the SDK's. Default: the API key in `MOMENTO_API_KEY`, and the endpoint in `MOMENTO_ENDPOINT` for a key that
   * does not name its own.
   */
  readonly credentialProvider?: CredentialProvider;
  /**
   * The SDK's. Default `Configurations.Lambda.latest()`, with a logger that says nothing: what fails is reported here. Reads are consistent whatever it says: balanced ones may be answered
   * with what was replaced already.
   */
  readonly configuration?: Configuration;
}

/**
 * Clients of Momento's SDK. None connects before it is used.
 *
 * @throws ConfigError when there is no API key
 */
export function newClients(
  {
    credentialProvider,
    configuration = Configurations.Lambda.latest(new NoopMomentoLoggerFactory()),
  }: ClientOptions,
  local: MomentoTarget['local'],
): { readonly endpoint: string; open(): CacheClient } {
  const provider = credentialProvider ?? credentials(local);
  const props = {
    credentialProvider: provider,
    configuration: configuration.withReadConcern(ReadConcern.CONSISTENT).withThrowOnErrors(false),
    defaultTtlSeconds: 60, // each entry says its own
  };
  return { endpoint: provider.getCacheEndpoint(), open: () => new CacheClient(props) };
}

function credentials(local: MomentoTarget['local']): CredentialProvider {
  if (local !== undefined) return CredentialProvider.forMomentoLocal(local);
  for (const read of [
    () => CredentialProvider.fromEnvVarV2(),
    () => CredentialProvider.fromEnvVar('MOMENTO_API_KEY'),
  ]) {
    try {
      return read();
    } catch {} // what the SDK says of a key may quote it
  }
  throw new ConfigError(
    'momentoStore: the API key in MOMENTO_API_KEY is missing or cannot be read. Set it, and MOMENTO_ENDPOINT for a key that does not name its endpoint, or give the option credentialProvider.',
  );
}

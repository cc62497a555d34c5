import { GlideClient, GlideClusterClient, Logger } from '@valkey/valkey-glide';

/** A client as an application would make it, of the server or cluster of a URL. It says nothing of its own. */
export async function glideClient(
  url: string,
  options: Partial<Parameters<typeof GlideClient.createClient>[0]> = {},
): Promise<GlideClient | GlideClusterClient> {
  Logger.setLoggerConfig('off');
  const { hostname: host, port, searchParams } = new URL(url);
  const configuration = {
    addresses: [{ host, port: Number(port) }],
    requestTimeout: 1_000,
    ...options,
  };
  return searchParams.has('cluster')
    ? GlideClusterClient.createClient(configuration)
    : GlideClient.createClient(configuration);
}

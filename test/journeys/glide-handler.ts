import { GlideClusterClient } from '@valkey/valkey-glide';
import { NewStreamCacheHandler } from '../../src/index.js';
import { glideStore } from '../../src/store/glide/index.js';

const { hostname: host, port } = new URL(process.env.CACHE_URL ?? '');
const client = await GlideClusterClient.createClient({
  addresses: [{ host, port: Number(port) }],
  requestTimeout: 2_000,
});

/** A function of one's own whose cache is reached by way of GLIDE. */
export const handler = NewStreamCacheHandler({ cache: glideStore(client) });

export const close = () => client.close();

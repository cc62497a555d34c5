import { Redis } from 'ioredis';
import { openStore } from '../../src/store/open.js';
import { startRedis } from '../../test/support/redis.js';
import { type CampaignOptions, type CampaignResult, violation } from './campaign.js';
import { fuzzStreamEvents } from './stream-events.js';

/** Hostile events on a real server: whatever it has in it at the end has to be in the namespace. */
export async function fuzzOnRedis(options: CampaignOptions): Promise<CampaignResult> {
  const server = await startRedis();
  const store = openStore(server.url, 4_000);
  const client = new Redis(server.url);
  try {
    const result = await fuzzStreamEvents(options, store);
    const keys = await client.keys('*');
    const stray = keys.find((key) => !/^(?:fuzz:|\{fuzz:[^{}]*\}:guard$)/.test(key));
    if (stray !== undefined) violation(`The server has the key ${stray}, outside of the namespace.`);
    if (keys.length === 0) violation('Nothing was stored, so nothing was found out.');
    const outcomes = { ...result.outcomes, 'keys on the server, all in the namespace': keys.length };
    return { ...result, name: 'stream records on a real Redis', outcomes };
  } finally {
    client.disconnect();
    await store.close();
    await server.stop();
  }
}

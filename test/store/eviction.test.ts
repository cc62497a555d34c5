import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { openStore } from '../../src/store/open.js';
import { change, RULES } from '../contract/store-contract.js';
import { afterwards } from '../support/afterwards.js';
import { startRedis } from '../support/redis.js';

/** Values of a day, as many as one server holds. */
const VALUES = 6_000;
const DAY_MS = 86_400_000;

/** What becomes of replays when a server that was full of older values has replaced a third of them since. */
async function replaysOn(policy: string): Promise<unknown[]> {
  const server = afterwards(
    await startRedis({ args: ['--maxmemory', '8mb', '--maxmemory-policy', policy] }),
    (each) => each.stop(),
  );
  const admin = afterwards(new Redis(server.port), (client) => client.disconnect());
  const store = afterwards(openStore(server.url, 4_000), (each) => each.close());
  const put = async (name: string, count: number) => {
    const pipeline = admin.pipeline();
    for (let n = 0; n < count; n += 1) pipeline.set(`${name}:${n}`, 'x'.repeat(1_000), 'PX', DAY_MS);
    await pipeline.exec();
  };
  await put('older', VALUES);
  await delay(2_100); // the server's clock of what was used last counts seconds

  const items = Array.from({ length: 200 }, (_, n) => `evicted:id=${n}`);
  const apply = (version: number) =>
    store.apply(
      items.map((key) => change(key, version)),
      RULES,
    );
  expect(new Set(await apply(2))).toEqual(new Set(['written']));
  await put('newer', VALUES / 3);
  expect(await admin.info('stats')).toMatch(/evicted_keys:[1-9]/);
  return apply(1);
}

test.each(['volatile-lru', 'allkeys-lru'])(
  'a full server with %s keeps the guards of recent changes',
  async (policy) => {
    expect(new Set(await replaysOn(policy))).toEqual(new Set(['stale']));
  },
  30_000,
);

test('a full server with volatile-ttl loses guards first, and older images are written', async () => {
  expect(await replaysOn('volatile-ttl')).toContain('written');
}, 30_000);

import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mapDriver } from '../../src/operate/map-driver.js';
import type { Driver, Held } from '../../src/store/cas/driver.js';
import { decodeEntry, type Entry, NOTHING } from '../../src/store/cas/entry.js';
import { casStore } from '../../src/store/cas/store.js';
import { memcachedDriver } from '../../src/store/memcached/driver.js';
import { parseMemcachedUrl } from '../../src/store/memcached/target.js';
import { openMemory } from '../../src/store/memory.js';
import { newClients } from '../../src/store/momento/clients.js';
import { momentoDriver } from '../../src/store/momento/driver.js';
import { parseMomentoUrl } from '../../src/store/momento/target.js';
import type { Lease } from '../../src/store/store.js';
import { startMemcached } from '../support/memcached.js';
import { startMomento } from '../support/momento.js';
import { compare, FOREVER, type Pair, perform, START, type Step } from './random-steps.js';

describe('Memory gives the same outcomes and states for the same random steps as', () => {
  test('a store that can compare and set', { timeout: 120_000 }, () => compare(() => newPair(mapDriver)));

  test('memcached', { timeout: 120_000 }, async () => {
    const server = await startMemcached();
    const driver = memcachedDriver(parseMemcachedUrl(server.url), 4_000);
    onTestFinished(async () => {
      await driver.close();
      await server.stop();
    });
    await compare(() => newPair(() => driver));
  });

  test("Momento's stand-in", { timeout: 120_000 }, async () => {
    let now = () => START;
    const service = await startMomento(() => now());
    const { cacheName, local } = parseMomentoUrl(service.url);
    const driver = momentoDriver(newClients({}, local).open, cacheName);
    onTestFinished(async () => {
      await driver.close();
      await service.stop();
    });
    await compare(() =>
      newPair((clock) => {
        now = clock;
        return driver;
      }),
    );
  });
});

function newPair(newDriver: (now: () => number) => Driver): Pair {
  const id = randomUUID();
  let now = START;
  const leases: [Lease[], Lease[]] = [[], []];
  const memory = openMemory(() => now);
  const driver = newDriver(() => now);
  const store = casStore(driver, { now: () => now, clocksApartMs: 0 });

  async function expectSameState(key: string): Promise<void> {
    const [text] = await driver.get([key]);
    const { value, guard } = text === undefined ? NOTHING : (decodeEntry(text as string, now) as Entry);
    expect({ value, guard: withoutToken(guard) }).toEqual({
      value: memory.values.get(key),
      guard: withoutToken(memory.guards.get(key)),
    });
  }

  async function take(next: Step): Promise<[unknown, unknown]> {
    const key = 'item' in next ? `${id}:${next.item}` : '';
    const given = [
      await perform(memory.store, next, key, now, leases[0]),
      await perform(store, next, key, now, leases[1]),
    ].map(withoutToken);
    await expectSameState(key);
    return given as [unknown, unknown];
  }

  return {
    async both(next) {
      if (next.does === 'wait') now += (next as { interval: number }).interval;
      const key = 'item' in next ? `${id}:${next.item}` : '';
      if (next.does === 'loseGuard') {
        memory.guards.delete(key);
        const value = memory.values.get(key);
        const [held] = (await driver.read([key])) as [Held | undefined];
        if (value === undefined) await driver.delete([key]);
        else await driver.replace([{ key, text: value, ttlMs: FOREVER, token: held?.token }]);
      }
      // A moved tag has no room for a result, which has no end of its own: under tags, nothing is stored.
      if (next.does === 'move') await take({ ...next, does: 'loseValue' } as Step);
      return take(next);
    },
  };
}

/** Each store has tokens of its own: whether they stand for the same is seen from what fills become. */
function withoutToken(of: unknown): unknown {
  return typeof of === 'object' && of !== null ? { ...of, generation: undefined } : of;
}

import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, test } from 'vitest';
import type { Guard } from '../../src/coherence.js';
import { guardKey } from '../../src/key.js';
import { glideWire } from '../../src/store/glide/wire.js';
import { openMemory } from '../../src/store/memory.js';
import { borrowedConnection } from '../../src/store/redis/connection.js';
import { ioredisWire } from '../../src/store/redis/ioredis-wire.js';
import { scripts } from '../../src/store/redis/script.js';
import { redisStore } from '../../src/store/redis/store.js';
import type { Wire } from '../../src/store/redis/wire.js';
import type { Lease } from '../../src/store/store.js';
import { afterwards } from '../support/afterwards.js';
import { glideClient } from '../support/glide.js';
import { compare, type Pair, perform, START } from './random-steps.js';

const client = new Redis(inject('redisUrl'));
afterAll(() => client.disconnect());

describe('memory and Redis give the same outcomes and states for the same random steps', {
  timeout: 120_000,
}, () => {
  test('by way of ioredis', () => compare(() => newPair(ioredisWire(borrowedConnection(client), 4_000))));

  test('by way of GLIDE', async () => {
    const glide = afterwards(await glideClient(inject('redisUrl')), (each) => each.close());
    await compare(() => newPair(glideWire(glide, 4_000)));
  });
});

/** With one source of tokens, too. */
function newPair(wire: Wire): Pair {
  const id = randomUUID();
  const clockKey = `${id}:clock`;
  let now = START;
  const leases: [Lease[], Lease[]] = [[], []];

  const memory = openMemory(() => now);
  const redis = redisStore(
    wire,
    scripts(`
    local now = tonumber(redis.call('HGET', '${clockKey}', 'now'))
    local token = tostring(redis.call('HINCRBY', '${clockKey}', 'token', 1))
  `),
  );

  async function expectSameState(key: string): Promise<void> {
    const [value, guard] = await client.mget(key, guardKey(key));
    expect({ value: value ?? undefined, guard: guard ? parseGuard(guard) : undefined }).toEqual({
      value: memory.values.get(key),
      guard: memory.guards.get(key),
    });
  }

  return {
    async both(next) {
      if (next.does === 'wait') now += (next as { interval: number }).interval;
      await client.hset(clockKey, 'now', now);
      const key = 'item' in next ? `${id}:${next.item}` : '';
      if (next.does === 'loseGuard') {
        memory.guards.delete(key);
        await client.del(guardKey(key));
      }
      const given: [unknown, unknown] = [
        await perform(memory.store, next, key, now, leases[0]),
        await perform(redis, next, key, now, leases[1]),
      ];
      await expectSameState(key);
      return given;
    },
  };
}

/** The stored form of a guard, documented in guard.lua. */
function parseGuard(text: string): Guard {
  const [version, at, generation, settled, asOf, until, leased] = text
    .split(' ')
    .map((part) => (part === '-' ? undefined : part));
  const number = (part: string | undefined) => (part === undefined ? undefined : Number(part));
  return {
    version,
    at: number(at),
    generation: String(generation),
    settled: Number(settled),
    asOf: number(asOf),
    until: number(until),
    leased: number(leased),
  };
}

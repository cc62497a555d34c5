import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { CacheError } from '../../src/errors.js';
import { iamAuthentication } from '../../src/iam/authentication.js';
import { openStore } from '../../src/store/open.js';
import type { CacheStore } from '../../src/store/store.js';
import { type RedisCluster, type RedisServer, startRedis, startRedisCluster } from '../support/redis.js';
import { type IamGate, startIamGate } from './gate.js';

/*
 * Real: Redis and Redis Cluster with ACL users, TLS, ioredis, AUTH and its replies. Simulated: AWS's check of a token,
 * which a gate before the server does by SigV4's rules (gate.ts), and the clock, so that 12 hours pass at once.
 */
const HOUR_MS = 3_600_000;
const EXPECTED = {
  user: 'app',
  cacheName: 'shop',
  secretAccessKey: 'a secret key of a test',
  password: 'the real password',
};
const credentials = () => ({ accessKeyId: 'AKIDTEST', secretAccessKey: EXPECTED.secretAccessKey });

let stores: CacheStore[] = [];

beforeAll(() => {
  // Trusts the gates' certificates here; that certificates are verified is tested where a process can trust one.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
});
afterAll(() => vi.unstubAllEnvs());

beforeEach(() => {
  stores = [];
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {}); // Node's, about what the variable does
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(stores.map((store) => store.close()));
});

function open(port: number, { parameters = '', options = {} } = {}): CacheStore {
  const url = `rediss://app@localhost:${port}?iam=elasticache&cacheName=shop&region=eu-west-1${parameters}`;
  const store = openStore(url, 3_000, iamAuthentication({ credentials, ...options }));
  stores.push(store);
  return store;
}

/** Lets nobody in but the user whose password the gates know. */
async function admitOnlyApp(port: number): Promise<void> {
  const redis = new Redis(port);
  await redis.call('ACL', 'SETUSER', 'app', 'on', `>${EXPECTED.password}`, '~*', '&*', '+@all');
  await redis.call('ACL', 'SETUSER', 'default', 'off', 'nopass');
  redis.disconnect();
}

describe('connections to a server', () => {
  let server: RedisServer;
  let gate: IamGate;

  beforeAll(async () => {
    server = await startRedis();
    await admitOnlyApp(server.port);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    gate = await startIamGate(server.port, EXPECTED);
  });
  afterEach(() => gate.close());

  const connectionsOf = () => gate.tokens.map(({ connection }) => connection);

  test('authenticate with a token each, which nobody else has', async () => {
    for (let second = 0; second < 3; second += 1) {
      expect(await open(gate.port).get(['users:id=42'])).toEqual([undefined]);
      vi.setSystemTime(Date.now() + 1_000);
    }
    expect(connectionsOf()).toEqual([1, 2, 3]);
    expect(new Set(gate.tokens.map(({ token }) => token)).size).toBe(3);
  });

  test('authenticate again when they are opened again, with a token of that moment', async () => {
    const store = open(gate.port);
    await store.get(['users:id=42']);
    vi.setSystemTime(Date.now() + 13 * HOUR_MS); // far beyond the 15 minutes of the first token
    gate.disconnectAll();
    expect(await store.get(['users:id=42'])).toEqual([undefined]);
    expect(connectionsOf().slice(0, 2)).toEqual([1, 2]);
    expect(gate.connections).toBe(2);
    expect(gate.tokens[1]?.token).not.toBe(gate.tokens[0]?.token);
  });

  test('authenticate again on the same connection when they are used after 6 hours', async () => {
    const store = open(gate.port);
    await store.get(['users:id=42']);
    vi.setSystemTime(Date.now() + 6 * HOUR_MS - 1);
    await store.get(['users:id=42']);
    expect(connectionsOf()).toEqual([1]);
    vi.setSystemTime(Date.now() + 1);
    await store.get(['users:id=42']);
    await vi.waitFor(() => expect(connectionsOf()).toEqual([1, 1]));
    expect(gate.tokens[1]?.token).not.toBe(gate.tokens[0]?.token);
    expect(await store.get(['users:id=42'])).toEqual([undefined]);
    expect(gate.tokens).toHaveLength(2);
  });

  test('authenticate again while nobody uses them, by a timer that keeps no process alive', async () => {
    const timers = vi.spyOn(globalThis, 'setInterval');
    const store = open(gate.port);
    await store.get(['users:id=42']);
    expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([false]);
    vi.advanceTimersByTime(6 * HOUR_MS);
    await vi.waitFor(() => expect(connectionsOf()).toEqual([1, 1]));
    await store.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('try a renewal that was refused again within two minutes, and go on meanwhile', async () => {
    const store = open(gate.port);
    await store.get(['users:id=42']);
    gate.refuse(true);
    vi.advanceTimersByTime(6 * HOUR_MS);
    await vi.waitFor(() => expect(gate.tokens).toHaveLength(2));
    expect(await store.get(['users:id=42'])).toEqual([undefined]);
    gate.refuse(false);
    vi.advanceTimersByTime(120_000);
    await vi.waitFor(() => expect(connectionsOf()).toEqual([1, 1, 1]));
  });

  test('that are refused say so, without the token, and are tried again', async () => {
    const store = open(gate.port);
    gate.refuse(true);
    const [refused] = await store.get(['users:id=42']);
    expect(refused).toBeInstanceOf(CacheError);
    expect((refused as CacheError).message).toContain('AUTH was refused: WRONGPASS');
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain('X-Amz');
    gate.refuse(false);
    expect(await store.get(['users:id=42'])).toEqual([undefined]);
  });

  test('survive a provider of credentials that fails for a moment', async () => {
    const provider = vi.fn(credentials).mockImplementationOnce(() => {
      throw new Error('no credentials now');
    });
    const store = open(gate.port, { options: { credentials: async () => provider() } });
    expect(await store.get(['users:id=42'])).toEqual([undefined]);
    expect(provider).toHaveBeenCalledTimes(2);
  });

  test("take Lambda's credentials and Region where none are given", async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', EXPECTED.secretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', 'a session token');
    vi.stubEnv('AWS_REGION', 'ap-southeast-2');
    const url = `rediss://app@localhost:${gate.port}?iam=elasticache&cacheName=shop`;
    const store = openStore(url, 3_000, iamAuthentication());
    stores.push(store);
    expect(await store.get(['users:id=42'])).toEqual([undefined]);
    const token = new URL(`https://${gate.tokens[0]?.token}`).searchParams;
    expect(token.get('X-Amz-Credential')).toMatch(/^AKIDTEST\/\d{8}\/ap-southeast-2\/elasticache\//);
    expect(token.get('X-Amz-Security-Token')).toBe('a session token');
  });
});

describe('connections to a cluster', () => {
  let cluster: RedisCluster;
  let gates: IamGate[];

  beforeAll(async () => {
    cluster = await startRedisCluster();
    gates = await Promise.all(cluster.nodes.map(({ port }) => startIamGate(port, EXPECTED)));
    await Promise.all(cluster.nodes.map(({ port }, index) => announce(port, gates[index]?.port ?? 0)));
    await Promise.all(cluster.nodes.map(({ port }) => vi.waitUntil(() => announcesAll(port), 10_000)));
    await Promise.all(cluster.nodes.map(({ port }) => admitOnlyApp(port)));
  });
  afterAll(async () => {
    await Promise.all(gates.map((gate) => gate.close()));
    await cluster.stop();
  });

  async function announce(port: number, announced: number): Promise<void> {
    const redis = new Redis(port);
    await redis.config('SET', 'cluster-announce-port', String(announced));
    redis.disconnect();
  }

  async function announcesAll(port: number): Promise<boolean> {
    const redis = new Redis(port);
    const slots = await redis.cluster('SLOTS');
    redis.disconnect();
    const announced = slots.map(([, , node]) => node?.[1]).sort();
    return (
      announced.join() ===
      gates
        .map((gate) => gate.port)
        .sort()
        .join()
    );
  }

  const KEYS = Array.from({ length: 30 }, (_, n) => `users:id=${n}`);
  const MISSES = KEYS.map(() => undefined);
  const tokensOf = () => gates.flatMap(({ tokens }) => tokens.map(({ token }) => token));

  test('authenticate with tokens of their own: every node, and the looks at the slots', async () => {
    const store = open(gates[0]?.port ?? 0, { parameters: '&cluster' });
    expect(await store.get(KEYS)).toEqual(MISSES);
    for (const gate of gates) expect(gate.tokens.length).toBe(gate.connections);
    expect(gates.map(({ connections }) => connections > 0)).toEqual([true, true, true]);
    expect(tokensOf().length).toBeGreaterThan(3); // the slots are looked at through connections of their own
  });

  test('authenticate again after 6 hours, all of them, on the connections that they have', async () => {
    const store = open(gates[0]?.port ?? 0, { parameters: '&cluster' });
    await store.get(KEYS);
    const before = gates.map(({ connections }) => connections);
    const presented = tokensOf().length;
    vi.setSystemTime(Date.now() + 6 * HOUR_MS);
    expect(await store.get(KEYS)).toEqual(MISSES);
    await vi.waitFor(() => expect(tokensOf().length).toBe(presented + 3));
    expect(gates.map(({ connections }) => connections)).toEqual(before);
  });

  test('authenticate again after all were ended, though every token of before is too old', async () => {
    const store = open(gates[0]?.port ?? 0, { parameters: '&cluster' });
    await store.get(KEYS);
    vi.setSystemTime(Date.now() + 13 * HOUR_MS);
    for (const gate of gates) gate.disconnectAll();
    await vi.waitFor(async () => expect(await store.get(KEYS)).toEqual(MISSES), 10_000);
  });
});

import { randomUUID } from 'node:crypto';
import { Decoder, type GlideClient } from '@valkey/valkey-glide';
import { Redis } from 'ioredis';
import { describe, expect, inject, test, vi } from 'vitest';
import { glideStore } from '../../src/store/glide/index.js';
import { openStore } from '../../src/store/open.js';
import { change, RULES, testStore } from '../contract/store-contract.js';
import { afterwards } from '../support/afterwards.js';
import { glideClient } from '../support/glide.js';
import { type RedisServer, startRedis, startRedisCluster } from '../support/redis.js';

for (const [name, url] of [
  ['Redis', inject('redisUrl')],
  ['Redis Cluster', inject('redisClusterUrl')],
] as const) {
  testStore(`${name}, by way of GLIDE`, async () => {
    const client = await glideClient(url);
    return { ...glideStore(client), close: async () => client.close() };
  });
}

const glideClientHere = async (...args: Parameters<typeof glideClient>) =>
  afterwards(await glideClient(...args), (client) => client.close());
const newServer = async (...args: string[]) =>
  afterwards(await startRedis({ args }), (server) => server.stop());
const adminOf = ({ port }: RedisServer) => afterwards(new Redis(port), (client) => client.disconnect());
const keys = (count: number) => Array.from({ length: count }, () => `glide:id=${randomUUID()}`);
const changes = (count: number) => keys(count).map((key) => change(key, 1));

/** A second later, without waiting for it. */
function aSecondLater(): void {
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_001);
}

describe('a server by way of GLIDE', () => {
  test('has what ioredis reads, and the other way round', async () => {
    const url = inject('redisUrl');
    const store = glideStore(await glideClientHere(url));
    const other = afterwards(openStore(url, 4_000), (each) => each.close());
    const [one, two] = keys(2) as [string, string];
    await store.apply([change(one, 1)], RULES);
    await other.apply([change(two, 2)], RULES);
    expect(await other.get([one])).toEqual(['"v1"']);
    expect(await store.get([two])).toEqual(['"v2"']);
    expect(await store.apply([change(two, 1)], RULES)).toEqual(['stale']);
  });

  test('is read as text by a client that decodes to bytes', async () => {
    const store = glideStore(await glideClientHere(inject('redisUrl'), { defaultDecoder: Decoder.Bytes }));
    const [one, two] = changes(2) as [ReturnType<typeof change>, ReturnType<typeof change>];
    expect(await store.apply([one, two], RULES)).toEqual(['written', 'written']);
    expect(await store.get([one.key])).toEqual(['"v1"']);
    expect(await store.get([one.key, two.key])).toEqual(['"v1"', '"v1"']);
  });

  test.each(['redisUrl', 'redisClusterUrl'] as const)('is told its scripts again (%s)', async (url) => {
    const store = glideStore(await glideClientHere(inject(url)));
    const flush = await glideClientHere(inject(url));
    await flush.scriptFlush();
    expect(await store.apply(changes(1), RULES)).toEqual(['written']);
    await flush.scriptFlush();
    const many = changes(300);
    expect(new Set(await store.apply(many, RULES))).toEqual(new Set(['written']));
    expect(new Set(await store.get(many.map(({ key }) => key)))).toEqual(new Set(['"v1"']));
  });

  test("has nothing at somebody else's key", async () => {
    const client = await glideClientHere(inject('redisUrl'));
    const [key] = keys(1) as [string];
    await client.lpush(key, ['list']);
    expect(await glideStore(client).get([key])).toEqual([undefined]);
  });

  test.each([
    ['READONLY', 'replicaof 127.0.0.1 1'],
    ['NOREPLICAS', 'config set min-replicas-to-write 1'],
    ["can't run", 'acl setuser default -set'],
  ])('that says %s refuses, which is no lost connection', async (word, command) => {
    const server = await newServer();
    const client = (await glideClientHere(server.url)) as GlideClient;
    await adminOf(server).call(...(command.split(' ') as [string, ...string[]]));
    const send = client.customCommand.bind(client);
    vi.spyOn(client, 'customCommand').mockImplementation(async (args, options) =>
      args[0] === 'INFO' ? 'role:master' : send(args, options),
    );
    const store = glideStore(client);
    const secret = change('glide:secret', 1, { value: '"do not tell"' });
    for (const asked of [[secret], [secret, change('glide:other', 1)]]) {
      const answers = await store.apply(asked, RULES);
      expect(answers).toHaveLength(asked.length);
      for (const answer of answers) {
        expect(answer).toMatchObject({ code: 'CACHE_UNAVAILABLE', answered: true });
        expect((answer as Error).message).toContain(word);
        expect((answer as Error).message).not.toContain('tell');
      }
    }
  });

  test('is not read from once it is a replica', async () => {
    const server = await newServer();
    const store = glideStore(await glideClientHere(server.url));
    const [one] = changes(1) as [ReturnType<typeof change>];
    await store.apply([one], RULES);
    const admin = adminOf(server);
    await admin.replicaof('127.0.0.1', 1);
    aSecondLater();
    expect(await store.get([one.key])).toMatchObject([
      { answered: false, message: expect.stringContaining('replica') },
    ]);
    await admin.replicaof('NO', 'ONE');
    await store.get([one.key]);
    expect(await store.get([one.key])).toEqual(['"v1"']);
  });

  test('that says nothing costs no more than the time there is, and is used again when it answers', async () => {
    const server = await newServer();
    const store = glideStore(await glideClientHere(server.url));
    const [one, two] = changes(2) as [ReturnType<typeof change>, ReturnType<typeof change>];
    await store.apply([one, two], RULES);
    await server.pause();
    for (const asked of [[one.key], [one.key, two.key]]) {
      const start = performance.now();
      const answers = await store.get(asked, { deadline: Date.now() + 50 });
      expect(performance.now() - start).toBeLessThan(500);
      for (const answer of answers) expect(answer).toMatchObject({ answered: false });
    }
    await server.resume();
    expect(await store.get([one.key, two.key])).toEqual(['"v1"', '"v1"']);
  });

  test('that is killed loses commands and their secrets to nobody, and is found again', async () => {
    const server = await newServer();
    const store = glideStore(await glideClientHere(server.url));
    await store.apply(changes(1), RULES);
    await server.kill();
    const answers = await store.apply(changes(200), RULES);
    for (const answer of answers)
      expect(answer).toMatchObject({ code: 'CACHE_UNAVAILABLE', answered: false });
    await server.restart();
    const again = async () => (await store.apply(changes(1), RULES))[0];
    await expect.poll(again, { timeout: 10_000 }).toBe('written');
  });

  test('of a client that was closed is said to be lost', async () => {
    const client = await glideClient(inject('redisUrl'));
    const store = glideStore(client);
    client.close();
    expect(await store.get(keys(1))).toMatchObject([
      { answered: false, message: expect.stringContaining('closed') },
    ]);
  });
});

describe('a cluster by way of GLIDE', () => {
  test('whose node is gone answers for the others, and for all once a replica took over', {
    timeout: 60_000,
  }, async () => {
    const cluster = afterwards(await startRedisCluster({ replicas: 1 }), (each) => each.stop());
    const store = glideStore(await glideClientHere(cluster.url));
    const before = changes(600);
    expect(new Set(await store.apply(before, RULES))).toEqual(new Set(['written']));
    await cluster.nodes[0]?.kill();
    const answers = await store.get(before.map(({ key }) => key));
    expect(answers.filter((answer) => answer === '"v1"').length).toBeGreaterThan(300);
    const failed = answers.filter((answer) => answer instanceof Error);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length + answers.filter((answer) => answer === '"v1"').length).toBe(600);

    const allWritten = async () =>
      (await store.apply(changes(600), RULES)).every((answer) => answer === 'written');
    await expect.poll(allWritten, { timeout: 30_000 }).toBe(true);
    expect(new Set(await store.get(before.map(({ key }) => key)))).toEqual(new Set(['"v1"']));
  });
});

test.each([[{}], [null], [undefined], ['redis://localhost']])('%o is no client of GLIDE', (client) => {
  expect(() => glideStore(client as never)).toThrow(/glideStore: expected a GlideClient/);
});

test('a client that is handed in as the cache itself is told what it needs', async () => {
  const client = await glideClientHere(inject('redisUrl'));
  expect(() => openStore(client as never, 4_000)).toThrow(
    /glideStore\(client\) of dynamodb-stream-cache\/glide/,
  );
});

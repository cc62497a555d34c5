import { createServer, type Server } from 'node:net';
import calculateSlot from 'cluster-key-slot';
import { Cluster, Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { decode } from '../../src/codec.js';
import type { StreamCacheConfig } from '../../src/options.js';
import type { Report } from '../../src/report.js';
import { NewStreamCacheHandler } from '../../src/stream/handler.js';
import { afterwards } from '../support/afterwards.js';
import { freePort } from '../support/machine.js';
import { startProxy, startSilentServer } from '../support/proxy.js';
import { event, loadEvent, record, sequenceNumber } from '../support/records.js';
import { type RedisCluster, startRedis, startRedisCluster } from '../support/redis.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const NONE_FAILED = { batchItemFailures: [] };

const newRedis = async (...args: string[]) =>
  afterwards(await startRedis({ args }), (server) => server.stop());
const newClient = (url: string) => afterwards(new Redis(url), (client) => client.disconnect());
const newProxy = async (port: number) => afterwards(await startProxy(port), (proxy) => proxy.close());

let reports: Report[];
function newHandler(cache: StreamCacheConfig['cache'], more: StreamCacheConfig = {}) {
  reports = [];
  return NewStreamCacheHandler({
    cache,
    logger: silent,
    onReport: (report) => reports.push(report),
    ...more,
  });
}

function outcomes(): string[] {
  return reports.flatMap((report) => (report.type === 'record' ? [report.outcome] : []));
}

async function loginsOf(client: Redis | Cluster, ...ids: string[]): Promise<unknown[]> {
  const texts = await Promise.all(ids.map((id) => client.get(`users:id=${id}`)));
  return texts.map((text) => decode(text ?? '')?.logins);
}

describe('Redis killed in the middle of a batch of 10,000', () => {
  test('the response names the right checkpoint, and redelivery makes the cache whole', async ({
    annotate,
  }) => {
    // Left to fsync by itself, it puts off what it has confirmed to write while a slow disk is busy.
    const server = await newRedis('--appendonly', 'yes', '--appendfsync', 'no');
    const proxy = await newProxy(server.port);
    const handler = newHandler(proxy.url);
    const batch = loadEvent(10_000);

    const invocation = handler(batch);
    while (proxy.bytes.toServer < 3_000_000) await new Promise(setImmediate);
    await server.kill('SIGKILL');
    const { batchItemFailures } = await invocation;

    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const checkpoint = batch.Records.findIndex(({ dynamodb }) => failed.has(dynamodb?.SequenceNumber ?? ''));
    await annotate(`${failed.size} of 10,000 failed, the checkpoint is at ${checkpoint}`);
    expect(checkpoint).toBeGreaterThan(0);
    expect(checkpoint).toBeLessThan(10_000);

    await server.restart();
    const client = newClient(server.url);
    const ids = batch.Records.map((_, index) => `user-${index}`);
    const images = ids.map((_, index) => ({ N: String(index + 1) }));
    expect(await loginsOf(client, ...ids.slice(0, checkpoint))).toEqual(images.slice(0, checkpoint));

    expect(await handler({ Records: batch.Records.slice(checkpoint) })).toEqual(NONE_FAILED);
    expect(await loginsOf(client, ...ids)).toEqual(images);
  });
});

describe('a cache that cannot be reached', () => {
  test.each<[name: string, url: () => Promise<string>]>([
    ['a refused port', async () => `redis://127.0.0.1:${await freePort()}`],
    ['a refused port in cluster mode', async () => `redis://127.0.0.1:${await freePort()}?cluster`],
    [
      'a socket that never answers',
      async () => afterwards(await startSilentServer(), (server) => server.close()).url,
    ],
    [
      'a cluster that never answers',
      async () => `${afterwards(await startSilentServer(), (server) => server.close()).url}?cluster`,
    ],
  ])('%s: the invocation returns its failures within 5 s', async (name, url) => {
    const handler = newHandler(await url());
    const start = performance.now();
    const { batchItemFailures } = await handler(loadEvent(1_000));
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(`${name}: ${batchItemFailures.length} failures after ${seconds.toFixed(2)} s\n`);
    expect(batchItemFailures).toHaveLength(1_000);
    expect(seconds).toBeLessThan(5);
  });
});

test('of a batch no more is encoded than can be on its way: the rest while the server works', async () => {
  const server = afterwards(await startSilentServer(), (it) => it.close());
  let encoded = 0;
  const value = () => {
    encoded += 1;
    return 'text';
  };
  const { batchItemFailures } = await newHandler(server.url, { value, writeTimeoutMs: 100 })(
    loadEvent(10_000),
  );
  expect(encoded).toBeLessThan(1_000);
  expect(batchItemFailures).toHaveLength(10_000);
});

test('a failure says what the connection says', async () => {
  const port = await freePort();
  await newHandler(`redis://:hunter2@127.0.0.1:${port}`)(event(record()));
  const error = reports.find((report) => report.type === 'record')?.error;
  expect(error?.message).toBe(
    `The cache cannot be reached. Its connection says: connect ECONNREFUSED 127.0.0.1:${port}.`,
  );
});

describe('a connection that breaks between invocations', () => {
  test.each(['reset', 'blackholeExisting'] as const)('(%s) does not cost the next one', async (fault) => {
    const server = await newRedis();
    const proxy = await newProxy(server.port);
    const handler = newHandler(proxy.url);
    await handler(event(record()));
    await proxy[fault]();
    expect(await handler(event(record({ number: 2 })))).toEqual(NONE_FAILED);
    expect(await loginsOf(newClient(server.url), '42')).toEqual([{ N: '2' }]);
  });

  test('for good fails the batch, and the first invocation after it is back succeeds', async () => {
    const server = await newRedis();
    const handler = newHandler(server.url);
    await handler(event(record()));
    await server.kill('SIGKILL');
    expect(await handler(event(record({ number: 2 })))).toEqual({
      batchItemFailures: [{ itemIdentifier: sequenceNumber(2) }],
    });
    await server.restart();
    expect(await handler(event(record({ number: 2 })))).toEqual(NONE_FAILED);
  });
});

test('commands of an invocation that timed out may land late: the newer image stays', async () => {
  const server = await newRedis();
  const proxy = await newProxy(server.port);
  const zombie = newHandler(proxy.url, { writeTimeoutMs: 300 });
  await zombie(event(record({ number: 1 })));

  proxy.stall();
  expect((await zombie(event(record({ number: 2 })))).batchItemFailures).toHaveLength(1);
  await newHandler(server.url)(event(record({ number: 3 })));
  await proxy.resume();

  const client = newClient(server.url);
  while ((await client.info('commandstats')).match(/cmdstat_evalsha:calls=(\d+)/)?.[1] === '2')
    await new Promise(setImmediate);
  expect(await loginsOf(client, '42')).toEqual([{ N: '3' }]);
});

describe('an error that the server replies', () => {
  test('scripts that were flushed are loaded again', async () => {
    const server = await newRedis();
    const handler = newHandler(server.url);
    await handler(event(record()));
    await newClient(server.url).script('FLUSH');
    expect(await handler(loadEvent(1_000))).toEqual(NONE_FAILED);
  });

  test('READONLY from a demoted primary fails the batch until there is a primary again', async () => {
    const server = await newRedis();
    const client = newClient(server.url);
    const handler = newHandler(server.url);
    await client.replicaof('127.0.0.1', String(await freePort()));
    expect((await handler(event(record()))).batchItemFailures).toHaveLength(1);
    await client.replicaof('NO', 'ONE');
    expect(await handler(event(record()))).toEqual(NONE_FAILED);
  });

  test.each([
    'LOADING Redis is loading the dataset in memory',
    'CLUSTERDOWN The cluster is down',
    'MASTERDOWN Link is down',
  ])('%s fails the batch', async (message) => {
    const server = afterwards(await errorServer(message), (listening) => listening.close());
    const { port } = server.address() as { port: number };
    expect((await newHandler(`redis://127.0.0.1:${port}`)(event(record()))).batchItemFailures).toHaveLength(
      1,
    );
  });

  test('a server that takes no more has the key deleted instead, and the batch goes on', async () => {
    const server = await newRedis('--maxmemory-policy', 'noeviction');
    const client = newClient(server.url);
    const handler = newHandler(server.url);
    await handler(event(record(), record({ id: '1', number: 2 })));
    await client.config('SET', 'maxmemory', '1');

    expect(
      await handler(
        event(
          record({ eventName: 'REMOVE', id: '1', number: 3 }),
          record({ eventName: 'MODIFY', number: 4 }),
          record({ id: 'new', number: 5 }),
        ),
      ),
    ).toEqual(NONE_FAILED);
    expect(outcomes().slice(2)).toEqual(['deleted', 'full', 'full']);
    expect(await client.keys('users:*')).toEqual([]);

    await client.config('SET', 'maxmemory', '0');
    await handler(event(record({ number: 1 })));
    expect(outcomes().at(-1)).toBe('stale'); // the guard was stored all the same
  });
});

describe('a cluster', () => {
  const ids = Array.from({ length: 300 }, (_, index) => `user-${index}`);
  const slotOf = (id: string) => calculateSlot(`users:id=${id}`);
  const newCluster = async () => afterwards(await startRedisCluster(), (cluster) => cluster.stop());
  const newClusterClient = ({ nodes: [node] }: RedisCluster) =>
    afterwards(new Cluster([{ host: '127.0.0.1', port: node?.port ?? 0 }]), (client) => client.disconnect());

  test('of which a node dies fails the records of that node and applies the others', async () => {
    const cluster = afterwards(
      await startRedisCluster({ args: ['--cluster-require-full-coverage', 'no'] }),
      (it) => it.stop(),
    );
    const handler = newHandler(cluster.url);
    await handler(loadEvent(300));
    await cluster.nodes[0]?.kill('SIGKILL');

    const { batchItemFailures } = await handler(loadEvent(300, (index) => ({ number: 1_000 + index })));

    const ofDeadNode = [...ids.entries()].filter(([, id]) => slotOf(id) <= 5460); // the first third of 16,384
    expect(batchItemFailures).toEqual(
      ofDeadNode.map(([index]) => ({ itemIdentifier: sequenceNumber(1_000 + index) })),
    );
    const alive = ids.filter((id) => slotOf(id) > 5460);
    const client = newClusterClient({ ...cluster, nodes: cluster.nodes.slice(1) });
    expect(await loginsOf(client, ...alive)).toEqual(
      alive.map((id) => ({ N: String(1_000 + ids.indexOf(id)) })),
    );
  });

  test('of which slots have moved since the last invocation takes every record', async () => {
    const cluster = await newCluster();
    const client = newClusterClient(cluster);
    const handler = newHandler(cluster.url);
    await handler(loadEvent(300));

    await Promise.all(cluster.nodes.map(({ url }) => newClient(url).flushall()));
    const moving = new Set(ids.map(slotOf).filter((slot) => slot <= 5460));
    const [source, target, third] = cluster.nodes.map(({ url }) => newClient(url)) as [Redis, Redis, Redis];
    const targetId = (await target.call('CLUSTER', 'MYID')) as string;
    for (const node of [target, source, third]) {
      await Promise.all([...moving].map((slot) => node.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId)));
    }

    expect(await handler(loadEvent(300, (index) => ({ number: 1_000 + index })))).toEqual(NONE_FAILED);
    expect(await loginsOf(client, ...ids)).toEqual(ids.map((_, index) => ({ N: String(1_000 + index) })));
  });

  test('of which a slot is on the move fails its records until it has arrived: Redis refuses two keys at once meanwhile', async () => {
    const cluster = await newCluster();
    const [source, target, third] = cluster.nodes.map(({ url }) => newClient(url)) as [Redis, Redis, Redis];
    const moving = ids.findIndex((id) => slotOf(id) <= 5460);
    const slot = slotOf(`user-${moving}`);
    const targetId = (await target.call('CLUSTER', 'MYID')) as string;
    await target.call(
      'CLUSTER',
      'SETSLOT',
      slot,
      'IMPORTING',
      (await source.call('CLUSTER', 'MYID')) as string,
    );
    await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);

    const handler = newHandler(cluster.url);
    expect(await handler(loadEvent(300))).toEqual({
      batchItemFailures: [{ itemIdentifier: sequenceNumber(moving + 1) }],
    });
    for (const node of [target, source, third]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
    expect(await handler(loadEvent(300))).toEqual(NONE_FAILED);
    expect(await target.call('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(2);
  });

  test('that is addressed as a single server fails, and says what to do', async () => {
    const cluster = afterwards(await startRedisCluster(), (it) => it.stop());
    const handler = newHandler(cluster.url.replace('?cluster', ''));
    expect((await handler(loadEvent(100))).batchItemFailures.length).toBeGreaterThan(0);
    expect(reports.find((report) => report.type === 'record' && report.error)).toMatchObject({
      error: expect.objectContaining({ message: expect.stringContaining('?cluster') }),
    });
  });
});

test("a client of the caller's is used, and neither closed nor reconfigured", async () => {
  const server = await newRedis();
  const client = newClient(server.url);
  const options = JSON.stringify(client.options);
  expect(await newHandler(client)(event(record()))).toEqual(NONE_FAILED);
  expect(await client.get('users:id=42')).toContain('Ada');
  expect(JSON.stringify(client.options)).toBe(options);
  expect(client.status).toBe('ready');
});

/** A server that replies one error to everything. */
function errorServer(message: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const commands = String(data).match(/\*\d+\r\n/g)?.length ?? 1;
      socket.write(`-${message}\r\n`.repeat(commands));
    });
    server.on('close', () => socket.destroy());
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

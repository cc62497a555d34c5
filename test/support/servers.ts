import { Redis } from 'ioredis';
import type { TestProject } from 'vitest/node';
import { startRedis, startRedisCluster } from './redis.js';

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string;
    redisClusterUrl: string;
  }
}

/** Vitest's globalSetup: one Redis and one Redis Cluster that every test file shares; `inject` their addresses. */
export default async function provideServers(project: TestProject): Promise<() => Promise<void>> {
  const [server, cluster] = await Promise.all([
    given('REDIS_URL') ?? startRedis(),
    given('REDIS_CLUSTER_URL') ?? startRedisCluster(),
  ]).catch(stopTheRun);

  project.provide('redisUrl', server.url);
  project.provide('redisClusterUrl', cluster.url);
  return async () => {
    await Promise.all([server.stop(), cluster.stop()]);
  };
}

/** A server named by the caller is used as it is and left running, but it must be there. */
function given(variable: 'REDIS_URL' | 'REDIS_CLUSTER_URL') {
  const url = process.env[variable];
  return url ? answering(url, variable) : undefined;
}

async function answering(url: string, variable: string) {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5_000 });
  let cause: Error | undefined;
  client.on('error', (error) => {
    cause = error;
  });
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    throw new Error(
      `The server that ${variable} names does not answer: ${(cause ?? (error as Error)).message}.`,
    );
  } finally {
    client.disconnect();
  }
  return { url, stop: async () => {} };
}

/** What is missing is said in the message; where we noticed is of no use to whoever reads it. */
function stopTheRun(error: Error): never {
  process.stderr.write(`\n${error.message}\n\n`);
  process.exit(1);
}

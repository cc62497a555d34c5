import type { DynamoDBStreamEvent } from 'aws-lambda';
import { Redis, type RedisOptions } from 'ioredis';

/** What every contender's client is made with: the options that the package's own connections have. */
export const CLIENT_OPTIONS = {
  connectTimeout: 1_500,
  socketTimeout: 1_500,
  maxRetriesPerRequest: 2,
  disableClientInfo: true,
} satisfies RedisOptions;

export const TTL_SECONDS = 3600;

/** Only what a baseline needs of a client: a `Redis` or a `Cluster`. */
export interface Setter {
  set(key: string, value: string, token: 'EX', seconds: number): Promise<unknown>;
}

/** *Sequential*: one SET after the other, as in the published samples. */
export async function sequential(redis: Setter, { Records }: DynamoDBStreamEvent): Promise<void> {
  for (const { dynamodb } of Records) {
    await redis.set(plainKey(dynamodb?.Keys?.id?.S), JSON.stringify(dynamodb?.NewImage), 'EX', TTL_SECONDS);
  }
}

/** *Sequential*, with a connection made for each invocation. */
export async function sequentialAnew(url: string, event: DynamoDBStreamEvent): Promise<void> {
  const redis = new Redis(url, CLIENT_OPTIONS);
  await sequential(redis, event);
  await redis.quit();
}

/**
 * *Plain pipeline*: all SETs at once through a client with `enableAutoPipelining`, the most that a careful user would
 * write. No guard.
 */
export async function plainPipeline(redis: Setter, { Records }: DynamoDBStreamEvent): Promise<void> {
  await Promise.all(
    Records.map(({ dynamodb }) =>
      redis.set(plainKey(dynamodb?.Keys?.id?.S), JSON.stringify(dynamodb?.NewImage), 'EX', TTL_SECONDS),
    ),
  );
}

export function plainKey(id: string | undefined): string {
  return `users:${id}`;
}

/** *Inline middleware*: GET and JSON.parse in an SDK middleware, the least that a read can cost inside the SDK. */
export function inlineMiddleware(redis: { get(key: string): Promise<string | null | undefined> }) {
  return {
    // biome-ignore lint/suspicious/noExplicitAny: the stack's types are the client's
    applyToStack(stack: any): void {
      stack.add(
        // biome-ignore lint/suspicious/noExplicitAny: as above
        (next: any, context: { commandName?: string }) => async (args: any) => {
          if (context.commandName !== 'GetItemCommand') return next(args);
          const text = await redis.get(plainKey(args.input.Key.id.S));
          if (text === null || text === undefined) return next(args);
          return { response: undefined, output: { $metadata: {}, Item: JSON.parse(text) } };
        },
        { name: 'inline', step: 'initialize', priority: 'low' },
      );
    },
  };
}

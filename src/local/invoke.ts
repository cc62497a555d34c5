import { randomUUID } from 'node:crypto';
import type { Context, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { StreamCacheError, toError } from '../errors.js';
import type { Clock } from './clock.js';

/** A function as Lambda invokes it for a DynamoDB stream. Callbacks are not supported. */
export type StreamHandler = (
  event: DynamoDBStreamEvent,
  context: Context,
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is what void is for.
) => Promise<DynamoDBBatchResponse | void>;

/** The function took longer than its timeout. What it still does in the background cannot be stopped here. */
export class FunctionTimeoutError extends StreamCacheError {
  constructor(requestId: string, timeoutInSeconds: number) {
    super(
      'FUNCTION_TIMEOUT',
      `RequestId: ${requestId} Error: Task timed out after ${timeoutInSeconds.toFixed(2)} seconds`,
    );
  }
}

export interface FunctionSettings {
  readonly handler: StreamHandler;
  readonly functionName: string;
  readonly timeoutInSeconds: number;
}

export interface Invocation {
  readonly requestId: string;
  readonly durationMs: number;
  /** What the function answered, as it comes out of JSON. */
  readonly response?: unknown;
  /** What it threw instead. */
  readonly error?: Error;
}

/**
 * Invokes a function with records as Lambda does: with an event of its own, a context whose time runs out, and its
 * response as JSON. A function that throws, answers something that is not JSON or takes too long has failed.
 */
export async function invoke(
  { handler, functionName, timeoutInSeconds }: FunctionSettings,
  records: readonly DynamoDBRecord[],
  functionArn: string,
  clock: Clock,
): Promise<Invocation> {
  const requestId = randomUUID();
  const began = clock.now();
  const deadline = began + timeoutInSeconds * 1000;
  const context = newContext({ functionName, functionArn, requestId, now: began }, () =>
    Math.max(0, deadline - clock.now()),
  );
  // A function may change its event; the next delivery must not see that.
  const event = structuredClone({ Records: records }) as DynamoDBStreamEvent;

  const answered = new AbortController();
  const timedOut = clock.sleep(timeoutInSeconds * 1000, answered.signal).then(() => {
    throw new FunctionTimeoutError(requestId, timeoutInSeconds);
  });
  // It loses the race in the end, always.
  timedOut.catch(() => {});
  const ended = () => ({ requestId, durationMs: clock.now() - began });
  try {
    const answer = await Promise.race([Promise.resolve().then(() => handler(event, context)), timedOut]);
    return { ...ended(), response: JSON.parse(JSON.stringify(answer ?? null)) };
  } catch (thrown) {
    return { ...ended(), error: toError(thrown) };
  } finally {
    answered.abort();
  }
}

function newContext(
  about: { functionName: string; functionArn: string; requestId: string; now: number },
  getRemainingTimeInMillis: () => number,
): Context {
  const day = new Date(about.now).toISOString().slice(0, 10).replaceAll('-', '/');
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: about.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: about.functionArn,
    memoryLimitInMB: '128',
    awsRequestId: about.requestId,
    logGroupName: `/aws/lambda/${about.functionName}`,
    logStreamName: `${day}/[$LATEST]${about.requestId.replaceAll('-', '')}`,
    getRemainingTimeInMillis,
    done: noCallbacks,
    fail: noCallbacks,
    succeed: noCallbacks,
  };
}

function noCallbacks(): never {
  throw new Error('This function is invoked without callbacks: let it return a promise instead.');
}

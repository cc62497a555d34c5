import type { Context, DynamoDBStreamEvent } from 'aws-lambda';
import { expect, test } from 'vitest';
import { FunctionTimeoutError, invoke, type StreamHandler } from '../../src/local/invoke.js';
import { streamRecord } from '../support/scripted-stream.js';
import { createVirtualClock } from '../support/virtual-clock.js';

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:users';
const records = [streamRecord('a', 1)];
const invoked = (handler: unknown, clock = createVirtualClock()) => {
  const settings = { handler: handler as StreamHandler, functionName: 'users', timeoutInSeconds: 3 };
  return clock.run(invoke(settings, records, ARN, clock));
};

test('a function gets an event of its own, whatever it does to it', async () => {
  const seen: DynamoDBStreamEvent[] = [];
  const handler = async (event: DynamoDBStreamEvent) => {
    seen.push(structuredClone(event));
    event.Records.length = 0;
  };
  await invoked(handler);
  await invoked(handler);
  expect(seen).toEqual([{ Records: records }, { Records: records }]);
});

test('a function is told who it is', async () => {
  let context: Context | undefined;
  const { requestId } = await invoked(async (_: unknown, given: Context) => {
    context = given;
  });
  expect(context).toMatchObject({
    functionName: 'users',
    functionVersion: '$LATEST',
    invokedFunctionArn: ARN,
    awsRequestId: requestId,
    logGroupName: '/aws/lambda/users',
  });
});

test('the time that a function has left runs out', async () => {
  const clock = createVirtualClock();
  const left: number[] = [];
  const never = new AbortController().signal;
  const { durationMs } = await invoked(async (_: unknown, context: Context) => {
    left.push(context.getRemainingTimeInMillis());
    await clock.sleep(2_999, never);
    left.push(context.getRemainingTimeInMillis());
  }, clock);
  expect(left).toEqual([3_000, 1]);
  expect(durationMs).toBe(2_999);
});

test('a function that takes too long has failed', async () => {
  const { error, requestId, durationMs } = await invoked(() => new Promise(() => {}));
  expect(error).toBeInstanceOf(FunctionTimeoutError);
  expect(error?.message).toBe(`RequestId: ${requestId} Error: Task timed out after 3.00 seconds`);
  expect(durationMs).toBe(3_000);
});

test('a function that answers in time leaves no timer', async () => {
  const clock = createVirtualClock();
  await invoked(async () => {}, clock);
  expect(clock.sleepers()).toBe(0);
});

test('what a function throws is its error, also when it throws at once or no error', async () => {
  const error = new Error('no');
  expect((await invoked(() => Promise.reject(error))).error).toBe(error);
  const thrower = () => {
    throw error;
  };
  expect((await invoked(thrower)).error).toBe(error);
  expect((await invoked(() => Promise.reject('no'))).error).toEqual(new Error('no'));
});

test('a response is what comes out of its JSON', async () => {
  expect((await invoked(async () => undefined)).response).toBeNull();
  const response = { batchItemFailures: [{ itemIdentifier: undefined }] };
  expect((await invoked(async () => response)).response).toEqual({ batchItemFailures: [{}] });
});

test('a response that is no JSON is an error', async () => {
  expect((await invoked(async () => ({ size: 1n }))).error?.message).toMatch(/BigInt/);
});

test('a function that answers through a callback is told what to do', async () => {
  const { error } = await invoked(async (_: unknown, context: Context) => context.succeed({}));
  expect(error?.message).toBe('This function is invoked without callbacks: let it return a promise instead.');
});

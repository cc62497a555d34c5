import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import type { AttributeMap } from '../../src/attributes.js';
import { record } from './records.js';
import {
  type Change,
  type Input,
  newTableData,
  Refusal,
  type Schemas,
  type TableData,
  wireForm,
} from './table-data.js';

/** A stand-in for DynamoDB behind a real `DynamoDBClient`, so that all of the SDK takes part but the network. */
export interface TableStub
  extends Pick<TableData, 'changes' | 'lag' | 'catchUp' | 'remake' | 'leaveUnprocessed'> {
  /** The requests that reached it. */
  readonly log: readonly StubRequest[];
  /** A client of it, which sends each request only once unless told otherwise. */
  client(maxAttempts?: number): DynamoDBClient;
  clientConfig(maxAttempts?: number): DynamoDBClientConfig;
  /** What reached it for one operation. */
  requests(operation: string): Input[];
  /** What another writer does, not through a client of ours. */
  put(item: AttributeMap, tableName?: string): Change;
  delete(key: AttributeMap, tableName?: string): Change;
  /** Holds the next request of an operation, `before` it is carried out or `after` it, until it is released. */
  hold(operation: string, when: 'before' | 'after'): Hold;
  /** The next request fails, although it was carried out if `carriedOut` says so. */
  fail(failure: Failure, carriedOut?: 'carriedOut'): void;
}

export type { Change, Input };

export interface StubRequest {
  readonly operation: string;
  readonly input: Input;
}

export interface Hold {
  /** Resolves when the request has come to where it is held. */
  readonly reached: Promise<void>;
  release(): void;
}

/** An answer of DynamoDB's, or what a connection does instead of answering. */
export type Failure = { readonly name: string; readonly status: number; readonly more?: object } | Error;

const answer = (name: string, status = 400, more: object = {}): Failure => ({ name, status, more });

export const FAILURES = {
  throttled: answer('ProvisionedThroughputExceededException'),
  validation: answer('ValidationException'),
  conditionFailed: answer('ConditionalCheckFailedException'),
  transactionCanceled: answer('TransactionCanceledException', 400, {
    CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
  }),
  transactionInProgress: answer('TransactionInProgressException'),
  internal: answer('InternalServerError', 500),
  timeout: Object.assign(new Error('Connection timed out'), { name: 'TimeoutError' }),
  socket: Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
} satisfies Record<string, Failure>;

/** The stream record of a change, as Lambda delivers it. */
export function recordOf({ tableName, at, ...change }: Change): DynamoDBRecord {
  const made = record({
    ...change,
    arn: `arn:aws:dynamodb:eu-west-1:123456789012:table/${tableName}/stream/2026-01-15T09:30:00.000`,
  });
  return {
    ...made,
    dynamodb: { ...made.dynamodb, ApproximateCreationDateTime: Math.floor(at / 1000) },
  };
}

export function newTableStub(schemas: Schemas = { users: ['id'] }, now: () => number = Date.now): TableStub {
  const data = newTableData(schemas, now);
  const log: StubRequest[] = [];
  const holds: { operation: string; when: string; reach(): void; released: Promise<void> }[] = [];
  const failures: { failure: Failure; carriedOut: boolean }[] = [];

  async function pause(operation: string, when: string, signal: AbortSignal | undefined): Promise<void> {
    const index = holds.findIndex((hold) => hold.operation === operation && hold.when === when);
    const [hold] = index < 0 ? [] : holds.splice(index, 1);
    hold?.reach();
    if (hold !== undefined) await unlessAborted(hold.released, signal);
  }

  async function respond(operation: string, input: Input, signal?: AbortSignal): Promise<Response> {
    log.push({ operation, input });
    await pause(operation, 'before', signal);
    const { failure, carriedOut = false } = failures.shift() ?? {};
    // Now, although the answer may be held: what changes meanwhile must not show in what was read.
    const body = failure === undefined || carriedOut ? data.carryOut(operation, input) : {};
    const response = { status: 200, body: JSON.stringify(body) };
    await pause(operation, 'after', signal);
    if (failure instanceof Error) throw failure;
    return failure === undefined ? response : errorResponse(failure);
  }

  async function handle(request: HttpRequest, { abortSignal }: { abortSignal?: AbortSignal } = {}) {
    await unlessAborted(Promise.resolve(), abortSignal);
    const operation = request.headers['x-amz-target']?.split('.')[1] ?? '';
    let answered: Response;
    try {
      answered = await respond(operation, JSON.parse(new TextDecoder().decode(request.body)), abortSignal);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      answered = errorResponse({ name: thrown.name, status: 400, more: { message: thrown.message } });
    }
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amzn-requestid': `request-${log.length}`,
    };
    const { status, body } = answered;
    return { response: { statusCode: status, headers, body: new TextEncoder().encode(body) } };
  }

  const clientConfig = (maxAttempts = 1): DynamoDBClientConfig => ({
    region: 'eu-west-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local', accountId: '123456789012' },
    maxAttempts,
    requestHandler: { handle } as never, // all that the SDK needs of one
  });

  return {
    ...data,
    log,
    clientConfig,
    requests: (wanted) => log.flatMap(({ operation, input }) => (operation === wanted ? [input] : [])),
    put: (item, tableName = 'users') => data.change(tableName, wireForm(item), wireForm(item)),
    delete: (key, tableName = 'users') => data.change(tableName, wireForm(key), undefined),
    hold(operation, when) {
      const reached = deferred();
      const released = deferred();
      holds.push({ operation, when, reach: reached.resolve, released: released.promise });
      return { reached: reached.promise, release: released.resolve };
    },
    fail(failure, carriedOut) {
      failures.push({ failure, carriedOut: carriedOut !== undefined });
    },
    client: (maxAttempts) => new DynamoDBClient(clientConfig(maxAttempts)),
  };
}

interface HttpRequest {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

interface Response {
  readonly status: number;
  readonly body: string;
}

function errorResponse({ name, status, more }: Exclude<Failure, Error>): Response {
  const __type = `com.amazonaws.dynamodb.v20120810#${name}`;
  return { status, body: JSON.stringify({ __type, message: `scripted ${name}`, ...more }) };
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function unlessAborted(promise: Promise<void>, signal?: AbortSignal): Promise<void> {
  const abort = () => {
    throw Object.assign(new Error('Request aborted'), { name: 'AbortError' });
  };
  if (signal?.aborted) abort();
  const aborted = deferred();
  signal?.addEventListener('abort', aborted.resolve, { once: true });
  await Promise.race([promise, aborted.promise.then(abort)]);
}

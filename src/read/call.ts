import type { AttributeMap } from '../attributes.js';
import type { Flights } from './flights.js';

/** What an operation is given of one SDK call. */
export interface Call<Input = Request> {
  /** The request as it was when the call was sent, in DynamoDB's own form, whatever client made the call. A read's is plain: nothing in it is `null` or an instance of a class. */
  readonly input: Input;
  readonly signal?: AbortSignal | undefined;
  /** Reads of the same client that are under way. */
  readonly flights: Flights;
  /**
   * Sends the call on to DynamoDB, and resolves with what DynamoDB said.
   *
   * @param edit changes the request, which is `input`
   */
  send(edit?: (input: Input) => Input): Promise<Response>;
  /** Sends another request beside what `send` sends: how it ends is not how the call ends. */
  ask(edit: (input: Input) => Input): Promise<Response>;
  /** It has been sent before, and `send` tells no more than how that ended. */
  readonly isSent?: boolean;
  /** After `send`: the request as the SDK serialised it, binary as base64 text, or `undefined` when it is not known. */
  serialised(): Request | undefined;
}

/** A request, as far as any operation looks at it. */
export interface Request {
  TableName?: string | undefined;
  ConsistentRead?: boolean | undefined;
  ProjectionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  AttributesToGet?: string[] | undefined;
  ReturnConsumedCapacity?: string | undefined;
  [member: string]: unknown;
}

/** A response, as far as any operation looks at it. */
export interface Response {
  $metadata?: object;
  Item?: AttributeMap;
  ConsumedCapacity?: unknown;
  [member: string]: unknown;
}

/**
 * Answers a call, or declines it with `undefined`: it is then sent on as if nobody had looked at it.
 */
export type Operation = (call: Call) => Promise<Response | undefined>;

/** Whether a read is strongly consistent, or says so in a form that is DynamoDB's to refuse: the table has to answer it. */
export function isStrong({ ConsistentRead }: Pick<Request, 'ConsistentRead'>): boolean {
  return (ConsistentRead ?? false) !== false;
}

/** A request without its projection: for whole items. */
export function wholeItems<T extends Request>(input: T): T {
  const { ProjectionExpression, ExpressionAttributeNames, AttributesToGet, ...whole } = input;
  return whole as T;
}

/** The name of a table that a request gives by name or ARN. */
export function tableNameOf(name: string): string {
  return /^arn:[^:]+:dynamodb:[^:]*:[^:]*:table\/([^/]+)$/.exec(name)?.[1] ?? name;
}

/** Waits for something that others wait for too, and leaves it to them when this call is aborted. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortError(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The error that the SDK itself gives for an aborted request. */
function abortError({ reason }: AbortSignal): Error {
  const isError = reason === undefined || reason instanceof Error;
  const error = isError ? new Error('Request aborted', { cause: reason }) : new Error(String(reason));
  return Object.assign(error, { name: 'AbortError', $metadata: { attempts: 1, totalRetryDelay: 0 } });
}

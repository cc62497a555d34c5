import { isDeepStrictEqual } from 'node:util';
import type { Call, Operation, Request, Response } from './call.js';
import type { Client } from './client.js';
import type { Documents } from './documents.js';
import { fixed } from './fixed.js';
import type { Others } from './others.js';
import { type Arguments, type Handler, PASSAGE, type Passage, type Result } from './passage.js';
import { placeOf } from './places.js';
import { isRequestIn, requestIn } from './serialised.js';

/** One call of a client, as it was when it was sent, and what there is to send it on with. */
export interface Sent {
  readonly args: Arguments;
  /** What it asks for, in DynamoDB's form. */
  readonly asked: Request;
  /** The same in the caller's form. */
  readonly input: Request;
  readonly isRead: boolean;
  readonly signal: AbortSignal | undefined;
  readonly client: Client;
  readonly documents: Documents | undefined;
  readonly others: Others;
  /** Sends it on to whatever comes next. */
  readonly next: Handler;
  /** Sends it on to what comes behind the translation; for calls that nobody else is to see before. */
  readonly rest: Handler;
}

/** What is to happen where a request is about to be sent. */
interface Errand {
  /** The answer that is known already. */
  readonly answer?: Response;
  /** Makes an answer of the response. */
  respond?(response: Response): Promise<Response>;
}

/**
 * Has an operation answer a call. Whatever it answers comes from where DynamoDB's response would come from, and goes to the
 * caller through all middlewares, unless there is nobody's but the SDK's to go through.
 */
export async function answered(sent: Sent, operation: Operation): Promise<Result> {
  const { asked, client, documents, isRead, others, signal } = sent;
  let result: Promise<Result> | undefined;
  let sends = 0;
  let body: unknown;
  let answer: Promise<Response | undefined>;

  const call: Call = {
    input: asked,
    signal,
    flights: client.flights,
    send: (edit = (request) => request) =>
      new Promise((resolve, reject) => {
        sends += 1;
        const order = sends;
        let isAnswered = false;
        const respond = async (response: Response) => {
          // Somebody has it sent again after all, such as a retry because of a middleware of the application's.
          if (isAnswered) answer = operation({ ...call, isSent: true, send: async () => response });
          isAnswered = true;
          resolve(response);
          const whole = (await answer) ?? response;
          // An answer of several requests goes through the middlewares with the last.
          return order === sends ? whole : ({ $metadata: response.$metadata } as Response);
        };
        result = send(sent, edit(asked), { respond }, (serialised) => {
          body = serialised;
        });
        result.then(() => reject(LEFT_ALONE), reject);
      }),
    ask: (edit) =>
      new Promise((resolve, reject) => {
        const respond = async (response: Response) => {
          resolve(response);
          return response;
        };
        send(sent, edit(asked), { respond }).then(() => reject(LEFT_ALONE), reject);
      }),
    serialised: () => requestIn(body),
  };
  answer = operation(call);

  let output: Response | undefined;
  try {
    output = await answer;
  } catch (error) {
    if (error !== LEFT_ALONE || result === undefined) throw error;
    return result;
  }
  if (result !== undefined) return isRead ? result : unlessItFailsAfterAll(result, operation, call);
  if (output === undefined) return sentOn(sent);
  if (others.areThere || !client.isHome) return passedBy(sent, output);
  return {
    response: undefined,
    output: documents ? ((await documents.fromResponse(output)) as Response) : output,
  };
}

/** Sends a call on as it is: as it was when it was sent. */
export function sentOn(sent: Sent): Promise<Result> {
  return send(sent, sent.asked, {});
}

/** What an operation's `send` ends with when nothing may be made of the result: it is the caller's as it is. */
const LEFT_ALONE = new Error('The call is left alone.');

/** Sends an answer from the cache past all that would see DynamoDB's. */
async function passedBy(sent: Sent, answer: Response): Promise<Result> {
  const { $metadata } = answer;
  const result = await send(sent, sent.asked, { answer: { ...answer, $metadata: { ...$metadata } } });
  // The SDK has counted an attempt.
  if (result.response === NO_RESPONSE && result.output?.$metadata) {
    Object.assign(result.output.$metadata, $metadata);
  }
  return result;
}

/** What stands for the HTTP response where there was none, for whoever looks at one. */
const NO_RESPONSE = { statusCode: 200, headers: {}, body: undefined };

/** A write that was answered and ends in an error all the same may have been sent again: it is voided again. */
async function unlessItFailsAfterAll(
  result: Promise<Result>,
  operation: Operation,
  call: Call,
): Promise<Result> {
  try {
    return await result;
  } catch (error) {
    await operation({ ...call, isSent: true, send: () => Promise.reject(error) });
    throw error;
  }
}

/**
 * Sends a request in the place of what a call asks for.
 *
 * @param onBody is told the body of what is sent
 */
async function send(
  sent: Sent,
  request: Request,
  errand: Errand,
  onBody: (body: unknown) => void = () => {},
): Promise<Result> {
  const { args, asked, client, input, isRead, next, others, rest } = sent;
  /** Somebody else has changed it before it was translated. */
  let isChanged = false;
  let undone: Error | undefined;

  const passage: Passage = {
    async translated(arrived) {
      isChanged = !(await isUnchanged(arrived.input, sent));
      return isChanged ? arrived : { ...arrived, input: request };
    },
    async sending(arrived, context, goOn) {
      const { body } = arrived.request;
      onBody(body);
      const isHome = client.arrives(placeOf(arrived.request, context));
      const isPlain = errand.answer === undefined && errand.respond === undefined;
      if (isRead && !isPlain) {
        const isSame = !others.areThere || (!isChanged && isRequestIn(body, request));
        if (!isSame) {
          client.leaveAlone(
            'changed-request',
            'A middleware of the client changes requests behind the caching one. Add it to the step initialize, so that it comes before.',
          );
        }
        if (!isSame || !isHome) {
          // What was made of the request for the cache's sake must not be sent for the caller's.
          if (request !== asked && !isChanged) {
            undone = new Error('The request is made anew.');
            throw undone;
          }
          return goOn();
        }
      }
      if (errand.answer !== undefined) return { response: NO_RESPONSE, output: errand.answer };
      const result = await goOn();
      if (errand.respond === undefined) return result;
      return { ...result, output: await errand.respond(result.output) };
    },
  };
  try {
    const handler = others.areThere ? next : rest;
    return await handler({ ...args, input: others.areThere ? input : request, [PASSAGE]: passage });
  } catch (error) {
    if (undone === undefined || error !== undone) throw error;
    return sentOn(sent);
  }
}

/** Whether an input has come through the middlewares of others as it was. */
async function isUnchanged(input: Request, { asked, documents }: Sent): Promise<boolean> {
  try {
    if (isDeepStrictEqual(fixed(input).request, asked)) return true;
  } catch {
    return false;
  }
  // lib-dynamodb below 3.782 takes what the command holds now, whatever it is given.
  const probe = { TableName: 'none' };
  const translated = (await documents?.toRequest(probe)) as Request | undefined;
  return translated !== undefined && translated.TableName !== probe.TableName;
}

import type { Request, Response } from './call.js';
import { MARSHALL, UNMARSHALL } from './documents.js';
import { OURS } from './others.js';
import { noteSent } from './sent-calls.js';

export interface Arguments {
  readonly input: Request;
  /** Once it is serialised. */
  readonly request?: HttpRequest;
  readonly [PASSAGE]?: Passage;
}

/** What the SDK sends, as far as anything here looks at it. */
export interface HttpRequest {
  readonly protocol?: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Result {
  readonly response: unknown;
  readonly output: Response;
}
export type Handler = (args: Arguments) => Promise<Result>;

/**
 * What a call takes along through the SDK's stack, to be met at the two places where there is something to do. It
 * travels in the arguments, since a client with `cacheMiddleware` has one context for many calls; whatever spreads them,
 * as the SDK does, keeps it.
 */
export interface Passage {
  /** Where the input is in DynamoDB's form, whatever client made the call, and not serialised yet. */
  translated(args: Arguments): Arguments | Promise<Arguments>;
  /** Where the request is about to be sent, and its response is what DynamoDB said. */
  sending(
    args: Arguments & { readonly request: HttpRequest },
    context: object,
    send: () => Promise<Result>,
  ): Promise<Result>;
}

export const PASSAGE: unique symbol = Symbol('dynamodb-stream-cache');

/** Where the stack of a call goes on behind the translation, by its context. */
const behindTranslation = new WeakMap<object, Handler>();

/** The rest of a call's stack behind the translation. */
export function restOf(context: object): Handler | undefined {
  return behindTranslation.get(context);
}

/** Adds the two places to a stack. */
// biome-ignore lint/suspicious/noExplicitAny: each client has a stack of its own input and output types
export function addPlaces(stack: any): void {
  // A document client puts its translations in the place of these two, so that ours see a request behind it and a
  // response before it.
  const marshall = { relation: 'before', toMiddleware: 'serializerMiddleware' };
  const unmarshall = { relation: 'before', toMiddleware: 'deserializerMiddleware' };
  stack.addRelativeTo(nothing, { name: MARSHALL, override: true, ...marshall });
  stack.addRelativeTo(nothing, { name: UNMARSHALL, override: true, ...unmarshall });
  const add = (middleware: unknown, name: string, toMiddleware: string) =>
    stack.addRelativeTo(middleware, { name, override: true, relation: 'after', toMiddleware });
  add(translated, `${OURS}Request`, MARSHALL);
  add(sending, `${OURS}Response`, UNMARSHALL);
}

function nothing(next: Handler): Handler {
  return next;
}

function translated(next: Handler, context: object): Handler {
  behindTranslation.set(context, next);
  return async (args) => next((await args[PASSAGE]?.translated(args)) ?? args);
}

function sending(next: Handler, context: object): Handler {
  return (args) => {
    const { [PASSAGE]: passage, request } = args;
    noteSent(request?.headers);
    return passage === undefined || request === undefined
      ? next(args)
      : passage.sending({ ...args, request }, context, () => next(args));
  };
}

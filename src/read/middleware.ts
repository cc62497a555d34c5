import { resolveConfig, type Settings } from '../config.js';
import { ConfigError } from '../errors.js';
import type { StreamCacheConfig } from '../options.js';
import { processWide } from '../process-wide.js';
import { answered, type Sent, sentOn } from './answered.js';
import { batchGetItem } from './batch-get-item.js';
import type { Operation, Request } from './call.js';
import { type Client, newClient, newSay, type Say } from './client.js';
import { type Documents, documentsOf } from './documents.js';
import { type Fixed, fixed } from './fixed.js';
import { getItem } from './get-item.js';
import { type Others, OURS, othersAmong, UNKNOWN_OTHERS } from './others.js';
import { addPlaces, type Handler, restOf } from './passage.js';
import { query, scan } from './query.js';
import { newReader, type Reader } from './reader.js';
import { newPermit, type ReadName } from './shadow.js';
import { entriesOf, type Stack } from './stack.js';
import { batchWriteItem, deleteItem, putItem, transactWriteItems, updateItem } from './writes.js';

/** What `middlewareStack.use` takes. */
export interface CachingMiddleware {
  /** @throws ConfigError when the stack has another one already */
  // biome-ignore lint/suspicious/noExplicitAny: each client has a stack of its own input and output types
  applyToStack(stack: any): void;
  /** Ends the connections that the middleware opened, for processes that end. A call opens them again. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the SDK tells a middleware of the call that it is in. With `cacheMiddleware`, of the first call of a command. */
interface Context {
  readonly commandName?: string;
  readonly logger?: { readonly constructor?: { readonly name?: string } };
  inputFilterSensitiveLog?: unknown;
  outputFilterSensitiveLog?: unknown;
  readonly __smithy_context?: {
    readonly commandInstance?: { readonly middlewareStack: Stack };
    readonly abortSignal?: AbortSignal;
  };
}

const OLD_SDK =
  'It neither answers reads nor sees writes of a client below version 3.575.0. Update @aws-sdk/client-dynamodb and @aws-sdk/lib-dynamodb.';

/** Which middleware the first of ours on a stack belongs to: the SDK copies stacks, and what it copies is this. */
function owners(): WeakMap<object, CachingMiddleware> {
  return processWide('owners', () => new WeakMap());
}

/**
 * Makes an AWS SDK v3 middleware that answers DynamoDB reads from the cache that {@link NewStreamCacheHandler} keeps true,
 * and fills it where it has nothing. Works on a `DynamoDBClient` and on a `DynamoDBDocumentClient` made from it.
 *
 * @example client.middlewareStack.use(NewCachingMiddleware({ cache: 'rediss://cache.example.com', tables: ['users'] }));
 * @throws ConfigError when an option is unknown, missing or contradicts another. Calls fail only as they would without a cache.
 */
export function NewCachingMiddleware(config: StreamCacheConfig = {}): CachingMiddleware {
  return newCachingMiddleware(resolveConfig(config));
}

/**
 * @param auto given where clients get it by themselves: one that is given another keeps that; `required`: one that is too old fails,
 * instead of a line in the log that says so
 */
export function newCachingMiddleware(settings: Settings, auto?: 'on' | 'required'): CachingMiddleware {
  const reader = newReader(settings);
  const operations = operationsOf(reader, settings);
  const say = newSay(settings);
  const close = () => settings.store.close();
  const self: CachingMiddleware = {
    close,
    [Symbol.asyncDispose]: close,
    applyToStack(stack) {
      refuseAnother(stack, self);
      const first = answering(operations, newClient(settings, reader, say), stack, say, auto === 'required');
      if (auto === undefined) owners().set(first, self);
      stack.add(first, { name: OURS, step: 'initialize', priority: 'low', override: true });
      addPlaces(stack);
    },
  };
  return self;
}

function refuseAnother(stack: Stack, self: CachingMiddleware): void {
  const there = entriesOf(stack).find(({ name }) => name === OURS)?.middleware;
  const owner = there === undefined ? undefined : owners().get(there as object);
  if (owner === undefined || owner === self) return;
  throw new ConfigError(
    `A client can have one caching middleware, and this one has another already. Use one for all its tables, or take that one out first: client.middlewareStack.remove('${OURS}').`,
  );
}

interface Answering {
  readonly operation: Operation;
  readonly isRead: boolean;
}

function operationsOf(reader: Reader, settings: Settings): Map<string | undefined, Answering> {
  const permit = newPermit(reader, settings);
  const read = (name: ReadName, operation: Operation): Answering => ({
    operation: permit(name, operation),
    isRead: true,
  });
  const write = (operation: Operation): Answering => ({ operation, isRead: false });
  return new Map([
    ['GetItemCommand', read('GetItem', getItem(reader))],
    ['BatchGetItemCommand', read('BatchGetItem', batchGetItem(reader))],
    ['QueryCommand', read('Query', query(reader))],
    ['ScanCommand', read('Scan', scan(reader))],
    ['PutItemCommand', write(putItem(reader))],
    ['UpdateItemCommand', write(updateItem(reader))],
    ['DeleteItemCommand', write(deleteItem(reader))],
    ['BatchWriteItemCommand', write(batchWriteItem(reader))],
    ['TransactWriteItemsCommand', write(transactWriteItems(reader))],
  ]);
}

/** Where the calls of a client come first. */
function answering(
  operations: ReturnType<typeof operationsOf>,
  client: Client,
  stack: Stack,
  say: Say,
  isRequired: boolean,
) {
  return (next: Handler, context: Context): Handler => {
    const answering = operations.get(context.commandName);
    if (answering === undefined) return next;
    const { operation, isRead } = answering;
    const { commandInstance, abortSignal: signal } = context.__smithy_context ?? {};
    const rest = restOf(context);
    if (commandInstance === undefined || rest === undefined) {
      say('old-sdk', OLD_SDK);
      if (isRequired)
        throw new ConfigError(`The caching middleware is required, and does nothing here. ${OLD_SDK}`);
      return next;
    }
    spareUnusedLog(context);
    const { documents, others } = surroundingsOf(stack, commandInstance.middlewareStack, context);
    if (isRead && others.innermost !== undefined) {
      say(
        'inner-middleware',
        `The middleware ${others.innermost} of the client stands where no hit passes it. Add it before the caching middleware, to another step, or to the step deserialize with priority high.`,
      );
      return next;
    }

    return async (args) => {
      if (signal?.aborted || (isRead && client.isLeftAlone)) return next(args);
      const now = requestOf(args.input, documents);
      const request = now instanceof Promise ? await now : now;
      if (request === undefined || (isRead && !request.isPlain)) return next(args);

      const asked = request.request;
      const input = others.areThere ? copyOf(args.input) : args.input;
      const sent: Sent = { args, asked, input, isRead, signal, client, documents, others, next, rest };
      const knows = isRead ? client.knows(asked) : 'yes';
      if (knows === 'yes') return answered(sent, operation);
      const result = await sentOn(sent);
      if (knows === 'unproven') client.prove(asked);
      return result;
    };
  };
}

/** The translation that a command brings along, and who else stands behind us. What cannot be looked at may be anything. */
function surroundingsOf(
  ofClient: Stack,
  ofCommand: Stack,
  context: Context,
): { documents: Documents | undefined; others: Others } {
  const ofItsOwn = entriesOf(ofCommand);
  const documents = documentsOf(ofItsOwn, context);
  try {
    return { documents, others: othersAmong(entriesOf(ofClient, ofItsOwn)) };
  } catch {
    return { documents, others: UNKNOWN_OTHERS };
  }
}

/** An input as it is now, in DynamoDB's form; `undefined` when the SDK has to say what is wrong with it. */
function requestOf(
  input: Request,
  documents: Documents | undefined,
): Fixed | undefined | Promise<Fixed | undefined> {
  if (documents === undefined) return fixedOrLive(input);
  const request = documents.toRequest(input);
  return request instanceof Promise ? request.then(fixedOrLive, () => undefined) : fixedOrLive(request);
}

/** A write is voided also when nothing can be copied of it. */
function fixedOrLive(input: unknown): Fixed {
  try {
    return fixed(input);
  } catch {
    return { request: input as Request, isPlain: false };
  }
}

function copyOf(input: Request): Request {
  return fixedOrLive(input).request;
}

/**
 * A client without a logger has one that does nothing, and all the same makes a copy of each input and output for it,
 * less what is sensitive: that costs more than all else that is done for a hit, and half of a BatchGetItem.
 */
function spareUnusedLog(context: Context): void {
  try {
    if (context.logger?.constructor?.name !== 'NoOpLogger') return;
    context.inputFilterSensitiveLog = unfiltered;
    context.outputFilterSensitiveLog = unfiltered;
  } catch {
    // A logger of the application's may be any object.
  }
}

function unfiltered<T>(logged: T): T {
  return logged;
}

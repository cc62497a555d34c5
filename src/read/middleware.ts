import { resolveConfig, type StreamCacheConfig } from '../config.js';
import { batchGetItem } from './batch-get-item.js';
import type { Operation, Request, Response } from './call.js';
import { type CommandLike, documentsOf, UNMARSHALL } from './documents.js';
import { getItem } from './get-item.js';
import { query, scan } from './query.js';
import { newReader, type Reader } from './reader.js';
import { batchWriteItem, transactWriteItems, writeItem } from './writes.js';

/** What `middlewareStack.use` takes. */
export interface CachingMiddleware {
  // biome-ignore lint/suspicious/noExplicitAny: each client has a stack of its own input and output types
  applyToStack(stack: any): void;
}

interface Arguments {
  readonly input: Request;
}
interface Result {
  readonly response: unknown;
  readonly output: Response;
}
type Handler = (args: Arguments) => Promise<Result>;

/** What the SDK tells a middleware of the call that it is in. With `cacheMiddleware`, of the first call of a command. */
interface Context {
  readonly commandName?: string;
  readonly logger?: object;
  inputFilterSensitiveLog?: unknown;
  outputFilterSensitiveLog?: unknown;
  readonly __smithy_context?: { readonly commandInstance?: CommandLike; readonly abortSignal?: AbortSignal };
}

/**
 * Makes an AWS SDK v3 middleware that answers DynamoDB reads from the cache that {@link NewStreamCacheHandler} keeps true,
 * and fills it where it has nothing. Works on a `DynamoDBClient` and on a `DynamoDBDocumentClient` made from it.
 *
 * @example client.middlewareStack.use(NewCachingMiddleware({ cache: 'rediss://cache.example.com', tables: ['users'] }));
 * @throws ConfigError when an option is unknown, missing or contradicts another. Calls fail only as they would without a cache.
 */
export function NewCachingMiddleware(config: StreamCacheConfig = {}): CachingMiddleware {
  const operations = operationsOf(newReader(resolveConfig(config)));
  return {
    applyToStack(stack) {
      stack.add(answering(operations), {
        name: 'dynamodbStreamCache',
        step: 'initialize',
        priority: 'low',
        override: true,
      });
      // A document client puts its translation in the place of the first of these, so that the second sees a response
      // as DynamoDB gave it, whatever form the caller gets.
      const unmarshall = { relation: 'before', toMiddleware: 'deserializerMiddleware' };
      stack.addRelativeTo((next: Handler) => next, { name: UNMARSHALL, override: true, ...unmarshall });
      stack.addRelativeTo(noting, {
        name: 'dynamodbStreamCacheResponse',
        override: true,
        relation: 'after',
        toMiddleware: UNMARSHALL,
      });
    },
  };
}

function operationsOf(reader: Reader): Map<string | undefined, Operation> {
  return new Map([
    ['GetItemCommand', getItem(reader)],
    ['BatchGetItemCommand', batchGetItem(reader)],
    ['QueryCommand', query(reader)],
    ['ScanCommand', scan(reader)],
    ['PutItemCommand', writeItem(reader)],
    ['UpdateItemCommand', writeItem(reader)],
    ['DeleteItemCommand', writeItem(reader)],
    ['BatchWriteItemCommand', batchWriteItem(reader)],
    ['TransactWriteItemsCommand', transactWriteItems(reader)],
  ]);
}

/** Responses as DynamoDB gave them, by the context of each call of a document client that waits for one. */
const responses = new WeakMap<object, Response | undefined>();

/**
 * Keeps a response that is waited for, before a document client translates it. Nothing is left to translate then: whole
 * items may have what cannot be translated, where the caller asks for a part that can.
 */
function noting(next: Handler, context: object): Handler {
  return async (args) => {
    const result = await next(args);
    if (!responses.has(context)) return result;
    responses.set(context, result.output);
    return { ...result, output: { $metadata: result.output.$metadata ?? {} } };
  };
}

function answering(operations: ReturnType<typeof operationsOf>) {
  return (next: Handler, context: Context): Handler => {
    const operation = operations.get(context.commandName);
    const { commandInstance, abortSignal } = context.__smithy_context ?? {};
    if (operation === undefined || commandInstance === undefined) return next;
    spareUnusedLog(context);
    const documents = documentsOf(commandInstance, context);

    return async (args) => {
      if (abortSignal?.aborted) return next(args);
      const input = documents ? await documents.toRequest(args.input) : args.input;

      let response: unknown;
      const output = await operation({
        input: input as Request,
        signal: abortSignal,
        async send(edit = (request) => request) {
          if (documents) responses.set(context, undefined);
          try {
            const result = await next({ ...args, input: edit(args.input) });
            response = result.response;
            return responses.get(context) ?? result.output;
          } finally {
            responses.delete(context);
          }
        },
      });
      if (output === undefined) return next(args);
      return { response, output: documents ? ((await documents.fromResponse(output)) as Response) : output };
    };
  };
}

/**
 * A client without a logger has one that does nothing, and all the same makes a copy of each input and output for it,
 * less what is sensitive: that costs more than all else that is done for a hit, and half of a BatchGetItem.
 */
function spareUnusedLog(context: Context): void {
  if (context.logger?.constructor.name !== 'NoOpLogger') return;
  context.inputFilterSensitiveLog = unfiltered;
  context.outputFilterSensitiveLog = unfiltered;
}

function unfiltered<T>(logged: T): T {
  return logged;
}

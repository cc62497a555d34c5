import { defaultLogger, resolveConfig } from '../config.js';
import { type Auto, environmentAuto, environmentUrl } from '../environment.js';
import { newCachingMiddleware } from '../read/middleware.js';
import { OURS } from '../read/others.js';
import { entriesOf, type Stack } from '../read/stack.js';
import { type Attach, attachBeforeCalls, type ClientClass } from './client-class.js';
import { type Kinds, kindOfCache } from './kinds.js';
import { leniently } from './leniently.js';
import { strictly } from './strictly.js';

/** What `@aws-sdk/client-dynamodb` and `@aws-sdk/lib-dynamodb` have of classes that all their clients are of. */
export interface Sdk {
  readonly DynamoDBClient?: ClientClass | undefined;
  readonly DynamoDBDocumentClient?: ClientClass | undefined;
}

/**
 * Lets the clients of a copy of the SDK have the middleware: each gets it at its first call.
 *
 * @throws ConfigError when the environment is wrong
 */
export type Adopt = (sdk: Sdk) => void;

/**
 * Gives the clients of DynamoDB of a process one middleware for all, as the environment configures it.
 *
 * @throws ConfigError when `STREAM_CACHE_AUTO` is wrong
 */
export function newAdopt(kinds: Kinds): Adopt {
  const auto = environmentAuto();
  if (auto === 'off') return () => {};
  if (environmentUrl() === '' && auto !== 'required') return newWarning();
  const asAsked = auto === 'required' ? strictly() : leniently();
  let attach: Attach | undefined;
  return ({ DynamoDBClient, DynamoDBDocumentClient }) => {
    // Not before there is an SDK: a process that has none needs no cache.
    attach ??= asAsked(newAttach(kinds, auto));
    if (DynamoDBClient) attachBeforeCalls(DynamoDBClient, attach);
    if (DynamoDBDocumentClient) attachBeforeCalls(DynamoDBDocumentClient, attach);
  };
}

function newWarning(): Adopt {
  let isSaid = false;
  return () => {
    if (isSaid) return;
    isSaid = true;
    defaultLogger().warn('DynamoDB is read without a cache', {
      remedy: 'Set STREAM_CACHE_URL to the URL of your cache, or STREAM_CACHE_AUTO to off.',
    });
  };
}

/** One middleware for all stacks that have none. The first time it says so. */
function newAttach(kinds: Kinds, auto: Exclude<Auto, 'off'>): Attach {
  const settings = resolveConfig(kindOfCache(kinds));
  const middleware = newCachingMiddleware(settings, auto);
  const known = new WeakSet<Stack>();
  let isSaid = false;

  function say(): void {
    if (isSaid) return;
    isSaid = true;
    const { logger, report, reader, tableNames } = settings;
    const names = tableNames && [...tableNames];
    report({ type: 'attached', tableNames: names });
    logger.info('DynamoDB is read through the cache', { tables: names ?? 'all', reader });
  }

  return (stack) => {
    if (known.has(stack)) return;
    if (!entriesOf(stack).some(({ name }) => name === OURS)) middleware.applyToStack(stack);
    known.add(stack);
    say();
  };
}

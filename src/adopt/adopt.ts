import { defaultLogger, resolveConfig } from '../config.js';
import { environmentAuto, environmentUrl } from '../environment.js';
import { newCachingMiddleware } from '../read/middleware.js';
import { OURS } from '../read/others.js';
import { entriesOf, type Stack } from '../read/stack.js';
import type { Attach } from './client-class.js';
import { type AroundCall, aroundCalls, type ClientClass } from './client-class.js';
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
  const isRequired = auto === 'required';
  if (auto === 'off') return () => {};
  if (environmentUrl() === '' && !isRequired) return newWarning();
  const around = isRequired ? strictly() : leniently();
  let aroundCall: AroundCall | undefined;
  return ({ DynamoDBClient, DynamoDBDocumentClient }) => {
    // Not before there is an SDK: a process that has none needs no cache.
    aroundCall ??= around(newAttach(kinds, isRequired));
    if (DynamoDBClient) aroundCalls(DynamoDBClient, aroundCall);
    if (DynamoDBDocumentClient) aroundCalls(DynamoDBDocumentClient, aroundCall);
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

/** Says so the first time. */
function newAttach(kinds: Kinds, isRequired: boolean): Attach {
  const settings = resolveConfig(kindOfCache(kinds));
  const middleware = newCachingMiddleware(settings, isRequired ? 'required' : 'on');
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

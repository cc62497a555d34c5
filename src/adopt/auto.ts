/**
 * `node --import dynamodb-stream-cache/auto app.js`: all clients of DynamoDB in an application that is not bundled read
 * through the cache that the environment names.
 */
import { otherCache, wantsIam } from '../environment.js';
import { newAdopt } from './adopt.js';
import type { Kinds } from './kinds.js';
import { onLoadOf } from './loads.js';

const { memcached, momento } = otherCache();
const kinds: Kinds = {
  ...(wantsIam() && (await import('../iam/index.js'))),
  ...(memcached && (await import('../store/memcached/index.js'))),
  ...(momento && (await import('../store/momento/index.js'))),
};

onLoadOf(['@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb'], newAdopt(kinds));

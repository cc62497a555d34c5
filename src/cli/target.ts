import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { resolveConfig } from '../config.js';
import { otherCache, wantsIam } from '../environment.js';
import { toError } from '../errors.js';
import type { StreamCacheLogger } from '../options.js';
import type { CacheStore } from '../store/store.js';
import { NewStreamCacheHandler, type StreamCacheHandler } from '../stream/handler.js';
import { CommandError } from './command-error.js';

/** What is invoked. */
export interface Target {
  readonly handler: StreamCacheHandler;
  /** The cache's URL, without its password. */
  readonly cache: string;
  /** The same cache, to look into. Absent when it is in the memory of a bundle, where only the bundle reaches it. */
  readonly store?: CacheStore | undefined;
}

/** What the commands that invoke a handler are told about it. */
export interface TargetOptions {
  readonly cache?: string | undefined;
  readonly mode?: string | undefined;
  readonly namespace?: string | undefined;
  /** A built bundle to invoke instead of the handler of this package. */
  readonly handler?: string | undefined;
  readonly verbose: boolean;
}

/**
 * The handler that the options ask for. They reach it through the environment, as those of a deployed function do.
 *
 * @param given the cache to use in place of that of the URL, for a handler that is no bundle
 * @throws CommandError when an option or variable is wrong, or the file of `--handler` has no handler
 */
export async function openTarget(
  command: string,
  options: TargetOptions,
  given?: CacheStore,
): Promise<Target> {
  const url = options.cache || process.env.STREAM_CACHE_URL || 'memory:';
  setEnvironment({
    STREAM_CACHE_URL: url,
    STREAM_CACHE_MODE: options.mode,
    STREAM_CACHE_NAMESPACE: options.namespace,
  });
  const logger = options.verbose ? stderrLogger : silentLogger;
  const store = given ?? (await configuredStore(command, logger));
  const cache = withoutPassword(url);

  if (options.handler === undefined) {
    return { handler: NewStreamCacheHandler({ cache: store, logger }), cache, store };
  }
  const handler = await importHandler(command, options.handler, options.verbose);
  return { handler, cache, store: url === 'memory:' ? undefined : store };
}

async function importHandler(command: string, file: string, verbose: boolean): Promise<StreamCacheHandler> {
  setEnvironment({ POWERTOOLS_LOG_LEVEL: verbose ? 'DEBUG' : 'SILENT' });
  // Standard output is for the result alone; whatever else a bundle prints is its log.
  process.stdout.write = process.stderr.write.bind(process.stderr);

  const fail = (why: string, cause?: unknown) =>
    new CommandError(`stream-cache ${command}: cannot load the handler ${file}: ${why}`, { cause });
  if (!existsSync(file)) throw fail('there is no such file. Give the bundle that was built.');
  const module = await import(pathToFileURL(resolve(file)).href).catch((cause: unknown) => {
    throw fail(`${toError(cause).message} (See where with --verbose.)`, cause);
  });
  const handler = module.handler ?? module.default?.handler;
  if (typeof handler !== 'function') {
    throw fail('it exports no function named handler. Give the bundle that was built.');
  }
  return handler;
}

function setEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined) process.env[name] = value;
  }
}

async function configuredStore(command: string, logger: StreamCacheLogger): Promise<CacheStore> {
  try {
    const iam = wantsIam() ? (await import('../iam/index.js')).iamAuthentication() : undefined;
    const { memcached, momento } = otherCache();
    const cache =
      (memcached && (await import('../store/memcached/index.js')).memcachedStore(memcached)) ||
      (momento && (await import('../store/momento/index.js')).momentoStore(momento));
    return resolveConfig({ logger, cache, iam }).store;
  } catch (cause) {
    throw new CommandError(`stream-cache ${command}: ${toError(cause).message}`, { cause });
  }
}

function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return text.replace(/\/\/.*@/, '//***@'); // several hosts
  const url = new URL(text);
  if (url.password) url.password = '***';
  return url.href;
}

const silentLogger: StreamCacheLogger = { debug() {}, info() {}, warn() {}, error() {} };

const stderrLogger: StreamCacheLogger = {
  debug: (message, details) => console.error('DEBUG', message, details),
  info: (message, details) => console.error('INFO', message, details),
  warn: (message, details) => console.error('WARN', message, details),
  error: (message, details) => console.error('ERROR', message, details),
};

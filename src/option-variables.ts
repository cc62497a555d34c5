import { ConfigError } from './errors.js';
import type { StreamCacheConfig } from './options.js';

/** The environment's name of an option, and how its text becomes the option's value. */
const ENVIRONMENT = {
  STREAM_CACHE_URL: ['cache', String],
  STREAM_CACHE_NAMESPACE: ['namespace', String],
  STREAM_CACHE_TABLE_NAME: ['tableName', String],
  STREAM_CACHE_TABLES: ['tables', parseTables],
  STREAM_CACHE_WRITE_TIMEOUT_MS: ['writeTimeoutMs', parseNumber],
  STREAM_CACHE_READ_TIMEOUT_MS: ['readTimeoutMs', parseNumber],
  STREAM_CACHE_READER: ['reader', String],
  STREAM_CACHE_SHADOW_SHARE: ['shadowShare', parseNumber],
  STREAM_CACHE_MODE: ['mode', String],
  STREAM_CACHE_TTL_SECONDS: ['ttlSeconds', parseNumber],
  STREAM_CACHE_TTL_JITTER: ['ttlJitter', parseNumber],
  STREAM_CACHE_TTL_ATTRIBUTE: ['ttlAttribute', String],
  STREAM_CACHE_LATE_AFTER_SECONDS: ['lateAfterSeconds', parseNumber],
  STREAM_CACHE_GUARD_SECONDS: ['guardSeconds', parseNumber],
  STREAM_CACHE_SETTLE_SECONDS: ['settleSeconds', parseNumber],
  STREAM_CACHE_LEASE_MS: ['leaseMs', parseNumber],
  STREAM_CACHE_WRITE_THROUGH: ['writeThrough', parseBoolean],
} as const;

/** No options: they are looked at before there are any. */
const OTHER_VARIABLES: readonly string[] = ['STREAM_CACHE_METRICS', 'STREAM_CACHE_AUTO'];

/** What is no number is left as it is, and refused like any other wrong value. */
function parseNumber(text: string): unknown {
  return Number.isNaN(Number(text)) ? text : Number(text);
}

/** What is neither, in the same way. */
function parseBoolean(text: string): unknown {
  return text === 'true' || (text === 'false' ? false : text);
}

/** What is no JSON, in the same way. */
function parseTables(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @throws ConfigError when there is a variable that begins like one of ours, and is none */
export function optionsOfEnvironment(environment: NodeJS.ProcessEnv): StreamCacheConfig {
  const options: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('STREAM_CACHE_') || OTHER_VARIABLES.includes(name)) continue;
    const [option, parse] = ENVIRONMENT[name as keyof typeof ENVIRONMENT] ?? [];
    if (option === undefined) {
      throw new ConfigError(
        `Unknown environment variable ${name}. Known are: ${[...Object.keys(ENVIRONMENT), ...OTHER_VARIABLES].join(', ')}.`,
      );
    }
    if (text !== undefined && text !== '') options[option] = parse(text);
  }
  return options;
}

/** In brackets, behind the name of an option in a message; nothing for an option of one table, which the environment has not. */
export function variableOf(path: string, option: string): string {
  const name = Object.entries(ENVIRONMENT).find(([, [known]]) => path === '' && known === option)?.[0];
  return name === undefined ? '' : ` (${name})`;
}

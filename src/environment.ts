import { ConfigError } from './errors.js';

/** Whether the function without code has to bring IAM authentication: the cache's URL asks for it. */
export function wantsIam({ STREAM_CACHE_URL = '' }: NodeJS.ProcessEnv = process.env): boolean {
  return /[?&]iam=/.test(STREAM_CACHE_URL);
}

/** What stands in for the URL of a cache where none is given. */
export function environmentUrl({ STREAM_CACHE_URL = '' }: NodeJS.ProcessEnv = process.env): string {
  return STREAM_CACHE_URL;
}

/** The URL of a cache that the function without code has to bring a store for, and which. */
export function otherCache({ STREAM_CACHE_URL: url = '' }: NodeJS.ProcessEnv = process.env): OtherCache {
  if (/^memcacheds?:/i.test(url)) return { memcached: url };
  return /^momento(?:-local)?:/i.test(url) ? { momento: url } : {};
}

export interface OtherCache {
  readonly memcached?: string;
  readonly momento?: string;
}

/** Whether the function without code publishes metrics: `STREAM_CACHE_METRICS`, default `false`. */
export function wantsMetrics({ STREAM_CACHE_METRICS }: NodeJS.ProcessEnv = process.env): boolean {
  const text = STREAM_CACHE_METRICS || 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw new ConfigError(
    `Environment variable STREAM_CACHE_METRICS is wrong: expected true or false, not ${JSON.stringify(text.slice(0, 40))}.`,
  );
}

/**
 * Whether clients that nobody gave the middleware get one: `STREAM_CACHE_AUTO`, default `on`. `required`: a call of DynamoDB
 * that does not pass it fails.
 */
export type Auto = 'on' | 'off' | 'required';

/** @throws ConfigError when the variable is wrong */
export function environmentAuto({ STREAM_CACHE_AUTO }: NodeJS.ProcessEnv = process.env): Auto {
  const text = STREAM_CACHE_AUTO || 'on';
  if (text === 'on' || text === 'off' || text === 'required') return text;
  throw new ConfigError(
    `Environment variable STREAM_CACHE_AUTO is wrong: expected on, off or required, not ${JSON.stringify(text.slice(0, 40))}.`,
  );
}

/** What requests to AWS are signed with; what the SDK's credential providers give fits. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** The credentials that Lambda gives a function, as they are now. */
export function environmentCredentials(): AwsCredentials {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new ConfigError(
      'IAM authentication has no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as Lambda does, or give iamAuthentication the option credentials.',
    );
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  };
}

export function environmentRegion(): string | undefined {
  return process.env.AWS_REGION || undefined;
}

/** What the function that compares caches with tables is told. */
export interface VerifierEnvironment {
  readonly tables: readonly string[];
  readonly sample: number;
  readonly rcu: number | undefined;
  readonly repair: boolean;
}

/** @throws ConfigError when a variable is wrong */
export function verifierEnvironment(): VerifierEnvironment {
  const { VERIFY_TABLES = '', VERIFY_SAMPLE, VERIFY_RCU, VERIFY_REPAIR } = process.env;
  const numberOf = (name: string, text: string | undefined) => {
    if (!text) return undefined;
    if (Number(text) > 0 && Number.isFinite(Number(text))) return Number(text);
    throw new ConfigError(
      `Environment variable ${name} is wrong: expected a number above 0, not ${JSON.stringify(text.slice(0, 40))}.`,
    );
  };
  return {
    tables: VERIFY_TABLES.split(',').flatMap((name) => name.trim() || []),
    sample: Math.ceil(numberOf('VERIFY_SAMPLE', VERIFY_SAMPLE) ?? 1_000),
    rcu: numberOf('VERIFY_RCU', VERIFY_RCU),
    repair: VERIFY_REPAIR === 'true',
  };
}

/** Who metrics say is speaking, unless `POWERTOOLS_SERVICE_NAME` or an option says otherwise; logs say the same. */
export const DEFAULT_SERVICE = 'dynamodb-stream-cache';

export function environmentService(): string {
  return process.env.POWERTOOLS_SERVICE_NAME || DEFAULT_SERVICE;
}

import { type AwsCredentials, environmentRegion } from '../environment.js';
import { ConfigError } from '../errors.js';
import { isTls } from '../store/redis/url.js';
import type { IamCache } from './token.js';

/** Options of {@link iamAuthentication}. Those that the cache's URL can have too win over it. */
export interface IamOptions {
  /** `elasticache` or `memorydb`. In the URL: `iam`. */
  readonly service?: 'elasticache' | 'memorydb' | undefined;
  /** Name of the replication group, serverless cache or MemoryDB cluster. In the URL: `cacheName`. */
  readonly cacheName?: string | undefined;
  /** Whether it is an ElastiCache serverless cache. In the URL: `serverless`. */
  readonly serverless?: boolean | undefined;
  /** The cache's Region. In the URL: `region`. Default: `AWS_REGION`. */
  readonly region?: string | undefined;
  /** Gives the credentials for each token, such as `fromNodeProviderChain()` of the SDK. Default: Lambda's environment. */
  readonly credentials?: (() => AwsCredentials | Promise<AwsCredentials>) | undefined;
}

const OPTIONS: readonly string[] = [
  'service',
  'cacheName',
  'serverless',
  'region',
  'credentials',
] satisfies (keyof IamOptions)[];

/** What of a cache's URL is for IAM authentication. */
export const PARAMETERS = ['iam', 'cacheName', 'serverless', 'region'];

const FORM =
  'Expected rediss:// or valkeys://user@host[:port]?iam=elasticache&cacheName=name (or iam=memorydb), and where they apply &cluster, &serverless and &region=name.';

/** What AWS takes for the ID of a user, which is also its name, and for the name of a cache. */
const NAME = /^[a-z][a-z0-9-]*$/i;

/**
 * Reads what IAM authentication needs from the options and the cache's URL.
 *
 * @returns the cache, and the URL without what was read
 * @throws ConfigError that never repeats the URL, which may hold a password
 */
export function iamTarget(text: string, options: IamOptions): { cache: IamCache; rest: string } {
  if (!URL.canParse(text)) throw fail('this is not a URL');
  const url = new URL(text);
  const parameters = url.searchParams;
  const value = (name: string) => parameters.get(name) || undefined;

  const service = options.service ?? value('iam');
  if (service === undefined) {
    throw fail(
      'the option iam is given, and the URL asks for no IAM: put iam= into it, or leave the option out',
    );
  }
  if (service !== 'elasticache' && service !== 'memorydb') throw fail('iam must be elasticache or memorydb');
  if (!isTls(url)) throw fail('IAM authentication needs TLS');
  if (url.username === '') throw fail('IAM authentication needs a user');
  if (!NAME.test(url.username)) throw fail('the user must be a name of letters, digits and hyphens');
  if (url.password !== '') throw fail('with IAM authentication there is no password');
  const cacheName = options.cacheName ?? value('cacheName');
  if (cacheName === undefined) throw fail('IAM authentication needs the cacheName');
  if (!NAME.test(cacheName)) {
    throw fail('cacheName must be the name of the cache, not its address');
  }
  const region = options.region ?? value('region') ?? environmentRegion();
  if (region === undefined) throw fail('IAM authentication needs a region, or AWS_REGION');
  if (!/^[a-z0-9-]+$/.test(region)) throw fail('region must be the name of a Region');
  const serverless = options.serverless ?? isOn(parameters.get('serverless'));
  if (serverless && service === 'memorydb') throw fail('MemoryDB is never serverless');

  const cache: IamCache = {
    service,
    region,
    cacheName,
    user: url.username,
    serverless,
  };
  for (const name of PARAMETERS) parameters.delete(name);
  url.username = '';
  return { cache, rest: url.href };
}

/** @throws ConfigError when an option is unknown, or credentials are no function that gives them */
export function checkIamOptions(options: IamOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('The options of iamAuthentication are wrong: expected an object, or none.');
  }
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) {
    throw new ConfigError(
      `Unknown option ${unknown} of iamAuthentication. Known are: ${OPTIONS.join(', ')}.`,
    );
  }
  if (options.credentials !== undefined && typeof options.credentials !== 'function') {
    throw new ConfigError('Option credentials of iamAuthentication is wrong: expected a function.');
  }
}

function isOn(value: string | null): boolean {
  if (value !== null && value !== '' && value !== 'true') throw fail('serverless takes no value');
  return value !== null;
}

function fail(what: string): ConfigError {
  return new ConfigError(`Option cache (STREAM_CACHE_URL): ${what}. ${FORM}`);
}

import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../src/config.js';
import { iamAuthentication } from '../../src/iam/authentication.js';
import { type IamOptions, iamTarget } from '../../src/iam/target.js';
import { memoryStore } from '../../src/store/memory.js';

const REGION = { region: 'eu-west-1' };

describe('the target of IAM authentication', () => {
  test.each<[url: string, options: IamOptions, cache: object, rest: string]>([
    [
      'rediss://app@cache.example:6379?iam=elasticache&cacheName=shop&region=eu-west-1',
      {},
      { service: 'elasticache', region: 'eu-west-1', cacheName: 'shop', user: 'app', serverless: false },
      'rediss://cache.example:6379',
    ],
    [
      'rediss://app@cache.example?cluster&iam=elasticache&cacheName=shop&serverless',
      REGION,
      { service: 'elasticache', region: 'eu-west-1', cacheName: 'shop', user: 'app', serverless: true },
      'rediss://cache.example?cluster=',
    ],
    [
      'rediss://app@cache.example/2?iam=memorydb&cacheName=shop&region=us-east-1',
      REGION,
      { service: 'memorydb', region: 'eu-west-1', cacheName: 'shop', user: 'app', serverless: false },
      'rediss://cache.example/2',
    ],
    [
      'valkeys://app@cache.example?iam=elasticache&cacheName=shop',
      REGION,
      { service: 'elasticache', region: 'eu-west-1', cacheName: 'shop', user: 'app', serverless: false },
      'valkeys://cache.example',
    ],
    [
      'rediss://app@cache.example?cluster',
      { ...REGION, service: 'elasticache', cacheName: 'shop', serverless: true },
      { service: 'elasticache', region: 'eu-west-1', cacheName: 'shop', user: 'app', serverless: true },
      'rediss://cache.example?cluster=',
    ],
  ])('in %s with %j', (url, options, cache, rest) => {
    expect(iamTarget(url, options)).toEqual({ cache, rest });
  });

  test.each<[url: string, message: RegExp]>([
    ['secret', /not a URL/],
    ['redis://app@h?iam=elasticache&cacheName=shop', /needs TLS/],
    ['valkey://app@h?iam=elasticache&cacheName=shop', /needs TLS/],
    ['rediss://app@h?iam=redis&cacheName=shop', /iam must be elasticache or memorydb/],
    ['rediss://h?iam=elasticache&cacheName=shop', /needs a user/],
    ['rediss://app:secret@h?iam=elasticache&cacheName=shop', /there is no password/],
    ['rediss://app%secret@h?iam=elasticache&cacheName=shop', /user must be a name/],
    ['rediss://app@h?iam=elasticache', /needs the cacheName/],
    ['rediss://app@h?iam=elasticache&cacheName=shop.example.com', /not its address/],
    ['rediss://app@h?iam=elasticache&cacheName=shop&region=eu/west', /name of a Region/],
    ['rediss://app@h?iam=elasticache&cacheName=shop&region=r&serverless=no', /serverless takes no value/],
    ['rediss://app@h?iam=memorydb&cacheName=shop&region=r&serverless', /never serverless/],
  ])('that is wrong is refused without repeating what it may hold: %s', (url, message) => {
    const refusal = () => iamTarget(url, {});
    expect(refusal).toThrow(message);
    expect(refusal).toThrow(/^(?!.*secret)/s);
    expect(refusal).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('the option iam', () => {
  const credentials = () => ({ accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' });
  const iam = iamAuthentication({ credentials, ...REGION });
  const cache = 'rediss://app@h?iam=elasticache&cacheName=shop';

  test('is what a URL with iam needs', () => {
    expect(() => resolveConfig({ cache }, {})).toThrow(
      'iam needs the option iam, made by iamAuthentication() of dynamodb-stream-cache/iam.',
    );
    expect(() => resolveConfig({ cache, iam }, {})).not.toThrow();
  });

  test('leaves the checks of the rest of a URL as they are', () => {
    expect(() => resolveConfig({ cache: `${cache}&clusters`, iam }, {})).toThrow(/unknown parameter;/);
  });

  test('needs a URL that asks for IAM, in memory too, and says what to do', () => {
    expect(() => resolveConfig({ cache: memoryStore(), iam }, {})).toThrow(
      'Option iam needs a URL in the option cache: leave it out where there is none.',
    );
    for (const url of ['memory:', 'redis://localhost', 'rediss://app@h?cluster']) {
      expect(() => resolveConfig({ cache: url, iam }, {})).toThrow(
        'the option iam is given, and the URL asks for no IAM: put iam= into it, or leave the option out',
      );
    }
  });

  test('refuses options that are unknown or wrong', () => {
    expect(() => iamAuthentication({ cachename: 'shop' } as IamOptions)).toThrow(
      'Unknown option cachename of iamAuthentication. Known are: service, cacheName, serverless, region, credentials.',
    );
    expect(() => iamAuthentication({ credentials: {} as never })).toThrow('Option credentials');
    expect(() => iamAuthentication(null as never)).toThrow('expected an object, or none');
  });

  test.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('says when there is no %s', (name) => {
    const environment = process.env;
    process.env = { ...environment, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', [name]: '' };
    try {
      expect(() => resolveConfig({ cache, iam: iamAuthentication(REGION) }, {})).toThrow(
        'IAM authentication has no credentials',
      );
    } finally {
      process.env = environment;
    }
  });
});

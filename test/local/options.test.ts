import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import { LocalEventSourceMapping } from '../../src/local/index.js';
import { readOptions } from '../../src/local/options.js';

async function cacheUsers() {}
const minimal = { handler: cacheUsers, tableName: 'users' };

test("the defaults are AWS's own, but for the response types", () => {
  expect(readOptions(minimal)).toMatchObject({
    batchSize: 100,
    maximumBatchingWindowInSeconds: 0,
    startingPosition: 'TRIM_HORIZON',
    maximumRetryAttempts: -1,
    maximumRecordAgeInSeconds: -1,
    bisectBatchOnFunctionError: false,
    functionResponseTypes: ['ReportBatchItemFailures'],
    parallelizationFactor: 1,
    timeoutInSeconds: 3,
    functionName: 'cacheUsers',
  });
});

describe('a mapping refuses', () => {
  test.each<[string, Record<string, unknown>, string]>([
    ['nothing', null as never, 'needs an object of options'],
    ['an unknown option', { batchsize: 10 }, 'has no option "batchsize". Its options are handler, tableName'],
    ['a missing handler', { handler: undefined }, 'needs a handler'],
    ['a missing stream', { tableName: undefined }, 'needs either a tableName or an eventSourceArn'],
    ['two streams', { eventSourceArn: 'arn' }, 'needs either a tableName or an eventSourceArn'],
    ['two ways to it', { client: { send() {} }, endpoint: 'http://x' }, 'either a client or an endpoint'],
    ['an unknown position', { startingPosition: 'AT_TIMESTAMP' }, 'TRIM_HORIZON or LATEST, not AT_TIMESTAMP'],
    ['an unknown response type', { functionResponseTypes: ['All'] }, '["ReportBatchItemFailures"] or []'],
    ['a destination without a file', { destinationConfig: { onFailure: {} } }, 'the path of a file'],
    ['no records in a batch', { batchSize: 0 }, 'takes a batchSize of 1 to 10,000, not 0'],
    ['too many', { batchSize: 10_001 }, 'batchSize of 1 to 10,000'],
    ['half a record', { batchSize: 1.5 }, 'batchSize of 1 to 10,000'],
    ['a window too long', { maximumBatchingWindowInSeconds: 301 }, '0 to 300'],
    ['too many retries', { maximumRetryAttempts: 10_001 }, '-1 to 10,000'],
    ['an age that is too low', { maximumRecordAgeInSeconds: 59 }, '-1, or 60 to 604,800'],
    ['too many lanes', { parallelizationFactor: 11 }, '1 to 10'],
    ['no time at all', { timeoutInSeconds: 0 }, 'more than 0, up to 900'],
    ['no pause at all', { retryDelayInMilliseconds: 0 }, '1 or more'],
  ])('%s', (_, change, message) => {
    const create = () => new LocalEventSourceMapping(change && { ...minimal, ...change });
    expect(create).toThrow(ConfigError);
    expect(create).toThrow(`LocalEventSourceMapping`);
    expect(create).toThrow(message);
  });
});

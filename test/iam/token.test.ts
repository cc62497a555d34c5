import { describe, expect, test } from 'vitest';
import { type IamCache, iamToken } from '../../src/iam/token.js';
import { signatureOf } from './presigned.js';

const CACHE: IamCache = {
  service: 'elasticache',
  region: 'eu-west-1',
  cacheName: 'my-cache',
  user: 'user123',
  serverless: true,
};
const CREDENTIALS = { accessKeyId: 'accessKey', secretAccessKey: 'secretKey' };
const NOW = new Date('2024-08-02T12:11:50Z');

const queryOf = (token: string) => new URL(`http://${token}`).searchParams;

describe('a token', () => {
  test('has the signature that the AWS SDK for Java gives for the same cache, user, key and time', async () => {
    // From IamAuthTokenRequestTest of github.com/Opetushallitus/jod-yksilo, made with Aws4Signer.
    const token = await iamToken(CACHE, CREDENTIALS, NOW);
    expect(queryOf(token).get('X-Amz-Signature')).toBe(
      '5dda5db919b1337db6596b2a608924bc10197fb39289b933b60bdb114d5a70dc',
    );
  });

  test('is a presigned request to connect, without a scheme', async () => {
    const token = await iamToken(CACHE, { ...CREDENTIALS, sessionToken: 'a+b/c=' }, NOW);
    expect(token).toMatch(/^my-cache\/\?Action=connect&User=user123&ResourceType=ServerlessCache&X-Amz-/);
    expect(Object.fromEntries(queryOf(token))).toEqual({
      Action: 'connect',
      User: 'user123',
      ResourceType: 'ServerlessCache',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'accessKey/20240802/eu-west-1/elasticache/aws4_request',
      'X-Amz-Date': '20240802T121150Z',
      'X-Amz-Expires': '900',
      'X-Amz-Security-Token': 'a+b/c=',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('names MemoryDB where the cache is there, and no resource type where it is not serverless', async () => {
    const query = queryOf(
      await iamToken({ ...CACHE, service: 'memorydb', serverless: false }, CREDENTIALS, NOW),
    );
    expect(query.get('X-Amz-Credential')).toContain('/memorydb/');
    expect(query.has('ResourceType')).toBe(false);
  });

  test("has the cache's name in lower case, as AWS keeps it", async () => {
    expect(await iamToken({ ...CACHE, cacheName: 'My-Cache' }, CREDENTIALS, NOW)).toBe(
      await iamToken(CACHE, CREDENTIALS, NOW),
    );
  });

  test.each<Partial<IamCache>>([
    {},
    { service: 'memorydb', serverless: false },
    { user: 'a user/with=signs&more' },
  ])('agrees with a computation of its signature by the rules: %j', async (part) => {
    const token = await iamToken({ ...CACHE, ...part }, { ...CREDENTIALS, sessionToken: 'a+b/c=' }, NOW);
    expect(queryOf(token).get('X-Amz-Signature')).toBe(signatureOf(token, CREDENTIALS.secretAccessKey));
  });
});

/**
 * "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", Amazon S3 API Reference. S3 signs
 * `UNSIGNED-PAYLOAD`, the caches the digest of an empty payload.
 */
describe("Amazon's published example of a presigned URL", () => {
  const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  const PUBLISHED = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';

  test('is met by the computation that the tests compare with', () => {
    const url =
      'examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      `&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${PUBLISHED}`;
    expect(signatureOf(url, SECRET, 'UNSIGNED-PAYLOAD')).toBe(PUBLISHED);
  });
});

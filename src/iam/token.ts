import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentials } from '../environment.js';
import { Sha256 } from './sha256.js';

/** A cache that takes IAM tokens, and the user to be there. */
export interface IamCache {
  readonly service: 'elasticache' | 'memorydb';
  readonly region: string;
  /** Name of the replication group, serverless cache or MemoryDB cluster. */
  readonly cacheName: string;
  readonly user: string;
  readonly serverless: boolean;
}

/** ElastiCache and MemoryDB take a token for 15 minutes, whatever it says. */
const LIFETIME_SECONDS = 900;

/** The password of a connection: a presigned request to connect, without its scheme. It is made without any call to AWS. */
export async function iamToken(
  { service, region, cacheName, user, serverless }: IamCache,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  now: Date = new Date(),
): Promise<string> {
  const signer = new SignatureV4({
    service,
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
    sha256: Sha256,
  });
  const hostname = cacheName.toLowerCase(); // as AWS keeps it
  const { query = {} } = await signer.presign(
    {
      method: 'GET',
      protocol: 'http:',
      hostname,
      path: '/',
      query: { Action: 'connect', User: user, ...(serverless && { ResourceType: 'ServerlessCache' }) },
      headers: { host: hostname },
    },
    { expiresIn: LIFETIME_SECONDS, signingDate: now },
  );
  const parameters = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  );
  return `${hostname}/?${parameters.join('&')}`;
}

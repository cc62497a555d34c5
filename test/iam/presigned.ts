import { createHash, createHmac } from 'node:crypto';

/**
 * The signature that a presigned GET should have, by the text of "Create a signed AWS API request" (IAM User Guide) and
 * nothing else: a second opinion on the signer, and what stands in for AWS in tests.
 */
export function signatureOf(presigned: string, secret: string, payload = sha256('')): string {
  const { host, pathname, searchParams } = new URL(`https://${presigned}`);
  const [, day = '', region = '', service = ''] = (searchParams.get('X-Amz-Credential') ?? '').split('/');
  const query = [...searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map((pair) => pair.map(encode).join('='))
    .sort()
    .join('&');
  const request = ['GET', pathname, query, `host:${host}`, '', 'host', payload].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', searchParams.get('X-Amz-Date'), scope, sha256(request)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  return hmac(key, toSign).toString('hex');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

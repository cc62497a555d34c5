import { toError } from '../errors.js';
import { fileParcels } from '../operate/replay/files.js';
import type { Parcels } from '../operate/replay/parcels.js';
import { CommandError } from './command-error.js';

/**
 * What a source's text names. Only buckets and queues need the optional SDK clients.
 *
 * @throws CommandError when it names nothing, or a client is not installed
 */
export async function openParcels(source: string): Promise<Parcels> {
  const bucket = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(source);
  if (bucket !== null) {
    const [, name = '', prefix = ''] = bucket;
    const [{ S3Client }, { objectParcels }] = await needing('@aws-sdk/client-s3', () =>
      Promise.all([import('@aws-sdk/client-s3'), import('../operate/replay/objects.js')]),
    );
    // A bucket may be in another Region than the table; a stand-in has no names of hosts for buckets.
    const forcePathStyle = process.env.AWS_ENDPOINT_URL_S3 !== undefined;
    return objectParcels(new S3Client({ followRegionRedirects: true, forcePathStyle }), name, prefix);
  }
  if (/^https?:\/\//.test(source)) {
    const [{ SQSClient }, { messageParcels }] = await needing('@aws-sdk/client-sqs', () =>
      Promise.all([import('@aws-sdk/client-sqs'), import('../operate/replay/messages.js')]),
    );
    const [, region] = /^https:\/\/sqs\.([^.]+)\./.exec(source) ?? [];
    return messageParcels(new SQSClient({ ...(region !== undefined && { region }) }), source);
  }
  if (/^[a-z0-9]+:\/\//i.test(source)) {
    throw new CommandError(
      `stream-cache replay: ${source} is no source. Give a file, a folder, s3://BUCKET/PREFIX or the URL of a queue.`,
    );
  }
  return fileParcels(source);
}

async function needing<T>(name: string, load: () => Promise<T>): Promise<T> {
  return load().catch((cause) => {
    throw new CommandError(
      `stream-cache replay: this source needs ${name}. Install it. (${toError(cause).message})`,
      { cause },
    );
  });
}

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Parcels } from './parcels.js';

/** The objects of a bucket whose keys begin so. Lambda names them by mapping, shard and time, so that their order is that of a shard. */
export function objectParcels(client: S3Client, Bucket: string, Prefix: string): Parcels {
  const nameOf = (Key: string) => `s3://${Bucket}/${Key}`;
  return {
    async *list(after) {
      const StartAfter = after?.replace(nameOf(''), '');
      let ContinuationToken: string | undefined;
      do {
        const page: ListObjectsV2CommandOutput = await client.send(
          new ListObjectsV2Command({ Bucket, Prefix, StartAfter, ContinuationToken }),
        );
        for (const { Key = '' } of page.Contents ?? []) {
          yield {
            name: nameOf(Key),
            async read() {
              const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
              return (await Body?.transformToString()) ?? '';
            },
            async remove() {
              await client.send(new DeleteObjectCommand({ Bucket, Key }));
            },
          };
        }
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    async close() {
      client.destroy();
    },
  };
}

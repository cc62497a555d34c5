import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A stand-in for S3, which cannot be had here: one bucket in this process, with the three calls that replays make, by the paths and documents of
 * its REST API. The real SDK is at the other end.
 */
export interface S3StandIn {
  readonly url: string;
  readonly objects: Map<string, string>;
  stop(): Promise<void>;
}

/** Keys to a page of a list: so few that there are several pages. */
const PAGE = 2;

export async function startS3(bucket: string): Promise<S3StandIn> {
  const objects = new Map<string, string>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const key = decodeURIComponent(url.pathname).slice(bucket.length + 2);
    const answer = (status: number, text = '') => {
      response.writeHead(status, { 'content-type': 'application/xml' }).end(text);
    };
    if (!url.pathname.startsWith(`/${bucket}`)) return answer(404, errorText('NoSuchBucket'));
    if (url.searchParams.get('list-type') === '2') return answer(200, listText(url.searchParams));
    if (request.method === 'DELETE') return answer(objects.delete(key) ? 204 : 404);
    const text = objects.get(key);
    return text === undefined ? answer(404, errorText('NoSuchKey')) : answer(200, text);
  });

  function listText(query: URLSearchParams): string {
    const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
    const keys = [...objects.keys()]
      .filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after)
      .sort();
    const page = keys.slice(0, PAGE);
    const next =
      keys.length > PAGE
        ? `<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>`
        : '';
    const contents = page.map((key) => `<Contents><Key>${escaped(key)}</Key></Contents>`).join('');
    return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${contents}</ListBucketResult>`;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function errorText(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

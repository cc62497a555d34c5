import diagnostics from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { idOfCall, SENT_CALLS } from '../read/sent-calls.js';

/** Before anything of a request is sent: https://nodejs.org/api/diagnostics_channel.html#http */
const CHANNEL = 'http.client.request.start';

export const NOT_ATTACHED =
  'A call of DynamoDB does not pass the caching middleware: its client is of a copy of the AWS SDK that was loaded too early, that is bundled with the application, or that is version 2. Load dynamodb-stream-cache/auto before all else, bundle with cachingClients() of dynamodb-stream-cache/esbuild, or give the client NewCachingMiddleware().';

/**
 * Tells of each call of DynamoDB that this process is about to send over HTTP/1.1, as the SDK does unless it is told otherwise, and that has
 * passed no caching middleware, whoever makes it. Where another copy of this package tells already, this one does not.
 *
 * @returns ends it
 */
export function watchCalls(tell: (request: ClientRequest) => void): () => void {
  if (SENT_CALLS.ids !== undefined) return () => {};
  const ids = new Set<string>();
  SENT_CALLS.ids = ids;
  const listen = (message: unknown) => {
    const { request } = message as { request: ClientRequest };
    if (!String(request.getHeader('x-amz-target')).startsWith('DynamoDB_20120810.')) return;
    const id = idOfCall((name) => request.getHeader(name));
    if (id === undefined || !ids.delete(id)) tell(request);
  };
  diagnostics.subscribe(CHANNEL, listen);
  return () => {
    diagnostics.unsubscribe(CHANNEL, listen);
    SENT_CALLS.ids = undefined;
  };
}

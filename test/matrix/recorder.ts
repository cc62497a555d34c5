import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What reached DynamoDB, as it was on the wire. */
export interface WireRequest {
  readonly operation: string;
  // biome-ignore lint/suspicious/noExplicitAny: as free as JSON is
  readonly body: any;
}

/** An HTTP proxy on loopback that writes down what it hands on. */
export interface Recorder {
  readonly endpoint: string;
  /** What was recorded since it was asked last, in order. */
  taken(): WireRequest[];
  close(): Promise<void>;
}

export async function startRecorder(target: string): Promise<Recorder> {
  let requests: WireRequest[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    requests.push({ operation, body: JSON.parse(String(body)) });
    const answer = await fetch(target, { method: 'POST', headers: headersOf(request), body });
    response.writeHead(answer.status, {
      'content-type': 'application/x-amz-json-1.0',
      'x-amzn-requestid': answer.headers.get('x-amzn-requestid') ?? '',
    });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken() {
      const taken = requests;
      requests = [];
      return taken;
    },
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What DynamoDB looks at; the rest belongs to the one connection or the other. */
function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const kept = ['content-type', 'x-amz-target', 'x-amz-date', 'authorization', 'x-amz-content-sha256'];
  return Object.fromEntries(kept.flatMap((name) => (headers[name] ? [[name, String(headers[name])]] : [])));
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A stand-in for Lambda, which cannot be had here: what it tells of functions and their event source mappings, by the paths and documents of its
 * REST API. The real SDK is at the other end.
 */
export interface LambdaStandIn {
  readonly url: string;
  /** The mappings of a function, by its name; a name that is not here is of no function. */
  readonly mappings: Map<string, object[]>;
  /** Variables of the functions. */
  variables: Readonly<Record<string, string>>;
  /** Filter criteria that a customer's key encrypts, by the UUID of their mapping: only one mapping alone is told with them. */
  encryptedFilters: Readonly<Record<string, object>>;
  /** Permissions that are missing: parts of paths. */
  denied: string | undefined;
  stop(): Promise<void>;
}

export async function startLambda(): Promise<LambdaStandIn> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://lambda');
    const answer = (status: number, document: object, type?: string) => {
      const headers = { 'content-type': 'application/json', ...(type && { 'x-amzn-errortype': type }) };
      response.writeHead(status, headers).end(JSON.stringify(document));
    };
    const { denied, mappings, variables } = standIn;
    if (denied !== undefined && url.pathname.includes(denied)) {
      return answer(403, { Message: 'User is not authorized' }, 'AccessDeniedException');
    }
    const [, uuid] = /\/event-source-mappings\/([^/]+)$/.exec(url.pathname) ?? [];
    if (uuid !== undefined) {
      const { [uuid]: decrypted } = standIn.encryptedFilters;
      const all = [...mappings.values()].flat() as { UUID?: string }[];
      return answer(200, { ...all.find(({ UUID }) => UUID === uuid), FilterCriteria: decrypted });
    }
    if (url.pathname.includes('/event-source-mappings')) {
      const own = mappings.get(url.searchParams.get('FunctionName') ?? '');
      // One to a page, so that there are several.
      const at = Number(url.searchParams.get('Marker') ?? 0);
      if (own === undefined)
        return answer(404, { Message: 'Function not found' }, 'ResourceNotFoundException');
      const NextMarker = at + 1 < own.length ? String(at + 1) : undefined;
      return answer(200, { EventSourceMappings: own.slice(at, at + 1), NextMarker });
    }
    return answer(200, { Environment: { Variables: variables } });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const standIn: LambdaStandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mappings: new Map(),
    variables: {},
    encryptedFilters: {},
    denied: undefined,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return standIn;
}

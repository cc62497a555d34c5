import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toError } from '../../errors.js';
import style from './page.css?raw';
import page from './page.html?raw';
import program from './page.js?raw';

/** The page's server: on loopback alone, and for those alone who know the token in its address. */
export interface PageServer {
  readonly address: string;
  /** To every open page, by Server-Sent Events. */
  send(message: object): void;
  close(): Promise<void>;
}

/** Answers a call of the page: what it asks for, as JSON. */
export type Answer = (action: string, parameters: URLSearchParams) => Promise<object | undefined>;

const FILES: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '': ['text/html', page],
  'page.css': ['text/css', style],
  'page.js': ['text/javascript', program],
};

/** Nothing but what this server gives is loaded, asked or framed, and no address is told to anybody. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * @param port 0 for any that is free
 * @param answer called for a POST to `act/NAME`; `undefined` is an action that there is not
 */
export async function servePage(port: number, answer: Answer): Promise<PageServer> {
  const token = randomBytes(18).toString('base64url');
  const streams = new Set<ServerResponse>();

  const server = createServer((request, response) => {
    void respond(request, response).catch((thrown) => {
      if (!response.headersSent) json(response, 500, { error: toError(thrown).message });
    });
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://page');
    const [, given = '', ...path] = pathname.split('/');
    if (!isHere(request) || !isToken(given))
      return text(response, 403, 'text/plain', 'Open the address with its token.\n');
    if (path.length === 0) {
      response.writeHead(302, { ...HEADERS, location: `/${token}/` }).end();
      return;
    }
    const name = path.join('/');
    if (request.method === 'GET' && Object.hasOwn(FILES, name)) {
      const [type, content] = FILES[name] as readonly [string, string];
      return text(response, 200, type, content);
    }
    if (request.method === 'GET' && name === 'events') {
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
      response.write('\n');
      streams.add(response);
      response.once('close', () => streams.delete(response));
      return;
    }
    const [, action] = /^act\/([a-z-]+)$/.exec(name) ?? [];
    const answered = request.method === 'POST' && action ? await answer(action, searchParams) : undefined;
    return answered === undefined
      ? text(response, 404, 'text/plain', 'There is no such thing.\n')
      : json(response, 200, answered);
  }

  /** A page of another origin may send its user's browser here, by a name that it makes mean this machine. */
  function isHere({ headers }: IncomingMessage): boolean {
    const own = [`127.0.0.1:${ownPort()}`, `localhost:${ownPort()}`];
    if (!own.includes(headers.host ?? '')) return false;
    return headers.origin === undefined || own.some((host) => headers.origin === `http://${host}`);
  }

  function isToken(given: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(token)];
    return a.length === b.length && timingSafeEqual(a, b);
  }

  const ownPort = () => (server.address() as AddressInfo).port;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${ownPort()}/${token}/`,
    send(message) {
      for (const stream of streams) stream.write(`data: ${JSON.stringify(message)}\n\n`);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function text(response: ServerResponse, status: number, type: string, content: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': `${type}; charset=utf-8` }).end(content);
}

function json(response: ServerResponse, status: number, document: object): void {
  text(response, status, 'application/json', JSON.stringify(document));
}

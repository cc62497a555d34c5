import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { freePort } from '../support/machine.js';
import { signatureOf } from './presigned.js';

/**
 * Stands in for what AWS puts before a cache: TLS, and the check of IAM tokens. A command AUTH whose token has a right
 * signature, is for the right cache and user and is not older than 15 minutes goes on to a real server with the user's
 * real password, any other with a wrong one, so that it is always the server that grants or refuses.
 */
export interface IamGate {
  readonly port: number;
  /** The certificate that its clients have to trust. */
  readonly certificate: string;
  /** What was presented, in order; `connection` counts from 1. */
  readonly tokens: readonly { readonly connection: number; readonly token: string }[];
  readonly connections: number;
  /** Ends all connections, as AWS does 12 hours after their last token. */
  disconnectAll(): void;
  /** What is told of a token that is right otherwise, while AWS refuses the caller. */
  refuse(refuses: boolean): void;
  close(): Promise<void>;
}

export interface Expected {
  readonly user: string;
  readonly cacheName: string;
  readonly secretAccessKey: string;
  /** The real password of the user at the server. */
  readonly password: string;
}

const TOKEN_LIFETIME_MS = 900_000;

export async function startIamGate(serverPort: number, expected: Expected): Promise<IamGate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const tokens: { connection: number; token: string }[] = [];
  const links = new Set<TLSSocket>();
  let connections = 0;
  let refuses = false;

  function passwordFor(user: string, token: string, connection: number): string {
    tokens.push({ connection, token });
    return !refuses && user === expected.user && isRight(token, expected) ? expected.password : 'wrong';
  }

  const gate = createServer({ cert, key }, (client) => {
    connections += 1;
    const connection = connections;
    const server = connect(serverPort, '127.0.0.1');
    links.add(client);
    forwardCommands(client, server, (user, token) => passwordFor(user, token, connection));
    server.on('data', (data) => client.write(data));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => {}).on('close', () => other.destroy());
    }
    client.on('close', () => links.delete(client));
  });
  const port = await freePort();
  gate.listen(port, '127.0.0.1');
  await once(gate, 'listening');

  const disconnectAll = () => {
    for (const link of links) link.destroy();
  };
  return {
    port,
    certificate: cert,
    tokens,
    get connections() {
      return connections;
    },
    disconnectAll,
    refuse(refused) {
      refuses = refused;
    },
    async close() {
      disconnectAll();
      gate.close();
      await once(gate, 'close');
    },
  };
}

function isRight(token: string, { user, cacheName, secretAccessKey }: Expected): boolean {
  const { host, searchParams } = new URL(`https://${token}`);
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(searchParams.get('X-Amz-Date') ?? '') ?? [];
  const age = Date.now() - Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return (
    host === cacheName &&
    searchParams.get('User') === user &&
    searchParams.get('X-Amz-Signature') === signatureOf(token, secretAccessKey) &&
    age > -TOKEN_LIFETIME_MS &&
    age < TOKEN_LIFETIME_MS
  );
}

/** Hands commands on as they are, but for the password of AUTH. */
function forwardCommands(
  client: TLSSocket,
  server: Socket,
  passwordFor: (user: string, token: string) => string,
): void {
  let waiting = Buffer.alloc(0);
  client.on('data', (data) => {
    waiting = Buffer.concat([waiting, data]);
    for (let command = firstCommand(waiting); command !== undefined; command = firstCommand(waiting)) {
      const [name = '', user = '', token = ''] = command.words;
      if (name.toLowerCase() === 'hello' && command.words.length > 2)
        throw new Error('HELLO with a password');
      const isAuth = name.toLowerCase() === 'auth';
      server.write(
        isAuth ? written([name, user, passwordFor(user, token)]) : waiting.subarray(0, command.size),
      );
      waiting = waiting.subarray(command.size);
    }
  });
}

function firstCommand(data: Buffer): { words: string[]; size: number } | undefined {
  const words: string[] = [];
  let at = 0;
  const line = () => {
    const end = data.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const text = data.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const count = line();
  if (count === undefined) return undefined;
  while (words.length < Number(count.slice(1))) {
    const length = line();
    if (length === undefined || data.length < at + Number(length.slice(1)) + 2) return undefined;
    words.push(data.toString('utf8', at, at + Number(length.slice(1))));
    at += Number(length.slice(1)) + 2;
  }
  return { words, size: at };
}

function written(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

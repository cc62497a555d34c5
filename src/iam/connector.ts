import { Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import type { RedisOptions } from 'ioredis';
import { toError } from '../errors.js';

/** Gives the user and a password that is good now. */
export type Authenticate = () => Promise<readonly [user: string, password: string]>;

type Connector = NonNullable<RedisOptions['Connector']>;

/**
 * What ioredis opens sockets with: TLS, and each socket is authenticated with a password of its own before ioredis gets
 * it. ioredis has the password at no time, so that none of its errors, options or debug lines can hold it.
 */
export function authenticatingConnector(authenticate: Authenticate): Connector {
  return class extends AuthenticatingConnector {
    constructor(options: unknown) {
      super(options as SocketOptions, authenticate);
    }
  } as unknown as Connector; // ioredis' own base class would come with all of ioredis
}

type SocketOptions = Pick<
  RedisOptions,
  'host' | 'port' | 'family' | 'tls' | 'connectTimeout' | 'disconnectTimeout'
>;

class AuthenticatingConnector {
  /** Where ioredis looks when it is handed a socket that is no more. */
  firstError: Error | undefined;
  readonly #options: SocketOptions;
  readonly #authenticate: Authenticate;
  #stream: Socket | undefined;
  #isWanted = false;

  constructor(options: SocketOptions, authenticate: Authenticate) {
    this.#options = options;
    this.#authenticate = authenticate;
  }

  check(): boolean {
    return true;
  }

  /** Never rejects while the connection is wanted: ioredis would not try again. It gets a destroyed socket instead. */
  async connect(): Promise<Socket> {
    this.#isWanted = true;
    this.firstError = undefined;
    let stream: Socket | undefined;
    try {
      const [user, password] = await this.#authenticate();
      if (!this.#isWanted) throw new Error('Connection is closed.');
      const { host, port, family, tls, connectTimeout } = this.#options;
      const target = { host, port, family, ...(tls as ConnectionOptions) } as ConnectionOptions;
      stream = this.#stream = connect(target);
      stream.on('error', (error) => {
        this.firstError ??= error;
      });
      await logIn(stream, user, password, connectTimeout ?? 10_000);
    } catch (thrown) {
      if (!this.#isWanted) throw thrown;
      this.firstError = toError(thrown);
      stream ??= new Socket();
      stream.destroy();
    }
    return stream;
  }

  disconnect(): void {
    this.#isWanted = false;
    const stream = this.#stream;
    if (stream === undefined) return;
    const patience = setTimeout(() => stream.destroy(), this.#options.disconnectTimeout ?? 2_000);
    stream.once('close', () => clearTimeout(patience));
    stream.end();
  }
}

/** Sends AUTH as the first command of a connection, and waits for its `+OK`. */
function logIn(stream: Socket, user: string, password: string, patienceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let reply = '';
    const patience = setTimeout(() => settle(new Error('connect ETIMEDOUT')), patienceMs);
    const onData = (data: Buffer) => {
      reply += data;
      if (!reply.endsWith('\r\n')) return;
      settle(reply.startsWith('+OK') ? undefined : new Error(`AUTH was refused: ${reply.slice(1).trim()}`));
    };
    const onClose = () => settle(new Error('Connection is closed.'));
    const settle = (error: Error | undefined) => {
      clearTimeout(patience);
      stream.off('data', onData).off('error', settle).off('close', onClose).pause();
      if (error === undefined) resolve();
      else reject(error);
    };
    stream.on('data', onData).once('error', settle).once('close', onClose);
    stream.once('secureConnect', () => stream.write(command('AUTH', user, password)));
  });
}

function command(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}

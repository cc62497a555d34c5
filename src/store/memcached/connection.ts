import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { CacheError } from '../../errors.js';
import type { CallOptions, Settled } from '../store.js';
import { newReplyParser, type Reply } from './replies.js';
import type { MemcachedTarget, Node } from './target.js';

/** A connection to one node. It is made when it is needed, and again after it was lost. */
export interface Connection {
  /** Sends commands in one write and waits for a reply to each. Never rejects; what is given up may still be carried out. */
  exchange(commands: readonly string[], options?: ExchangeOptions): Promise<Settled<Reply>[]>;
  /** What is only good for as long as the connection is the same: another object after it was lost, or while there is none. */
  readonly socket: object | undefined;
  close(): void;
}

export interface ExchangeOptions extends CallOptions {
  /**
   * Whether to send all of it again, once, when a connection that worked before turns out to be lost: while a function is frozen
   * nobody tells it. Default true.
   */
  readonly again?: boolean;
}

/** Who waits for replies. They come in the order of what was sent. */
interface Waiting {
  left: number;
  take(reply: Reply): void;
  lose(error: CacheError, wasAnswered: boolean): void;
}

/**
 * Our own, since no client on npm sends many commands in one write: `memcache-client` forbids it, `memcache` waits with each for
 * itself and its `gets` knows no number to present, `memcached` has no TLS, `memjs` neither TLS nor `cas`. None knows ASCII
 * authentication.
 *
 * @param stallMs for how long a connection may say nothing while something waits, and how long it may take to be made: it is
 *   given up then, with all that waits
 */
export function newConnection(
  { host, port }: Node,
  { tls, user, password }: Pick<MemcachedTarget, 'tls' | 'user' | 'password'>,
  stallMs: number,
): Connection {
  let socket: Socket | undefined;
  let waiting: Waiting[] = [];
  /** Whether the connection was ever answered: it may have worked once, and be lost by now. */
  let wasAnswered = false;
  let stall: NodeJS.Timeout | undefined;
  /** What is held back until the server knows who asks. */
  let unsent: string[] | undefined;
  const failure = (why: string, cause?: Error) =>
    new CacheError(`memcached at ${host}:${port} ${why}.`, { ...(cause && { cause }) });

  /** Ends a connection; what waits for it fails, or goes to the next one. */
  function abandon(lost: Socket, error: CacheError): void {
    if (socket !== lost) return;
    socket = undefined;
    lost.destroy();
    clearTimeout(stall);
    const [given, did] = [waiting, wasAnswered];
    waiting = [];
    for (const each of given) each.lose(error, did);
  }

  /** Its timers, not the socket, keep the process alive while something waits. */
  function open(): Socket {
    const opened = tls ? connectTls({ host, port, servername: nameOf(host) }) : connectPlain({ host, port });
    const parser = newReplyParser(opened);
    opened.unref();
    opened.setNoDelay(true);
    opened.setKeepAlive(true, 30_000);
    opened.on('data', (chunk: Buffer) => {
      if (socket !== opened) return;
      for (const reply of parser.take(chunk)) {
        if (!WORDS.test(reply.line))
          return abandon(
            opened,
            failure('does not speak as memcached does (of a Redis the URL is redis://)'),
          );
        // It answers no more than this of what came with it.
        if (reply.line === 'CLIENT_ERROR unauthenticated' && unsent === undefined)
          return abandon(opened, failure('wants a user and password in its URL'));
        const [first] = waiting;
        if (first === undefined) return abandon(opened, failure('said what nobody asked for'));
        first.left -= 1;
        if (first.left === 0) waiting.shift();
        first.take(reply);
        if (socket !== opened) return;
      }
      if (waiting.length > 0) stall?.refresh();
      else clearTimeout(stall);
    });
    opened.on('error', (error) => abandon(opened, failure(`failed: ${meaningOf(error)}`, error)));
    opened.on('close', () => abandon(opened, failure('closed the connection')));
    [socket, wasAnswered, unsent] = [opened, false, undefined];
    if (user !== undefined) authenticate(opened);
    return opened;
  }

  function watch(watched: Socket): void {
    stall = setTimeout(() => abandon(watched, failure(`answered nothing for ${stallMs} ms`)), stallMs);
  }

  function send(sent: Socket, text: string, who: Waiting): void {
    if (waiting.length === 0) watch(sent);
    waiting.push(who);
    if (unsent === undefined) sent.write(text);
    else unsent.push(text);
  }

  /**
   * ASCII authentication, of memcached 1.5.15 and later: the first command "sets" user and password. One that wants none would
   * store them, so it is asked for something before.
   */
  function authenticate(opened: Socket): void {
    const words = `${user} ${password}`;
    const known: Waiting = {
      left: 1,
      take({ line }) {
        if (line !== 'STORED') abandon(opened, failure('refused the user and password'));
      },
      lose() {},
    };
    send(opened, 'get auth\r\n', {
      left: 1,
      take({ line }) {
        if (!line.startsWith('CLIENT_ERROR'))
          return abandon(opened, failure('takes no user and password: leave them out of its URL'));
        waiting.unshift(known);
        opened.write(`set auth 0 0 ${Buffer.byteLength(words)}\r\n${words}\r\n${unsent?.join('') ?? ''}`);
        unsent = undefined;
      },
      lose() {},
    });
    unsent = [];
  }

  return {
    get socket() {
      return socket;
    },

    exchange(commands, { deadline, unref, again = true } = {}) {
      if (commands.length === 0) return Promise.resolve([]);
      const text = commands.join('');
      return new Promise((resolve) => {
        const replies: Reply[] = [];
        let isOver = false;
        const end = (error?: CacheError) => {
          isOver = true;
          clearTimeout(late);
          resolve(commands.map((_, index) => replies[index] ?? (error as CacheError)));
        };
        const late =
          deadline === undefined
            ? undefined
            : setTimeout(
                () => end(failure('did not answer in the time there was')),
                Math.max(0, deadline - Date.now()),
              );
        if (unref) late?.unref();
        const attempt = (mayAgain: boolean) =>
          send(socket ?? open(), text, {
            left: commands.length,
            take(reply) {
              wasAnswered = true;
              replies.push(reply);
              if (replies.length === commands.length) end();
            },
            lose(error, wasAnsweredBefore) {
              if (isOver) return;
              if (mayAgain && wasAnsweredBefore && replies.length === 0) attempt(false);
              else end(error);
            },
          });
        attempt(again);
      });
    },

    close() {
      const error = failure('was closed here');
      for (const each of waiting) each.lose(error, false);
      waiting = [];
      if (socket !== undefined) abandon(socket, error);
    },
  };
}

/** How each reply begins: https://github.com/memcached/memcached/blob/master/doc/protocol.txt */
const WORDS =
  /^(?:END|STORED|NOT_STORED|EXISTS|NOT_FOUND|DELETED|OK|TOUCHED|VERSION|VALUE|CONFIG|(?:CLIENT_|SERVER_)?ERROR)\b/;

/** OpenSSL says where in its source it noticed. */
function meaningOf({ message }: Error): string {
  return /wrong version number|packet length too long/.test(message)
    ? 'TLS is not answered there (without TLS it needs memcached://)'
    : message.trim();
}

/** The name that a certificate has to have; addresses are not sent as one. */
function nameOf(host: string): string | undefined {
  return /^[\d.]+$|:/.test(host) ? undefined : host;
}

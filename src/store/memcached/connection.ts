import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { CacheError, toError } from '../../errors.js';
import type { CallOptions, Settled } from '../store.js';
import { newReplyParser, type Reply } from './replies.js';
import type { MemcachedTarget, Node } from './target.js';

/** A connection to one node. It is made when it is needed, and again after it was lost. */
export interface Connection {
  /**
   * Sends commands in one write and waits for a reply to each. Never rejects; what is given up may still be carried out.
   *
   * @param stallMs how long to wait while nothing is answered at all: the connection is given up then
   */
  exchange(commands: readonly string[], options?: CallOptions): Promise<Settled<Reply>[]>;
  close(): void;
}

/** After so many replies the wait begins anew: a timer for each would cost more than the reply. */
const REPLIES_A_WAIT = 32;

interface Waiting {
  readonly settle: (reply: Settled<Reply>) => void;
}

export function newConnection(
  { host, port }: Node,
  { tls, user, password }: Pick<MemcachedTarget, 'tls' | 'user' | 'password'>,
  stallMs: number,
): Connection {
  let socket: Socket | undefined;
  let waiting: Waiting[] = [];
  const failure = (why: string, cause?: Error) =>
    new CacheError(`memcached at ${host}:${port} ${why}.`, { ...(cause && { cause }) });

  /** Ends a connection; what waits for it fails. */
  function abandon(lost: Socket, error: CacheError): void {
    if (socket !== lost) return;
    socket = undefined;
    lost.destroy();
    const given = waiting;
    waiting = [];
    for (const { settle } of given) settle(error);
  }

  function open(): Socket {
    const opened = tls ? connectTls({ host, port, servername: nameOf(host) }) : connectPlain({ host, port });
    const parser = newReplyParser();
    opened.setNoDelay(true);
    opened.setKeepAlive(true, 30_000);
    opened.on('data', (chunk: Buffer) => {
      if (socket !== opened) return;
      for (const reply of parser.take(chunk)) waiting.shift()?.settle(reply);
      if (waiting.length === 0) opened.unref(); // or an idle process could not end
    });
    opened.on('error', (error) => abandon(opened, failure(`failed: ${error.message}`, error)));
    opened.on('close', () => abandon(opened, failure('closed the connection')));
    socket = opened;
    if (user !== undefined) authenticate(opened);
    return opened;
  }

  /** ASCII authentication, of memcached 1.5.15 and later: the first command "sets" user and password. */
  function authenticate(opened: Socket): void {
    const words = `${user} ${password}`;
    opened.write(`set auth 0 0 ${Buffer.byteLength(words)}\r\n${words}\r\n`);
    waiting.push({
      settle(reply) {
        if (!(reply instanceof CacheError) && reply.line !== 'STORED')
          abandon(opened, failure('refused the user and password, or takes none'));
      },
    });
  }

  return {
    exchange(commands, { deadline } = {}) {
      if (commands.length === 0) return Promise.resolve([]);
      const used = socket ?? open();
      used.ref();
      return new Promise((resolve) => {
        const replies: Settled<Reply>[] = [];
        let timer: NodeJS.Timeout | undefined;
        const end = (error?: CacheError) => {
          clearTimeout(timer);
          resolve(commands.map((_, index) => replies[index] ?? (error as CacheError)));
        };
        /** Anew with replies, so that long calls may take their time. */
        const wait = () => {
          clearTimeout(timer);
          const leftMs = deadline === undefined ? stallMs : Math.max(0, deadline - Date.now());
          const isStall = leftMs >= stallMs;
          const late = () => {
            end(
              failure(
                isStall ? `answered nothing for ${stallMs} ms` : 'did not answer in the time there was',
              ),
            );
            if (isStall) abandon(used, failure(`answered nothing for ${stallMs} ms`));
          };
          timer = setTimeout(late, Math.min(stallMs, leftMs));
        };
        wait();
        for (const [index] of commands.entries()) {
          waiting.push({
            settle(reply) {
              replies[index] = reply;
              if (replies.length === commands.length) end();
              else if (index % REPLIES_A_WAIT === 0) wait();
            },
          });
        }
        used.write(commands.join(''), (error) => {
          if (error) abandon(used, failure(`failed: ${toError(error).message}`));
        });
      });
    },
    close() {
      if (socket !== undefined) abandon(socket, failure('was closed here'));
    },
  };
}

/** The name that a certificate has to have; addresses are not sent as one. */
function nameOf(host: string): string | undefined {
  return /^[\d.]+$|:/.test(host) ? undefined : host;
}

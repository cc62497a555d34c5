import { createHash } from 'node:crypto';
import { CacheError } from '../../errors.js';
import type { Driver, Held, NewEntry, Replacement } from '../cas/driver.js';
import type { CallOptions, Settled } from '../store.js';
import { type Connection, type ExchangeOptions, newConnection } from './connection.js';
import { discoverNodes } from './discovery.js';
import type { Reply, Value } from './replies.js';
import { newRing, type Ring } from './ring.js';
import type { MemcachedTarget, Node } from './target.js';

/** Names in one retrieval: ElastiCache Serverless takes 16 KB of them, and others read them from one buffer. */
const NAMES_BYTES = 8_192;
/** What may be under way at once to a node in one write. */
const BATCH_BYTES = 512 * 1024;
const LONGEST_NAME = 250;
/** Times above this are dates. */
const LONGEST_TTL_SECONDS = 30 * 86_400;

/**
 * Stores on one memcached, or on several that share the keys. What is given up may still arrive, and is safe whenever it does.
 *
 * @param stallMs for how long a connection may say nothing while something waits
 */
export function memcachedDriver(target: MemcachedTarget, stallMs: number): Driver {
  const connections = new Map<string, Connection>();
  let ring: Ring | undefined = target.discover ? undefined : newRing(target.nodes);
  let discoveredAt = 0;

  function connectionTo(node: Node): Connection {
    const name = nameOfNode(node);
    const connection = connections.get(name) ?? newConnection(node, target, stallMs);
    connections.set(name, connection);
    return connection;
  }

  let asked: Promise<Ring | CacheError> | undefined;

  /** Which node each key belongs to, as the configuration endpoint last said. Only who knows of none waits for what it says. */
  async function ringNow(options?: CallOptions): Promise<Ring | CacheError> {
    if (target.discover && asked === undefined && Date.now() - discoveredAt >= DISCOVERED_MS) {
      asked = discover(ring === undefined ? options : undefined).finally(() => {
        asked = undefined;
      });
    }
    return ring ?? (asked as Promise<Ring | CacheError>);
  }

  async function discover(options?: CallOptions): Promise<Ring | CacheError> {
    const endpoint = target.nodes[0] as Node;
    const nodes = await discoverNodes(connectionTo(endpoint), options);
    // What it said before is better than nothing.
    if (nodes instanceof CacheError) {
      if (ring !== undefined) discoveredAt = Date.now();
      return ring ?? nodes;
    }
    discoveredAt = Date.now();
    const names = new Set([endpoint, ...nodes].map(nameOfNode));
    for (const [name, connection] of connections) {
      if (names.has(name)) continue;
      connections.delete(name);
      connection.close();
    }
    ring = newRing(nodes);
    return ring;
  }

  /**
   * Sends commands about keys, each to its node, and gives the reply to each.
   *
   * @param together how many keys one command may be about
   */
  async function each<I, T>(
    inputs: readonly I[],
    keyOf: (input: I) => string,
    ask: (connection: Connection, inputs: readonly I[]) => Promise<Settled<T>[]>,
    options?: CallOptions,
  ): Promise<Settled<T>[]> {
    const answers: Settled<T>[] = new Array(inputs.length);
    if (inputs.length === 0) return answers;
    const nodes = await ringNow(options);
    if (nodes instanceof CacheError) return answers.fill(nodes);
    const lanes = new Map<Node, number[]>();
    inputs.forEach((input, position) => {
      const node = nodes(nameOf(keyOf(input)));
      const lane = lanes.get(node);
      if (lane === undefined) lanes.set(node, [position]);
      else lane.push(position);
    });
    await Promise.all(
      [...lanes].map(async ([node, positions]) => {
        const given = await ask(
          connectionTo(node),
          positions.map((position) => inputs[position] as I),
        );
        positions.forEach((position, index) => {
          answers[position] = given[index] as Settled<T>;
        });
      }),
    );
    return answers;
  }

  const keyItself = (key: string) => key;
  const keyOfEntry = ({ key }: NewEntry) => key;

  async function retrieve(
    connection: Connection,
    word: 'get' | 'gets',
    keys: readonly string[],
    options?: CallOptions,
  ): Promise<Settled<Value | undefined>[]> {
    const names = keys.map(nameOf);
    const chunks = chunksOf(names, (name) => Buffer.byteLength(name) + 1, NAMES_BYTES);
    const replies = await exchangeAll(
      connection,
      chunks.map((chunk) => `${word} ${chunk.join(' ')}\r\n`),
      options,
    );
    return chunks.flatMap((chunk, index): Settled<Value | undefined>[] => {
      const reply = replies[index] as Settled<Reply>;
      if (reply instanceof CacheError) return chunk.map(() => reply);
      if (reply.line !== 'END') return chunk.map(() => refused(reply.line));
      const values = new Map(reply.values.map((value) => [value.name, value]));
      return chunk.map((name) => values.get(name));
    });
  }

  return {
    get: (keys, options) =>
      each(
        keys,
        keyItself,
        async (connection, some) =>
          (await retrieve(connection, 'get', some, options)).map((value) =>
            value instanceof CacheError ? value : value?.text,
          ),
        options,
      ),

    read: (keys, options) =>
      each(
        keys,
        keyItself,
        async (connection, some) => (await retrieve(connection, 'gets', some, options)).map(held),
        options,
      ),

    create: (entries, options) =>
      each(
        entries,
        keyOfEntry,
        async (connection, some) => {
          // Sent one behind the other, without waiting: a connection is answered in order.
          const [added, read] = await Promise.all([
            exchangeAll(
              connection,
              some.map((entry) => storage('add', entry)),
              options,
            ),
            retrieve(connection, 'gets', some.map(keyOfEntry), options),
          ]);
          return read.map((value, index) => {
            const reply = added[index] as Settled<Reply>;
            if (value instanceof CacheError) return value;
            if (value !== undefined) return held(value) as Held;
            return reply instanceof CacheError
              ? reply
              : /^(?:NOT_)?STORED$/.test(reply.line) || isFull(reply.line)
                ? 'full'
                : refused(reply.line);
          });
        },
        options,
      ),

    replace: (entries, options) =>
      each(
        entries,
        keyOfEntry,
        async (connection, some) => {
          // Another connection may lead to a server that was started since, and numbers what it stores from the beginning again.
          const { socket } = connection;
          const isStill = ({ token }: Replacement) =>
            socket !== undefined && (token as Value).from === socket;
          const sent = some.filter(isStill);
          const commands = sent.map((entry) => storage('cas', entry, (entry.token as Value).unique));
          const replies = await exchangeAll(connection, commands, { ...options, again: false });
          const outcomes = new Map(sent.map((entry, index) => [entry, replies[index] as Settled<Reply>]));
          return some.map((entry) => {
            const reply = outcomes.get(entry);
            if (reply === undefined) return 'conflict';
            if (reply instanceof CacheError) return reply;
            if (reply.line === 'STORED') return 'done';
            if (reply.line === 'EXISTS' || reply.line === 'NOT_FOUND') return 'conflict';
            return isFull(reply.line) ? 'full' : refused(reply.line);
          });
        },
        options,
      ),

    delete: (keys, options) =>
      each(
        keys,
        keyItself,
        async (connection, some) => {
          const replies = await exchangeAll(
            connection,
            some.map((key) => `delete ${nameOf(key)}\r\n`),
            options,
          );
          return replies.map((reply) => {
            if (reply instanceof CacheError) return reply;
            return reply.line === 'DELETED' || reply.line === 'NOT_FOUND' ? 'done' : refused(reply.line);
          });
        },
        options,
      ),

    close() {
      for (const connection of connections.values()) connection.close();
      connections.clear();
      return Promise.resolve();
    },
  };
}

function nameOfNode({ host, port }: Node): string {
  return `${host}:${port}`;
}

/** For how long what a configuration endpoint said of its nodes is believed. */
const DISCOVERED_MS = 60_000;

/** Sends commands in writes of a bounded size, one after the other: what comes first need not wait for what is made last. */
async function exchangeAll(
  connection: Connection,
  commands: readonly string[],
  options?: ExchangeOptions,
): Promise<Settled<Reply>[]> {
  const chunks = chunksOf(commands, ({ length }) => length, BATCH_BYTES);
  const replies = await Promise.all(chunks.map((chunk) => connection.exchange(chunk, options)));
  return replies.flat();
}

function chunksOf<T>(all: readonly T[], sizeOf: (one: T) => number, most: number): T[][] {
  const chunks: T[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const one of all) {
    size += sizeOf(one);
    if (size > most) {
      chunks.push([]);
      size = sizeOf(one);
    }
    chunks.at(-1)?.push(one);
  }
  return chunks;
}

function storage(word: 'add' | 'cas', { key, text, ttlMs }: NewEntry, unique?: string): string {
  const end = unique === undefined ? '' : ` ${unique}`;
  return `${word} ${nameOf(key)} 0 ${lifetime(ttlMs)} ${Buffer.byteLength(text)}${end}\r\n${text}\r\n`;
}

/** In whole seconds, and one more, since its clock ticks once a second: not shorter than was asked for. */
function lifetime(ttlMs: number): number {
  const seconds = Math.ceil(ttlMs / 1000) + 1;
  return seconds <= LONGEST_TTL_SECONDS ? seconds : Math.ceil(Date.now() / 1000) + seconds;
}

/** A key as memcached takes it: without white space, and not too long. Anything else is known by its hash. */
function nameOf(key: string): string {
  const isName = key.length > 0 && Buffer.byteLength(key) <= LONGEST_NAME && !/[\s\p{Cc}\p{Cs}]/u.test(key);
  return isName ? key : `sha256.${createHash('sha256').update(key).digest('hex')}`;
}

/** What was read is its own token: the number that a `cas` has to present, and the connection that it came from. */
function held(found: Settled<Value | undefined>): Settled<Held | undefined> {
  return found === undefined || found instanceof CacheError ? found : { text: found.text, token: found };
}

function isFull(line: string): boolean {
  return /^SERVER_ERROR (?:out of memory|object too large)/.test(line);
}

/** The rest of the line may quote what was sent. */
function refused(line: string): CacheError {
  return new CacheError(`memcached answered ${line.split(' ', 1)[0]}.`, { answered: true });
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { CacheError, toError } from '../errors.js';
import { guardKey } from '../key.js';
import { decodeEntry } from '../store/cas/entry.js';
import type { Connection } from '../store/redis/connection.js';
import { ioredisWire } from '../store/redis/ioredis-wire.js';
import { type Script, script } from '../store/redis/script.js';
import { redisStore } from '../store/redis/store.js';
import { type Call, withoutArguments } from '../store/redis/wire.js';
import type { Lane } from './lanes.js';
import lookText from './look.lua?raw';
import measureText from './measure.lua?raw';
import type { Look, Operated } from './operated.js';

const LOOK = script(lookText);
const MEASURE = script(measureText);

/** For how long a server may say nothing, in milliseconds. */
const STALL_MS = 4_000;
/** How many names a server goes through at once: it answers nobody else meanwhile, for less than a millisecond. */
const NAMES_AT_ONCE = 250;

/** A Redis or Valkey server, or a cluster of them. */
export function operatedRedis(connection: Connection): Operated {
  const wire = ioredisWire(connection, STALL_MS);
  const store = redisStore(wire);

  /** Connects, and says why where it cannot. A user who may not have that key is connected all the same. */
  const masters = async () => {
    const [probe] = await store.get(['connected']);
    if (probe instanceof CacheError && !probe.answered) throw probe;
    const client = connection.client();
    return client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
  };
  /** A script once for each key. */
  const each = (command: Script, keys: readonly string[], namesOf: (key: string) => string[]) =>
    wire.send(
      {
        count: keys.length,
        command,
        keyAt: (position) => keys[position] as string,
        *calls(positions): Generator<Call> {
          for (const position of positions) {
            yield { positions: [position], keys: namesOf(keys[position] as string), args: [], command };
          }
        },
      },
      {},
    );
  const clusterInfo = async () => {
    const client = connection.client();
    const askAll = () => {
      const nodes = client.isCluster ? (client as Cluster).nodes('all') : [client as Redis];
      const asked = nodes.map(async (node) =>
        fieldsOf(await answered('CLUSTER INFO', node.cluster('INFO') as Promise<string>)),
      );
      return Promise.allSettled(asked);
    };
    const saidNo = (answer: PromiseSettledResult<unknown>) =>
      answer.status === 'rejected' && answer.reason instanceof CacheError && answer.reason.answered;
    const until = Date.now() + STALL_MS;
    while (true) {
      const answers = await askAll();
      const told = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      // A client that looks for its cluster anew knows none of its servers for a moment, or only some that are gone.
      if (told.length === 0 && !answers.some(saidNo) && Date.now() < until) {
        await delay(20);
        continue;
      }
      // The first to notice that a server is gone is right.
      return told.sort((a, b) => servedBy(a) - servedBy(b))[0];
    }
  };
  const servers = async (prefix: string) => {
    const pattern = `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
    const found = await masters();
    if (!connection.client().isCluster) await refusePart(clusterInfo);
    return found.map((server) => serverLane(server, pattern));
  };

  return {
    store,

    async *list(prefix) {
      for (const { portions } of await servers(prefix)) {
        for await (const { portion } of portions()) yield portion;
      }
    },

    servers,

    info: async () =>
      Promise.all((await masters()).map(async (server) => fieldsOf(await answered('INFO', server.info())))),

    clusterInfo,

    clocks: async () => Promise.all((await masters()).map(aheadOfHere)),

    look: async (keys) =>
      (await each(LOOK, keys, (key) => [key, guardKey(key)])).map((answer) =>
        answer instanceof CacheError ? answer : lookOf(answer as Reply),
      ),

    async measure(keys) {
      const now = Date.now();
      return (await each(MEASURE, keys, (key) => [key])).map((answer) => {
        if (answer instanceof CacheError) return answer;
        const [bytes, ttlMs, guard, isGuard] = answer as [number, number, string, 0 | 1];
        const isThere = ttlMs !== -2;
        return {
          bytes: bytes >= 0 && isThere ? bytes : undefined,
          ttlMs: ttlMs > 0 ? ttlMs : undefined,
          guard: isGuard && isThere ? guardOf(guard, now) : undefined,
          now,
        };
      });
    },
    close: () => wire.close(),
  };
}

function servedBy(fields: ReadonlyMap<string, string>): number {
  return fields.get('cluster_state') === 'ok' ? Number(fields.get('cluster_slots_ok')) : -1;
}

/** One server of several would list its share of the names as if they were all. */
async function refusePart(
  clusterInfo: () => Promise<ReadonlyMap<string, string> | undefined>,
): Promise<void> {
  const size = Number((await clusterInfo())?.get('cluster_size') ?? 1);
  if (size <= 1) return;
  throw new CacheError(`It is one of ${size} servers of a cluster. Its URL must end in ?cluster.`, {
    answered: true,
  });
}

async function aheadOfHere(server: Redis): Promise<number> {
  // The first answer may have waited for the connection.
  await answered('TIME', server.time());
  const before = Date.now();
  const [seconds, microseconds] = await answered('TIME', server.time());
  const after = Date.now();
  return Math.round(Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (before + after) / 2);
}

function fieldsOf(info: string): Map<string, string> {
  return new Map(
    info.split('\r\n').flatMap((line) => {
      const [, name, value] = /^([^#:]+):(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** The place behind all of a server's names, of which 0 would be the first. */
const END = 'end';

/** The names of one server. A cursor means something to the server that gave it alone. */
function serverLane(server: Redis, pattern: string): Lane<readonly string[]> {
  const { host, port } = server.options;
  return {
    name: `${host}:${port} ${pattern}`,
    async *portions(after = '0') {
      for (let cursor = after; cursor !== END; ) {
        const scanned = server.scan(cursor, 'MATCH', pattern, 'COUNT', NAMES_AT_ONCE);
        const [next, portion] = await answered('SCAN', scanned);
        cursor = next === '0' ? END : next;
        if (portion.length > 0) yield { portion, place: cursor };
      }
    },
  };
}

/** Waits, with a timer that keeps the process alive. */
async function answered<T>(command: string, reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CacheError(`The cache did not answer ${command}.`)), STALL_MS);
  });
  try {
    return await Promise.race([reply, silence]);
  } catch (thrown) {
    if (thrown instanceof CacheError) throw thrown;
    if (toError(thrown).name !== 'ReplyError') {
      throw new CacheError(`The cache cannot be reached: it went away at ${command}.`);
    }
    throw new CacheError(`The cache refused ${command}: ${withoutArguments(toError(thrown))}.`, {
      answered: true,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Keys of another type than text, which are none of ours, come as errors. */
type Reply = readonly [
  value: string | null | Error,
  ttlMs: number,
  guard: string | null | Error,
  now: string,
];

function lookOf([value, ttlMs, guard, time]: Reply): Look {
  const now = Number(time);
  return {
    value: typeof value === 'string' ? value : undefined,
    ttlMs: ttlMs > 0 ? ttlMs : undefined,
    guard: guard === null ? undefined : guardOf(guard, now),
    now,
  };
}

/** A guard has the same words here as behind an entry of memcached, where the value's end comes first. */
function guardOf(guard: string | Error, now: number): Look['guard'] {
  if (guard instanceof Error) return 'damaged';
  const entry = decodeEntry(`\n~- ${guard}`, now);
  return entry === 'damaged' ? entry : entry.guard;
}

import type { Cluster, Redis } from 'ioredis';
import { CacheError, toError } from '../errors.js';
import { guardKey } from '../key.js';
import { decodeEntry } from '../store/cas/entry.js';
import type { Connection } from '../store/redis/connection.js';
import { ioredisWire } from '../store/redis/ioredis-wire.js';
import { script } from '../store/redis/script.js';
import { redisStore } from '../store/redis/store.js';
import { type Call, withoutArguments } from '../store/redis/wire.js';
import lookText from './look.lua?raw';
import type { Look, Operated } from './operated.js';

const LOOK = script(lookText);

/** For how long a server may say nothing, in milliseconds. */
const STALL_MS = 4_000;
/** How many names a server goes through at once: it answers nobody else meanwhile, for less than a millisecond. */
const NAMES_AT_ONCE = 1_000;

/** A Redis or Valkey server, or a cluster of them. */
export function operatedRedis(connection: Connection): Operated {
  const wire = ioredisWire(connection, STALL_MS);
  const store = redisStore(wire);
  return {
    store,

    async *list(prefix) {
      const [probe] = await store.get([prefix]); // connects, and says why where it cannot
      if (probe instanceof CacheError) throw probe;
      const client = connection.client();
      const pattern = `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
      for (const server of client.isCluster ? (client as Cluster).nodes('master') : [client as Redis]) {
        let cursor = '0';
        do {
          const scanned = server.scan(cursor, 'MATCH', pattern, 'COUNT', NAMES_AT_ONCE);
          const [next, names] = await answered(scanned);
          cursor = next;
          if (names.length > 0) yield names;
        } while (cursor !== '0');
      }
    },

    async look(keys) {
      const callAt = (position: number): Call => {
        const key = keys[position] as string;
        return { positions: [position], keys: [key, guardKey(key)], args: [], command: LOOK };
      };
      const answers = await wire.send(
        {
          count: keys.length,
          keyAt: (position) => keys[position] as string,
          *calls(positions) {
            for (const position of positions) yield callAt(position);
          },
        },
        {},
      );
      return answers.map((answer) => (answer instanceof CacheError ? answer : lookOf(answer as Reply)));
    },
    close: () => wire.close(),
  };
}

/** Waits, with a timer that keeps the process alive. */
async function answered<T>(reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CacheError('The cache did not answer a SCAN.')), STALL_MS);
  });
  try {
    return await Promise.race([reply, silence]);
  } catch (thrown) {
    if (thrown instanceof CacheError) throw thrown;
    throw new CacheError(`The cache refused a SCAN: ${withoutArguments(toError(thrown))}.`, {
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

import { CacheError } from '../errors.js';
import { guardKey } from '../key.js';
import { decodeEntry } from '../store/cas/entry.js';
import { script } from '../store/redis/script.js';
import type { Call, Wire } from '../store/redis/wire.js';
import lookText from './look.lua?raw';
import type { Look, Operated } from './operated.js';

const LOOK = script(lookText);

/** A Redis or Valkey server, or a cluster of them. */
export function operatedRedis(wire: Wire): Operated {
  return {
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

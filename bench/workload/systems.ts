import { simple } from '../../proof/simulation/baselines.js';
import { pair } from '../../proof/simulation/pair.js';
import type { NewSystem } from '../../proof/simulation/system.js';
import { skOf, type Table } from '../../proof/simulation/table.js';

/** A way to cache the table. */
export interface Contender {
  readonly name: string;
  readonly newSystem: (table: Table) => NewSystem;
  readonly ttlSeconds: number;
  readonly isOurs?: boolean;
  readonly writeThrough?: boolean;
  /** It runs in the program without what keeps hot items cached. */
  readonly isBefore?: boolean;
}

const HOUR = 3_600;
const ours = { newSystem: () => pair, ttlSeconds: HOUR, isOurs: true };
const usual = (parts: Parameters<typeof simple>[0], ttlSeconds: number) => ({
  newSystem: () => simple(parts),
  ttlSeconds,
});

export const CONTENDERS: readonly Contender[] = [
  { name: 'no cache', ...usual({}, HOUR) },
  { name: 'read-through, TTL of 60 s', ...usual({ fills: true }, 60) },
  { name: 'write-through, TTL of 5 min', ...usual({ fills: true, storesOwnWrites: true }, 300) },
  { name: 'SET and DEL per record, read-through', ...usual({ fills: true, setsFromStream: true }, HOUR) },
  { name: 'this pair, without hot-item rules', ...ours, isBefore: true },
  { name: 'this pair', ...ours },
  { name: 'this pair, writes through', ...ours, writeThrough: true },
  { name: 'the limit: told of each write', newSystem: oracle, ttlSeconds: HOUR },
];

/** A cache that knows every write at once, and has all that was ever read or written. */
function oracle(table: Table): NewSystem {
  return (_world, line) => {
    const known = new Set<string>();
    let told = 0;
    const listen = () => {
      for (; told < table.changes.length; told += 1) known.add(table.changes[told]?.sk as string);
    };
    return {
      handler: undefined,
      newClient: () => ({
        unconfirmedWrites: 0,
        async send(command, input, next) {
          if (command !== 'GetItemCommand' || input.Key === undefined) return next(command, input);
          const sk = skOf(input.Key);
          await line.call(listen);
          if (!known.has(sk)) {
            known.add(sk);
            return next(command, input);
          }
          const Item = table.items.get(sk)?.latest.image;
          return { $metadata: {}, ...(Item && { Item }) };
        },
      }),
      cached: () => undefined,
      evict() {},
      clear() {},
    };
  };
}

import type { Process } from './process.js';
import type { System } from './system.js';
import { type Input, imageOf, keyOf, TABLE, type Table } from './table.js';
import type { World } from './world.js';

/** What happens in one phase of a run: each returns when the phase is over and nothing of it is under way. */
export interface Activity {
  /** Reads through a process, of all kinds. */
  reads(process: Process): Promise<void>;
  /** Writes through a process. */
  ownWrites(process: Process): Promise<void>;
  /** Writes that the processes do not see, and the end of items whose time is over. */
  directWrites(): Promise<void>;
  evictions(): Promise<void>;
}

/** How many times activity and rest follow each other. */
export const PHASES = 3;

export function newActivity(world: World, table: Table, system: System, phase: number): Activity {
  const { weather, time } = world;
  const names = [...table.items.keys()];
  const end = time.now() + weather.activityMs / PHASES;

  async function again(
    every: number,
    purpose: string,
    act: (random: ReturnType<World['random']>) => unknown,
  ) {
    const random = world.random(`${purpose} in phase ${phase}`);
    const underWay: unknown[] = [];
    if (every === Number.POSITIVE_INFINITY) return;
    while (true) {
      await time.sleep(random.wait(every));
      if (time.now() >= end) break;
      const acted = act(random);
      // Some do one thing at a time, and some do not wait.
      if (random.chance(0.7)) await acted;
      else underWay.push(acted);
    }
    await Promise.all(underWay);
  }

  let processes = 0;
  return {
    reads: (process) =>
      again(weather.every.readMs, `reads ${processes++}`, (random) => {
        const sk = random.pick(names);
        if (random.chance(weather.queries)) return process.query();
        return random.chance(0.2) ? process.batchGet(names) : process.get(sk);
      }),

    ownWrites: (process) =>
      again(weather.every.ownWriteMs, `writes ${processes++}`, async (random) => {
        const sk = random.pick(names);
        await process.write(...writeOf(table, sk, random.next(), names));
        if (random.chance(0.7)) await process.get(sk);
      }),

    directWrites: () =>
      again(weather.every.directWriteMs, 'direct', async (random) => {
        const sk = random.pick(names);
        const history = table.items.get(sk);
        if (history === undefined) return;
        if (random.chance(weather.deletes)) return table.write(sk, undefined);
        const expires = random.chance(weather.expiring)
          ? Math.floor(time.now() / 1000) + random.integer(1, 20)
          : undefined;
        const before = history.latest.image;
        table.write(sk, imageOf(history, sk, expires));
        if (before !== undefined && random.chance(weather.returning)) {
          await time.sleep(random.between(0, 2_500));
          return table.write(sk, before);
        }
        if (expires !== undefined)
          void expire(sk, history.states.length - 1, 1000 * expires + random.between(0, 10_000));
      }),

    evictions: () =>
      again(weather.every.evictionMs, 'evictions', (random) => {
        const sk = random.pick(names);
        world.tell(() => `cache: ${sk} is evicted`);
        system.evict(sk);
      }),
  };

  /** DynamoDB deletes an item some time after its time is over, unless it has been written again. */
  async function expire(sk: string, position: number, at: number): Promise<void> {
    await time.sleep(at - time.now());
    if (table.items.get(sk)?.states.length === position + 1) table.write(sk, undefined, true);
  }
}

/** A write of an item, in one of the ways that DynamoDB has. */
function writeOf(
  table: Table,
  sk: string,
  chance: number,
  names: readonly string[],
): [command: string, input: Input, names: readonly string[]] {
  const image = (name: string) => imageOf(table.items.get(name) as never, name);
  const Key = keyOf(sk);
  if (chance < 0.5) return ['PutItemCommand', { TableName: TABLE, Item: image(sk) }, [sk]];
  if (chance < 0.6) return ['UpdateItemCommand', { TableName: TABLE, Key, ReturnValues: 'ALL_NEW' }, [sk]];
  if (chance < 0.7) return ['UpdateItemCommand', { TableName: TABLE, Key }, [sk]];
  if (chance < 0.8) return ['DeleteItemCommand', { TableName: TABLE, Key }, [sk]];
  const Puts = names.map((name) => ({ Item: image(name) }));
  if (chance < 0.9) {
    const requests = Puts.map((PutRequest) => ({ PutRequest }));
    return ['BatchWriteItemCommand', { RequestItems: { [TABLE]: requests } }, names];
  }
  const TransactItems = Puts.map((Put) => ({ Put: { TableName: TABLE, ...Put } }));
  return ['TransactWriteItemsCommand', { TransactItems }, names];
}

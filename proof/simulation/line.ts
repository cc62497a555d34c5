import type { World } from './world.js';

/**
 * The way to the cache and back. Calls take time, a few of them very long: their caller has given up then, and what
 * they ask for is done all the same. Some fail, half of them after they were carried out. A restart cuts the
 * connections, so that what has not arrived by then never does, and takes its time.
 */
export interface Line {
  /** @throws Error when the call fails */
  call<T>(work: () => T | Promise<T>): Promise<T>;
  restart(downMs: number): void;
  /** Calls that have not come to their end. */
  readonly underWay: number;
}

export function newLine(world: World): Line {
  const { weather, time } = world;
  const random = world.random('line');
  const { latencyMs, slow, failing } = weather.cache;
  let connection = 0;
  let downUntil = 0;
  let underWay = 0;

  const travel = () =>
    time.sleep(
      !world.isHealed && random.chance(slow.share) ? random.between(0, slow.ms) : random.wait(latencyMs),
    );

  return {
    async call(work) {
      const { fails, isLost } = world.isHealed
        ? { fails: false, isLost: false }
        : { fails: random.chance(failing), isLost: random.chance(0.5) };
      const connected = connection;
      underWay += 1;
      try {
        await travel();
        if (connected !== connection || time.now() < downUntil) throw new Error('The connection was closed.');
        if (fails && isLost) throw new Error('The connection was reset.');
        const result = await work();
        await travel();
        if (connected !== connection || fails) throw new Error('The connection was reset.');
        return result;
      } finally {
        underWay -= 1;
      }
    },
    restart(downMs) {
      connection += 1;
      downUntil = time.now() + downMs;
    },
    get underWay() {
      return underWay;
    },
  };
}

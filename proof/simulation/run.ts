import { newActivity, PHASES } from './activity.js';
import { newLine } from './line.js';
import { newMapping } from './mapping.js';
import { newProcess, type Process } from './process.js';
import type { NewSystem } from './system.js';
import { newTable } from './table.js';
import { newWatch, type Violation } from './watch.js';
import type { Mode } from './weather.js';
import { newWorld } from './world.js';

/** What came of one run. */
export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly longestStalenessMs: number;
  readonly hits: number;
  readonly misses: number;
  /** Items that DynamoDB was asked for. */
  readonly itemsRead: number;
}

/**
 * One run of a system in the weather of its seed. Phases of activity are followed by rest: everything that is under way
 * comes to its end, and the cache is compared with the table. At the end the whole past is delivered again.
 */
export async function run(
  newSystem: NewSystem,
  mode: Mode,
  seed: number,
  story?: (line: string) => void,
): Promise<Outcome> {
  const world = newWorld(seed, mode, story);
  const table = newTable(world);
  const line = newLine(world);
  const system = newSystem(world, line);
  const watch = newWatch(world, table);
  world.tell(() => JSON.stringify(world.weather));

  async function wholeRun(): Promise<void> {
    const { weather, time } = world;
    const mapping = newMapping(world, table, system.handler ?? (async () => ({ batchItemFailures: [] })));
    const processes = Array.from({ length: weather.processes }, (_, by) =>
      newProcess(by, world, table, system, watch),
    );
    for (let phase = 1; phase <= PHASES; phase += 1) {
      world.isHealed = false;
      const activity = newActivity(world, table, system, phase);
      await Promise.all([
        activity.directWrites(),
        activity.evictions(),
        ...processes.flatMap((process) => [activity.reads(process), activity.ownWrites(process)]),
        ...(phase === 2 ? weather.cache.restartsAt.map(restart) : []),
      ]);
      world.isHealed = true;
      if (weather.expiring > 0) await time.sleep(EXPIRED_MS);
      while (!mapping.isIdle) await time.sleep(1_000);
      await compareAtRest('convergence', processes);
    }

    // What a cache without its guards makes of replays is a limit that the docs name.
    if (world.restarts > 0) return;
    const reading = Promise.all(processes.map(readAfterwards));
    await mapping.repeatAll();
    await reading;
    await compareAtRest('replay-proof', processes);
  }

  /** What is under way comes to its end; then what is cached must be what the table holds. */
  async function compareAtRest(
    promise: 'convergence' | 'replay-proof',
    processes: readonly Process[],
  ): Promise<void> {
    while (line.underWay > 0) await world.time.sleep(1_000);
    watch.compare(promise, 'item', system.cached);
    const result = await processes[0]?.query();
    if (result !== undefined) watch.compare(promise, 'query', (sk) => result.get(sk) ?? null);
  }

  async function restart(at: number): Promise<void> {
    await world.time.sleep(at);
    world.tell(() => 'cache: restarts with nothing in it');
    system.clear();
    watch.forget();
    world.restarts += 1;
    // As long as replicas may lag: a cache without guards does not know what to read strongly.
    const downMs = 1000 * world.weather.settleSeconds;
    line.restart(downMs);
    await world.time.sleep(downMs);
  }

  async function readAfterwards(process: Process): Promise<void> {
    for (let read = 0; read < 3; read += 1) {
      await world.time.sleep(700);
      await process.batchGet([...table.items.keys()]);
      await process.query();
    }
  }

  await world.time.run(wholeRun());
  const { violations, longestStalenessMs, hits, misses } = watch;
  return { seed, violations, longestStalenessMs, hits, misses, itemsRead: table.itemsRead };
}

/** Until the last item whose time was over has been deleted. */
const EXPIRED_MS = 31_000;

import { parentPort } from 'node:worker_threads';
import { run } from './simulation/run.js';
import { SYSTEMS } from './systems.js';
import { add, NOTHING, type Task, tallyOf } from './task.js';

/** Does the tasks that it is sent, one after the other. */
parentPort?.on('message', async ({ system, mode, seeds }: Task) => {
  const newSystem = SYSTEMS[system];
  if (newSystem === undefined) throw new Error(`There is no system ${system}.`);
  let tally = NOTHING;
  for (let seed = seeds.from; seed < seeds.to; seed += 1) {
    tally = add(tally, tallyOf(await run(newSystem, mode, seed)));
  }
  parentPort?.postMessage(tally);
});

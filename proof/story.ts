import { run } from './simulation/run.js';
import type { Weather } from './simulation/weather.js';
import { SYSTEMS } from './systems.js';

/** Runs one seed and tells what happens, line by line. */
export async function story(
  system: string,
  mode: Weather['mode'],
  seed: number,
  tell: (line: string) => void,
): Promise<void> {
  const newSystem = SYSTEMS[system];
  if (newSystem === undefined) throw new Error(`There is no system ${system}.`);
  await run(newSystem, mode, seed, tell);
}

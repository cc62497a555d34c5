import { run } from './simulation/run.js';
import type { Mode } from './simulation/weather.js';
import { SYSTEMS } from './systems.js';

/** Runs one seed and tells what happens, line by line. */
export async function story(
  system: string,
  mode: Mode,
  seed: number,
  tell: (line: string) => void,
): Promise<void> {
  const newSystem = SYSTEMS[system];
  if (newSystem === undefined) throw new Error(`There is no system ${system}.`);
  await run(newSystem, mode, seed, tell);
}

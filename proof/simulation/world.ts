import { newRandom, type Random } from '../random.js';
import { newVirtualTime, type VirtualTime } from './virtual-time.js';
import { type Mode, newWeather, type Weather } from './weather.js';

/** What everything in one run shares. */
export interface World {
  readonly weather: Weather;
  readonly time: VirtualTime;
  readonly start: number;
  /** Chance by purpose, so that what one part draws does not change another. */
  random(purpose: string): Random;
  /** Notes a line of the story, where it is wanted. */
  tell(line: () => string): void;
  /** From the end of the activity on nothing fails any more, so that all can be brought to its end. */
  isHealed: boolean;
  /** How often the cache has lost its memory. */
  restarts: number;
}

/** @param story where the story goes, line by line; it is not told otherwise */
export function newWorld(seed: number, mode: Mode, story?: (line: string) => void): World {
  return worldIn(newWeather(newRandom(seed, 'weather'), mode), seed, story);
}

/** The same in a weather that is not left to chance. */
export function worldIn(weather: Weather, seed: number, story?: (line: string) => void): World {
  const time = newVirtualTime();
  const start = time.now();
  const jitter = newRandom(seed, 'Math.random');
  Math.random = jitter.next;
  return {
    weather,
    time,
    start,
    random: (purpose) => newRandom(seed, purpose),
    tell(line) {
      story?.(`${((time.now() - start) / 1000).toFixed(3).padStart(9)}  ${line()}`);
    },
    isHealed: false,
    restarts: 0,
  };
}

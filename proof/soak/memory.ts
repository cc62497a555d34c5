import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Heap in use after garbage collection, in bytes. */
export function heapInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** What may be added to a heap between the middle of a soak and its end without being called a leak, in bytes. */
const TOLERANCE = 8 * 1024 * 1024;

/** Whether figures taken one after the other go on rising: compares the last third with the one before. */
export function isGrowing(figures: readonly number[], tolerance = TOLERANCE): boolean {
  const third = Math.floor(figures.length / 3);
  if (third < 2) return false;
  return median(figures.slice(-third)) > median(figures.slice(-2 * third, -third)) + tolerance;
}

export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

import { onTestFinished } from 'vitest';

/** Hands a thing through, and has it cleaned up when the test that is running has ended: the last one first. */
export function afterwards<T>(thing: T, cleanUp: (thing: T) => unknown): T {
  onTestFinished(async () => {
    await cleanUp(thing);
  });
  return thing;
}

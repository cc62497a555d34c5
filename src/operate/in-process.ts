import { operatedCas } from './cas.js';
import { mapDriver } from './map-driver.js';
import type { Operated } from './operated.js';

/** A cache in the memory of this process, which tells what it has. */
export function operatedMemory(): Operated {
  const driver = mapDriver();
  return {
    ...operatedCas(driver),
    async *list(prefix) {
      yield [...driver.entries.keys()].filter((name) => name.startsWith(prefix));
    },
  };
}

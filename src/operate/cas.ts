import { CacheError } from '../errors.js';
import type { Driver } from '../store/cas/driver.js';
import { decodeEntry } from '../store/cas/entry.js';
import { casStore } from '../store/cas/store.js';
import type { Operated } from './operated.js';

/** A cache that can only compare and set. How long a value without a guard still lives, it does not say. */
export function operatedCas(driver: Driver): Operated {
  return {
    store: casStore(driver),
    async look(keys) {
      const texts = await driver.get(keys);
      const now = Date.now();
      return texts.map((text) => {
        if (text instanceof CacheError) return text;
        const entry = text === undefined ? undefined : decodeEntry(text, now);
        if (entry === 'damaged') return { value: undefined, ttlMs: undefined, guard: entry, now };
        return {
          value: entry?.value,
          ttlMs: entry?.endsAt === undefined ? undefined : entry.endsAt - now,
          guard: entry?.guard,
          now,
        };
      });
    },
    close: () => driver.close(),
  };
}

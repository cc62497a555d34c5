import type { Report, StreamCacheConfig } from '../../src/index.js';
import type { CacheStore } from '../../src/store/store.js';

/** Stands in attribute values that are not keys: it may turn up nowhere but in stored values. */
export const ITEM_SECRET = 'canary-of-items';
/** Stands in key values: logs may have it at debug level only. */
export const KEY_SECRET = 'canary-of-keys';
export const NAMESPACE = 'fuzz';

/**
 * Hears all that handler or middleware say, and sees which keys they use. A PutItem of a table whose keys
 * are neither declared nor learned voids every item that its attributes could be the key of, and reports those keys: they are
 * left out.
 */
export interface Witness {
  /** Logger, listener and namespace to configure them with. */
  readonly config: StreamCacheConfig;
  /** The store in whose place it stands. */
  watch(store: CacheStore): CacheStore;
  /** What it has seen that must not be, and forgets all it saw. */
  complaint(): string | undefined;
}

export function newWitness(): Witness {
  let publicWords: unknown[] = [];
  let debugWords: unknown[] = [];
  let keys = new Set<string>();
  const say = (...words: unknown[]) => publicWords.push(words);
  return {
    config: {
      namespace: NAMESPACE,
      logger: { info: say, warn: say, error: say, debug: (...words: unknown[]) => debugWords.push(words) },
      onReport: (report: Report) =>
        debugWords.push(report.type === 'void' ? { ...report, keys: [] } : report),
    },
    watch: (store) => watched(store, (key) => keys.add(key)),
    complaint() {
      const logged = textOf(publicWords);
      const detailed = textOf(debugWords);
      const stray = [...keys].find(
        (key) => !/^(?:fuzz:|\{fuzz:[^{}]*\}:(?:result:|(?:keys|switch)$))/.test(key),
      );
      publicWords = [];
      debugWords = [];
      keys = new Set();
      if (stray !== undefined) return `the key ${stray} is outside of the namespace`;
      if (hasSecret(logged, ITEM_SECRET)) return `a log has an item's contents: ${logged}`;
      if (hasSecret(logged, KEY_SECRET)) return `a log above debug level has a key: ${logged}`;
      if (hasSecret(detailed, ITEM_SECRET))
        return `a report or debug log has an item's contents: ${detailed}`;
      return undefined;
    },
  };
}

/** In any spelling that the cache or the stream has for it. */
export function hasSecret(text: string, secret: string): boolean {
  const spellings = [
    secret,
    Buffer.from(secret).toString('base64').slice(0, 16),
    Buffer.from(secret).toString('hex'),
  ];
  return spellings.some((spelling) => text.includes(spelling));
}

function textOf(words: readonly unknown[]): string {
  return words.length === 0
    ? ''
    : JSON.stringify(words, (_, value) => (value instanceof Error ? wordsOf(value) : value));
}

function wordsOf(error: Error): object {
  return { ...error, name: error.name, message: error.message, cause: error.cause };
}

/** Every method of a store is given texts, or objects with a key. */
function watched(store: CacheStore, note: (key: string) => void): CacheStore {
  return new Proxy(store, {
    get(target, method: keyof CacheStore) {
      const call = target[method] as (...args: unknown[]) => unknown;
      return (inputs: readonly (string | { key: string })[] = [], ...rest: unknown[]) => {
        for (const input of inputs) note(typeof input === 'string' ? input : input.key);
        return call.call(target, inputs, ...rest);
      };
    },
  });
}

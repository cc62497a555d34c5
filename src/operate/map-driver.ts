import { randomUUID } from 'node:crypto';
import type { Driver, NewEntry } from '../store/cas/driver.js';

/** A cache that can compare and set, in a map: what a driver has to do, and no more. */
export function mapDriver(now: () => number = Date.now): Driver & { readonly entries: Map<string, Stored> } {
  const entries = new Map<string, Stored>();
  const stored = (key: string) => {
    const entry = entries.get(key);
    return entry !== undefined && entry.expiresAt > now() ? entry : undefined;
  };
  const store = ({ key, text, ttlMs }: NewEntry) => {
    entries.set(key, { text, token: randomUUID(), expiresAt: now() + ttlMs });
  };
  return {
    entries,
    get: async (keys) => keys.map((key) => stored(key)?.text),
    read: async (keys) => keys.map(stored),
    create: async (created) =>
      created.map((entry) => {
        if (stored(entry.key) === undefined) store(entry);
        return stored(entry.key) as Stored;
      }),
    replace: async (replacements) =>
      replacements.map((replacement) => {
        if (stored(replacement.key)?.token !== replacement.token) return 'conflict';
        store(replacement);
        return 'done';
      }),
    delete: async (keys) =>
      keys.map((key) => {
        entries.delete(key);
        return 'done';
      }),
    close: async () => {},
  };
}

interface Stored {
  readonly text: string;
  readonly token: string;
  readonly expiresAt: number;
}

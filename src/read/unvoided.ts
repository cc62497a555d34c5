/**
 * Keys and tags of local writes that the cache did not confirm to have voided: what it holds for them may be older
 * than this process's own writes. Kept until they are voided after all, or until all that was cached before has ended:
 * the stream may be hours behind.
 */
export interface Unvoided {
  readonly isEmpty: boolean;
  /** The note of a name, if there is one; a later write makes another. */
  note(name: string): Note | undefined;
  add(names: Iterable<string>): void;
  /** Forgets a name that has been voided, unless another write was noted meanwhile. */
  remove(name: string, note: Note): void;
}

export interface Note {
  readonly until: number;
}

/** Beyond so many the oldest are given up; the stream brings their writes all the same. */
const MOST = 100_000;

export function newUnvoided(keepMs: number, now: () => number = Date.now): Unvoided {
  const notes = new Map<string, Note>();
  return {
    get isEmpty() {
      return notes.size === 0;
    },
    note(name) {
      const note = notes.get(name);
      if (note === undefined || now() < note.until) return note;
      notes.delete(name);
      return undefined;
    },
    add(names) {
      for (const name of names) {
        notes.delete(name); // so that it becomes the newest
        notes.set(name, { until: now() + keepMs });
      }
      for (const oldest of notes.keys()) {
        if (notes.size <= MOST) break;
        notes.delete(oldest);
      }
    },
    remove(name, note) {
      if (notes.get(name) === note) notes.delete(name);
    },
  };
}

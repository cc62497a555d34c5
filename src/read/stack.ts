/** One middleware of a stack of the SDK's, and where it stands. */
export interface Entry {
  readonly middleware: unknown;
  readonly name?: string;
  /** Where it stands by itself: in which step, and how early in it. */
  readonly step?: string;
  readonly priority?: string;
  /** Where it stands by another: which, and on which side of it. */
  readonly toMiddleware?: string;
  readonly relation?: string;
}

/** A stack, as far as it can be asked for its middlewares. */
export interface Stack {
  applyToStack(stack: object): void;
}

/**
 * The middlewares of stacks that the SDK puts together, in the order of their addition; a later takes the place of one of its name.
 * Stacks may be given as what was found in them before. Each call asks, since a stack may change at any time: hence no copies.
 */
export function entriesOf(...sources: readonly (Stack | readonly Entry[])[]): Entry[] {
  const entries = new Map<unknown, Entry>();
  const add = (middleware: unknown, options: Partial<Entry> = {}) => {
    const key = options.name ?? {};
    entries.delete(key);
    // The SDK hands over a copy of its own, and names the middleware in it.
    entries.set(key, options.middleware === middleware ? (options as Entry) : { ...options, middleware });
  };
  for (const source of sources) {
    if ('applyToStack' in source) source.applyToStack({ add, addRelativeTo: add });
    else for (const entry of source) add(entry.middleware, entry);
  }
  return [...entries.values()];
}

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

/** The middlewares of stacks that the SDK puts together, in the order of their addition; a later takes the place of one of its name. */
export function entriesOf(...stacks: readonly Stack[]): Entry[] {
  let entries: Entry[] = [];
  const names = new Set<string>();
  const add = (middleware: unknown, options: Omit<Entry, 'middleware'> = {}) => {
    const { name } = options;
    if (name !== undefined && names.has(name)) entries = entries.filter((entry) => entry.name !== name);
    if (name !== undefined) names.add(name);
    entries.push({ ...options, middleware });
  };
  for (const stack of stacks) stack.applyToStack({ add, addRelativeTo: add });
  return entries;
}

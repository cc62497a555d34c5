/** Calls a function of the caller's whose failure, now or later, must not disturb the work. */
export function undisturbed(call: () => unknown): void {
  try {
    ignoreRejection(call());
  } catch {
    // It is not the cache's.
  }
}

/**
 * Takes the sting out of a promise that a function of the caller's gave where a value was expected: nobody waits for it, and
 * Node ends a process in which one is rejected unheard.
 */
export function ignoreRejection(given: unknown): void {
  if (given instanceof Promise) given.catch(() => {});
}

/** Calls a function of the caller's whose failure, now or later, must not disturb the work. */
export function undisturbed(call: () => unknown): void {
  try {
    ignoreRejection(call());
  } catch {
    // It is not the cache's.
  }
}

/** A function of the caller's that may give a promise where a value is expected, which is then refused. */
export function heard<A extends unknown[], R>(
  call: ((...args: A) => R) | undefined,
): ((...args: A) => R) | undefined {
  return (
    call &&
    ((...args) => {
      const given = call(...args);
      ignoreRejection(given);
      return given;
    })
  );
}

/** Nobody waits for it, and Node ends a process in which a promise is rejected unheard. */
function ignoreRejection(given: unknown): void {
  if (given instanceof Promise) given.catch(() => {});
}

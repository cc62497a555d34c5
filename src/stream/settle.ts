import { CacheError, toError } from '../errors.js';
import type { CallOptions, Settled } from '../store/store.js';

/**
 * A store's answers. A store of the caller's that rejects, or is not done by the deadline, has confirmed nothing.
 */
export async function settle<T>(
  count: number,
  { deadline }: CallOptions,
  call: () => Promise<Settled<T>[]>,
): Promise<Settled<T>[]> {
  if (count === 0) return [];
  const nothing = (why: string, cause?: unknown) =>
    new Array<CacheError>(count).fill(new CacheError(`The cache confirmed nothing: ${why}.`, { cause }));
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Settled<T>[]>((resolve) => {
    if (deadline === undefined) return;
    // A little after the deadline, which is the store's own time to answer with what it has.
    const patience = Math.max(0, deadline - Date.now()) + 50;
    timer = setTimeout(() => resolve(nothing('the time of the invocation was over')), patience);
  });
  try {
    return await Promise.race([call(), tooLate]);
  } catch (thrown) {
    return nothing(`the store threw ${toError(thrown).name}`, thrown);
  } finally {
    clearTimeout(timer);
  }
}

import { CacheError } from '../errors.js';
import type { Settled } from '../store/store.js';

/**
 * Answers of which none may be missing.
 *
 * @throws CacheError the first one among them
 */
export function confirmed<T>(answers: readonly Settled<T>[]): T[] {
  const failure = answers.find((answer) => answer instanceof CacheError);
  if (failure !== undefined) throw failure;
  return answers as T[];
}

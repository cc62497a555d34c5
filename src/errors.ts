/** What every error of this package has in common: a `code` to branch on, and the cause where there is one. */
export class StreamCacheError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An option or environment variable is unknown, missing or contradicts another. Thrown at construction. */
export class ConfigError extends StreamCacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('CONFIG_INVALID', message, options);
  }
}

/** The invocation's event is not one that a DynamoDB stream delivers. Thrown before anything is applied. */
export class EventError extends StreamCacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('EVENT_INVALID', message, options);
  }
}

/** No cache key can be made of what was given. */
export class KeyError extends StreamCacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('KEY_INVALID', message, options);
  }
}

/** An item cannot be stored without losing something, or is not an item at all. */
export class EncodeError extends StreamCacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('ITEM_NOT_ENCODABLE', message, options);
  }
}

/**
 * The cache did not confirm an operation: unreachable, too slow, or it answered with an error. The operation may
 * or may not have happened, so it has to be repeated; every operation of a store is safe to repeat.
 */
export class CacheError extends StreamCacheError {
  /** The cache is there, but said no: it is full, or read-only, or does not know what was asked. */
  readonly answered: boolean;

  constructor(message: string, { answered = false, ...options }: ErrorOptions & { answered?: boolean } = {}) {
    super('CACHE_UNAVAILABLE', message, options);
    this.answered = answered;
  }
}

/** Whether an answer of a store says that the cache did not confirm, whichever copy of this package made the store. */
export function isCacheError(answer: unknown): answer is CacheError {
  return answer instanceof Error && 'code' in answer && answer.code === 'CACHE_UNAVAILABLE';
}

/** Whatever was thrown, as an `Error`: code of the caller's may throw anything. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

import { StreamCacheError } from '../errors.js';

/** The stream is not there, cannot be read, or was let go before what was asked of it was done. */
export class StreamError extends StreamCacheError {
  constructor(message: string, options?: ErrorOptions) {
    super('STREAM_UNAVAILABLE', message, options);
  }
}

import { NewStreamCacheHandler, type StreamCacheHandler } from './stream/handler.js';

/** The stream handler without any code: configured by the environment alone. */
export const handler: StreamCacheHandler = NewStreamCacheHandler();

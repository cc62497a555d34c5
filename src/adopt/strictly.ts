import { ConfigError } from '../errors.js';
import type { Attach } from './client-class.js';
import { NOT_ATTACHED, watchCalls } from './passing-calls.js';

/** A call that does not pass the middleware fails before it is sent. */
export function strictly(): (attach: Attach) => Attach {
  watchCalls((request) => request.destroy(new ConfigError(NOT_ATTACHED)));
  return (attach) => attach;
}

import { defaultLogger } from '../config.js';
import { toError } from '../errors.js';
import { reporter } from '../report.js';
import type { Attach } from './client-class.js';
import { NOT_ATTACHED, watchCalls } from './passing-calls.js';

/** Each call is made, whatever becomes of the middleware. Of the first that does not pass it the log says so. */
export function leniently(): (attach: Attach) => Attach {
  const logger = defaultLogger();
  const unwatch = watchCalls(() => {
    unwatch();
    reporter(undefined)({ type: 'left-alone', reason: 'not-attached' });
    logger.error('Reads go straight to DynamoDB', { remedy: NOT_ATTACHED });
  });
  const said = new Set<string>();
  return (attach) => (stack) => {
    try {
      attach(stack);
    } catch (cause) {
      const { message } = toError(cause);
      if (!said.has(message)) logger.error('A client has no caching middleware', { reason: message });
      said.add(message);
    }
  };
}

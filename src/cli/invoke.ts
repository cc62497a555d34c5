import { type StreamCacheError, toError } from '../errors.js';
import { CommandError } from './command-error.js';
import { localContext } from './context.js';
import { readEventFiles } from './event-files.js';
import { hasFailures, type Invocation, invokeOnce } from './invocation.js';
import { closingText, invocationText, openingText } from './invocation-text.js';
import { INVOKE_HELP, invokeOptions } from './invoke-options.js';
import { jsonDocument } from './json-document.js';
import { restamp } from './restamp.js';
import type { Run } from './run.js';
import { openTarget } from './target.js';
import type { Terminal } from './terminal.js';

/**
 * `stream-cache invoke`: one invocation per event file, in order, on one cache.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the handler throws
 */
export async function invoke(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = invokeOptions(args);
  const show = (text: string) => {
    if (!options.json) terminal.print(text);
  };
  if (options.help) {
    terminal.print(INVOKE_HELP);
    return 0;
  }

  const files = await readEventFiles(options.paths);
  const target = await openTarget('invoke', options);
  const run: Run = {
    cache: target.cache,
    handler: options.handler ?? null,
    restamped: !options.asRecorded,
  };
  const invocations: Invocation[] = [];
  try {
    show(openingText(run));
    for (const { file, event } of files) {
      const invocation = await invokeOnce(
        target,
        { file, event: options.asRecorded ? event : restamp(event, Date.now()) },
        localContext(options.timeoutMs),
      ).catch((thrown) => {
        throw handlerError(file, toError(thrown));
      });
      invocations.push(invocation);
      show(invocationText(invocation, terminal));
    }
    show(closingText(invocations, run, terminal));
    if (options.json) terminal.print(jsonDocument(run, invocations));
  } finally {
    await target.store?.close();
  }
  return invocations.some(hasFailures) ? 1 : 0;
}

/** A handler that throws has done nothing that Lambda knows of: the whole batch is delivered again. */
function handlerError(file: string, cause: Error): CommandError {
  const { code } = cause as Partial<StreamCacheError>;
  if (code === 'EVENT_INVALID') {
    return new CommandError(`stream-cache invoke: cannot use ${file}: ${cause.message}`, { cause });
  }
  const message = `stream-cache invoke: the handler threw at ${file}: ${cause.message}. See where with --verbose.`;
  return new CommandError(message, { cause, exitCode: 1 });
}

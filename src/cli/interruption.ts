/**
 * Runs what stops at an interruption of the process once what it has in hand is done, so that it can say what is left. A second
 * interruption ends the process at once.
 */
export async function interruptibly<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = () => {
    off();
    controller.abort();
  };
  const off = () => process.off('SIGINT', abort).off('SIGTERM', abort);
  process.on('SIGINT', abort).on('SIGTERM', abort);
  try {
    return await work(controller.signal);
  } finally {
    off();
  }
}

import { toError } from '../errors.js';
import { switchKey } from '../key.js';
import { confirmed } from '../operate/confirmed.js';
import { type ReaderMode, switchedMode, switchNote } from '../reader-switch.js';
import type { CacheStore } from '../store/store.js';
import { CommandError } from './command-error.js';
import { openOperatedCache } from './operated-cache.js';
import { SWITCH_HELP, switchOptions } from './switch-options.js';
import type { Terminal } from './terminal.js';

/**
 * `stream-cache switch`: how far all readers of a namespace may answer from the cache.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the cache did not confirm it
 */
export async function turnSwitch(args: readonly string[], terminal: Terminal): Promise<number> {
  const { mode, cache, namespace, dryRun, json, help } = switchOptions(args);
  if (help) {
    terminal.print(SWITCH_HELP);
    return 0;
  }
  const { store, close } = await openOperatedCache('switch', cache);
  try {
    const before = await read(store, namespace);
    if (mode !== undefined && !dryRun) await turn(store, namespace, mode);
    const after = await read(store, namespace);
    terminal.print(
      json ? `${JSON.stringify({ before, after, dryRun })}\n` : textOf(before, after, mode, dryRun),
    );
    return 0;
  } catch (thrown) {
    const cause = toError(thrown);
    throw new CommandError(`stream-cache switch: ${cause.message}`, { cause, exitCode: 1 });
  } finally {
    await close();
  }
}

async function read(store: CacheStore, namespace: string | undefined): Promise<ReaderMode> {
  return switchedMode(confirmed(await store.get([switchKey(namespace)]))[0]);
}

async function turn(store: CacheStore, namespace: string | undefined, mode: ReaderMode): Promise<void> {
  confirmed(
    mode === 'on'
      ? await store.delete([switchKey(namespace)])
      : await store.put([switchNote(namespace, mode)]),
  );
}

function textOf(
  before: ReaderMode,
  after: ReaderMode,
  mode: ReaderMode | undefined,
  dryRun: boolean,
): string {
  if (mode === undefined || (before === mode && !dryRun)) return `The switch is at ${after}.\n`;
  if (dryRun) return `The switch is at ${after}, and would be turned to ${mode}.\n`;
  return `The switch was at ${before} and is at ${after}: all readers obey within 5 s.\n`;
}

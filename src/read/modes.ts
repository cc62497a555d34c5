import type { Settings } from '../config.js';
import { switchKey } from '../key.js';
import { READER_MODES, type ReaderMode, switchedMode } from '../reader-switch.js';
import { newBreaker } from './breaker.js';
import { openSession } from './session.js';

/** How reads are answered now, which is a promise while the cache has to be asked first. */
export type Modes = () => ReaderMode | Promise<ReaderMode>;

/** What is known for so long is looked at again while reads go on ... */
const LOOK_AGAIN_MS = 2_000;
/** ... and what is known for so long is not gone by any more: the switch is obeyed within five seconds, the look included. */
const TOO_OLD_MS = 4_000;

/**
 * The mode that the options say, or what the switch in the cache says where that is less. What is not answered changes nothing:
 * such a cache answers no reads either.
 */
export function newModes(settings: Settings, now: () => number = () => Date.now()): Modes {
  const { store, namespace, reader: most, readTimeoutMs, report, logger } = settings;
  if (most === 'off') return () => 'off';

  const key = switchKey(namespace);
  const breaker = newBreaker(() => {}); // of its own: what the reads find of the cache, they say
  let known: ReaderMode = most;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let wasAnswered = true;
  let looking: Promise<ReaderMode> | undefined;

  async function look(): Promise<ReaderMode> {
    const [text] = await openSession(store, breaker, readTimeoutMs).get([key]);
    wasAnswered = !(text instanceof Error);
    if (!(text instanceof Error)) turn(lesser(most, switchedMode(text)));
    lookedAt = now();
    looking = undefined;
    return known;
  }

  function turn(mode: ReaderMode): void {
    if (mode === known) return;
    known = mode;
    report({ type: 'reader-mode', mode });
    logger.warn(SAID[mode], {});
  }

  return () => {
    const ageMs = now() - lookedAt;
    if (ageMs >= 0 && ageMs < LOOK_AGAIN_MS) return known;
    looking ??= look();
    const isRecent = ageMs >= 0 && ageMs < TOO_OLD_MS;
    return isRecent || !wasAnswered ? known : looking;
  };
}

const SAID: Readonly<Record<ReaderMode, string>> = {
  off: 'The switch in the cache is off: the tables answer all reads',
  shadow: 'The switch in the cache is at shadow: the tables answer all reads, and the cache is compared',
  on: 'The switch in the cache is on again: the cache answers reads',
};

function lesser(one: ReaderMode, other: ReaderMode): ReaderMode {
  return READER_MODES.indexOf(one) < READER_MODES.indexOf(other) ? one : other;
}

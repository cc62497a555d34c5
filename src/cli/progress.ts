import { type Options, SingleBar } from 'cli-progress';
import { span } from '../operate/guard-words.js';

/** How far a long command is, on standard error: a bar on a terminal, elsewhere a line now and then. */
export interface Progress {
  update(done: number): void;
  stop(): void;
}

/** Where there is no terminal: to the first line, and between two. */
const LINE_EVERY_MS = 10_000;

/**
 * @param doing what is done, such as `users: compared`
 * @param total of how many; `undefined` when nobody knows
 * @param before how many of them an earlier run has done
 */
export function openProgress(doing: string, total: number | undefined, before = 0): Progress {
  const options: Options = {
    format:
      total === undefined
        ? '{doing} {done}, {rate}/s'
        : '{doing} {done} of about {all}, {rate}/s, {left} left {bar}',
    stream: process.stderr,
    clearOnComplete: true,
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY_MS,
    barsize: 20,
    hideCursor: true,
    emptyOnZero: true,
    gracefulExit: false, // an interruption is the command's own
  };
  const bar = new SingleBar(options);
  const begunAt = performance.now();
  const most = (done: number) => Math.max(total ?? 0, done);
  const texts = (done: number) => {
    const perSecond = (done - before) / ((performance.now() - begunAt) / 1_000);
    const left = perSecond > 0 ? span(((most(done) - done) / perSecond) * 1_000) : '?';
    const [doneText, all, rate] = [done, most(done), Math.round(perSecond)].map((number) =>
      number.toLocaleString('en'),
    );
    return { doing, done: doneText, all, rate, left };
  };
  const start = (done: number) => bar.start(most(done), done, texts(done));
  if (process.stderr.isTTY) start(before);
  return {
    update(done) {
      if (!bar.isActive && performance.now() - begunAt > LINE_EVERY_MS) start(done);
      if (done > bar.getTotal()) bar.setTotal(done);
      bar.update(done, texts(done));
    },
    stop: () => bar.stop(),
  };
}

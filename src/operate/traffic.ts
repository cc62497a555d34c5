import diagnostics from 'node:diagnostics_channel';
import { REPORT_CHANNEL, type Report } from '../report.js';
import { type HotKey, hotKeys } from './hot-keys.js';

/** What a process did with its cache since it was last asked. */
export interface Traffic {
  readonly seconds: number;
  readonly hits: number;
  readonly misses: number;
  readonly records: number;
  /** The keys that were read most, first. */
  readonly hot: readonly HotKey[];
}

/** Keys that are counted at a time; a key with more than a 500th of all reads is always among them. */
const COUNTED = 500;

/**
 * Counts the reads and stream records of this process, whatever clients and handlers it has.
 *
 * @param most how many hot keys are given
 * @example const traffic = watchTraffic(); setInterval(() => show(traffic.take()), 5_000)
 */
export function watchTraffic(most = 5): { take(): Traffic; stop(): void } {
  let [hits, misses, records] = [0, 0, 0];
  let hot = hotKeys(COUNTED);
  let since = performance.now();
  const listen = (message: unknown) => {
    const report = message as Report;
    if (report.type === 'record') records += 1;
    if (report.type !== 'hit' && report.type !== 'miss') return;
    if (report.type === 'hit') hits += 1;
    else misses += 1;
    hot.add(report.key);
  };
  diagnostics.subscribe(REPORT_CHANNEL, listen);
  return {
    take() {
      const now = performance.now();
      const traffic = { seconds: (now - since) / 1_000, hits, misses, records, hot: hot.top(most) };
      [hits, misses, records] = [0, 0, 0];
      hot = hotKeys(COUNTED);
      since = now;
      return traffic;
    },
    stop: () => void diagnostics.unsubscribe(REPORT_CHANNEL, listen),
  };
}

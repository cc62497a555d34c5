import type { LocalReport } from '../local/index.js';
import type { Traffic } from '../operate/traffic.js';
import type { RecordReport, Report } from '../report.js';
import { MEANING, STYLE } from './outcomes.js';
import type { Paint } from './terminal.js';
import { visible } from './text.js';

const WIDTH = 'superseded'.length;

/**
 * What `dev` shows of what happens.
 *
 * @param isDemo whether it shows lookups too, and says of all what it means when it is there for the first time
 */
export function newLines(paint: Paint, isDemo: boolean): (report: Report) => string[] {
  const reasonOf = newReasons();
  const explained = new Set<string>();
  function withMeaning(line: string, what: string, meaning: string): string {
    if (!isDemo || explained.has(what)) return line;
    explained.add(what);
    return `${line}  ${paint('dim', meaning)}`;
  }
  return (report) => {
    if (isDemo && (report.type === 'hit' || report.type === 'miss')) {
      const { type, operation, key } = report;
      return [withMeaning(`${type.padEnd(WIDTH)}  ${operation}  ${visible(key)}`, type, LOOKUP[type])];
    }
    if (report.type !== 'record') return [];
    const why = reasonOf(report);
    return [
      withMeaning(recordLine(report, paint), report.outcome, MEANING[report.outcome]),
      ...(why === undefined ? [] : [paint('red', `! ${visible(why)}`)]),
    ];
  };
}

const LOOKUP = {
  hit: 'a reader is answered by the cache, also that there is no such item',
  miss: 'a reader is answered by the table, and the cache is filled with it',
};

function recordLine({ outcome, eventName, key }: RecordReport, paint: Paint): string {
  return `${paint(STYLE[outcome], outcome.padEnd(WIDTH))}  ${eventName.padEnd('MODIFY'.length)}  ${visible(key ?? '(no key)')}`;
}

/** Why records fail: each cause once until a record succeeds, since a cache that is down fails all of them again and again. */
function newReasons() {
  const said = new Set<string>();
  return ({ outcome, error }: RecordReport): string | undefined => {
    if (outcome !== 'failed') {
      said.clear();
      return undefined;
    }
    const why = error?.message ?? 'The handler gave no reason.';
    if (said.has(why)) return undefined;
    said.add(why);
    return why;
  };
}

/** What is worth a line of what the mapping does; the records speak for themselves. */
export function mappingLine(report: LocalReport): string | undefined {
  switch (report.type) {
    case 'invoked':
      if (report.error) return `The handler failed and is invoked again: ${report.error.message}`;
      return report.failedFrom && `Delivered again from ${report.failedFrom} on`;
    case 'source-failed':
      return `The stream cannot be read and is tried again: ${report.error.message}`;
    case 'iterator-renewed':
      return report.reason === 'trimmed'
        ? 'Records were trimmed from the stream before they were read'
        : undefined;
    default:
      return undefined;
  }
}

export function trafficLine({ seconds, hits, misses, records, hot }: Traffic): string {
  const rate = (number: number) => `${(number / seconds).toFixed(1)}/s`;
  const share = hits + misses === 0 ? '' : ` (${((hits / (hits + misses)) * 100).toFixed()} % hits)`;
  const keys = hot.map(({ key, count }) => `${key} ${rate(count)}`);
  return [
    `${rate(records)} records, ${rate(hits)} hits, ${rate(misses)} misses${share}`,
    ...(keys.length > 0 ? [`most read: ${keys.join(', ')}`] : []),
  ].join('; ');
}
